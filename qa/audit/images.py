"""Checks of the images: how many, shared between questions, and what ReaL says they show."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.audit.questions import ClassNames
from imagewikiqa.qa.audit.records import AuditQuestion, Finding

_VALIDATION = re.compile(r"ILSVRC2012_val_(\d{8})")


@dataclass(frozen=True, slots=True)
class ImageUse:
    """How images are spread over questions."""

    images: int
    per_question: dict[str, int]
    shared: tuple[Finding, ...]  # one per image


@dataclass(frozen=True, slots=True)
class RealCheck:
    """What ReaL says: rows asked about, rows with no valid label, findings one per row."""

    checked: int
    without_label: int
    findings: tuple[Finding, ...]


def image_use(questions: Sequence[AuditQuestion]) -> ImageUse:
    """Count distinct images, images per question, and images that serve two questions."""
    users: dict[str, list[AuditQuestion]] = defaultdict(list)
    sizes: Counter[int] = Counter()
    for question in questions:
        images = {row.image for row in question.rows if row.image is not None}
        sizes[len(images)] += 1
        for image in sorted(images):
            users[image].append(question)
    return ImageUse(
        images=len(users),
        per_question={str(size): sizes[size] for size in sorted(sizes)},
        shared=tuple(_shared(image, used) for image, used in users.items() if len(used) > 1),
    )


def load_real(path: Path) -> list[list[int]]:
    """Read ReaL labels: a JSON list with one list of class indices per validation image."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ToolkitError(
            f"there is no file {path}: give the ReaL label list, or no --real"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ToolkitError(
            f"{path} cannot be read as JSON ({error}); give the ReaL labels"
        ) from error
    if not isinstance(value, list) or not all(
        isinstance(labels, list) and all(type(x) is int for x in labels) for labels in value
    ):
        raise ToolkitError(
            f"{path} is no list of lists of class indices; give the ReaL labels, one list per image"
        )
    return value


def real_check(
    questions: Sequence[AuditQuestion], real: Sequence[Sequence[int]], names: ClassNames
) -> RealCheck | None:
    """Return what ReaL says of each row whose image and class it knows; None when of none."""
    checked = without_label = 0
    found: list[Finding] = []
    for question in questions:
        for row in question.rows:
            match = _VALIDATION.search(row.image or "")
            valid = names.index(row)
            if match is None or not valid or not 1 <= int(match.group(1)) <= len(real):
                continue
            checked += 1
            labels = real[int(match.group(1)) - 1]
            without_label += not labels
            if valid.isdisjoint(labels):
                detail = f"{row.image}, asked as {row.class_name or row.class_id}: {_says(labels)}"
                where = {"row": row.row, "question_id": row.question_id}
                found.append(Finding(check="wrong_or_disputed_images", detail=detail, **where))
    return RealCheck(checked, without_label, tuple(found)) if checked else None


def _says(labels: Sequence[int]) -> str:
    if not labels:
        return "ReaL has no valid label"
    return f"ReaL says {', '.join(f'class {label}' for label in labels)}"


def _shared(image: str, used: Sequence[AuditQuestion]) -> Finding:
    first = used[0].first
    rows = [row.row for question in used for row in question.rows if row.image == image]
    detail = f"{image} in rows {', '.join(map(str, rows))}"
    check = "images_shared_by_questions"
    return Finding(row=first.row, question_id=first.question_id, check=check, detail=detail)

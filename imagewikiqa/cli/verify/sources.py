"""The questions that a round may ask, out of a run folder, with their pages and pictures."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from imagewikiqa.cli.job import class_list
from imagewikiqa.cli.job_tables import DISPUTED
from imagewikiqa.cli.settings import stored
from imagewikiqa.core.digests import file_digest, keyed_order
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Disputed, Draft, Item, Page, Question
from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.families import families
from imagewikiqa.qa.rounds.records import Origin, Subject

TABLES = ("questions.jsonl", "items.jsonl", "pages.jsonl", DISPUTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a run folder offers to a round."""

    subjects: list[Subject]
    pages: dict[str, Page]
    pixels: Path | None  # folder below which the images lie, where the run says so
    digests: dict[str, str] = field(default_factory=dict)


def read_source(run: Path, origin: Origin = "set", *, disputed: bool = False) -> Source:
    """Return the questions of a finished run folder.

    Raises ToolkitError when there is no such folder, or its files are not as they were left.
    """
    if not (run / "questions.jsonl").is_file():
        raise ToolkitError(
            f"{run} holds no questions.jsonl: give the folder of a finished imagewikiqa rebuild"
        )
    if wrong := verify_manifest(run):
        raise ToolkitError(f"{run}: {wrong[0]}; run its command again first")
    made_with = stored(run)
    images: dict[str, str] = {}
    for item in read_table(run / "items.jsonl", Item):
        if item.image is not None:
            images.setdefault(item.question_id, item.image)
    questions: list[tuple[Question, Origin]] = [
        (one, origin) for one in read_table(run / "questions.jsonl", Question)
    ]
    if disputed and (run / DISPUTED).is_file():
        rows = read_table(run / DISPUTED, Disputed)
        questions += [(_as_question(one.draft), "disputed") for one in rows]
    family = _families(made_with.classes) if made_with else {}
    kind, _, folder = (made_with.image_source if made_with else "none").partition(":")
    return Source(
        subjects=[
            Subject(
                id=one.id,
                origin=where,
                question=one,
                family=family.get(one.class_id, ""),
                image=images.get(one.id),
            )
            for one, where in questions
        ],
        pages={page.id: page for page in read_table(run / "pages.jsonl", Page)},
        pixels=Path(folder) if kind == "folder" else None,
        digests={name: file_digest(run / name) for name in TABLES if (run / name).is_file()},
    )


def run_of(folder: Path) -> Path:
    """Return the run that a round was prepared from. Raises ToolkitError when it has moved."""
    file = folder / "config.yaml"
    if not file.is_file():
        raise ToolkitError(f"{folder} holds no round: give the folder that verify prepare made")
    run = Path(yaml.safe_load(file.read_text(encoding="utf-8"))["run"])
    if not run.is_dir():
        raise ToolkitError(f"the run {run} is not there any more: say where it is with --run")
    return run


def _families(classes: str) -> dict[str, str]:
    """Return the family of each class of the run; none where its class list is not there now."""
    try:
        return families(class_list(classes))
    except ToolkitError:
        return {}


def _as_question(draft: Draft) -> Question:
    """Return a draft that was not released as a question, its options in an order of its own."""
    a, b, c, d = keyed_order(range(4), str, 0, "disputed", draft.id)
    picked = tuple(draft.choices[at] for at in (a, b, c, d))
    return Question(
        id=draft.id,
        class_id=draft.class_id,
        class_name=draft.class_name,
        question=draft.question,
        question_named=draft.question_named,
        choices=(picked[0].text, picked[1].text, picked[2].text, picked[3].text),
        answer=(a, b, c, d).index(0),
        evidence=draft.evidence,
        author=draft.author,
        checks={},
        judge=None,
        choice_class_ids=(
            picked[0].class_id, picked[1].class_id, picked[2].class_id, picked[3].class_id,
        ),
    )  # fmt: skip

"""The audit: read a file, ask every check, put figures, findings and examples together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.intervals import uniformity
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.qa.audit.checks import finding, like_findings, row_findings, text_findings
from imagewikiqa.qa.audit.contamination import Text, contaminated
from imagewikiqa.qa.audit.evidence import Pages, evidence_findings, load_pages, shared_texts
from imagewikiqa.qa.audit.images import RealCheck, image_use, load_real, real_check
from imagewikiqa.qa.audit.load import Loaded, load
from imagewikiqa.qa.audit.questions import ClassNames, group
from imagewikiqa.qa.audit.records import (
    Accuracy,
    AuditQuestion,
    AuditReport,
    AuditSummary,
    Example,
    Finding,
)
from imagewikiqa.qa.audit.verdicts import verdicts
from imagewikiqa.qa.surface import longest_accuracy, shortest_accuracy, surface_accuracy

EXAMPLES = 4
NAME_CHECKS = ("name_in_question", "name_in_choice", "name_in_answer", "name_word_in_question")
SYNONYM_CHECKS = ("synonym_in_question", "synonym_in_choice", "synonym_in_answer")
EVIDENCE_CHECKS = ("evidence_missing", "evidence_without_answer")
COUNTED = ("negated", "all_or_none", "placeholder_missing", "duplicate_choices",
           "conflicting_answers", "duplicate_rows")  # fmt: skip


def audit(
    path: Path,
    *,
    real: Path | None = None,
    pages: Path | None = None,
    classes: Sequence[ClassEntry] | None = None,
    against: Path | None = None,
) -> AuditReport:
    """Audit a multiple-choice file or a run folder.

    `real` is the ReaL label list of the ImageNet validation images, `pages` JSON lines with title
    and text (a run folder brings its own pages.jsonl), `classes` the list that class names come
    from (ImageNet's when not given), `against` another set to look for its questions in.
    What cannot be checked is None. Raises ToolkitError when a
    file is missing or holds no question; one bad row is a finding.
    """
    if pages is None and (path / "pages.jsonl").is_file():
        pages = path / "pages.jsonl"
    names = ClassNames.of(load_classes("imagenet") if classes is None else classes)
    loaded = load(path)
    questions = group(loaded.rows, names)
    page_texts = None if pages is None else load_pages(pages)
    labels = None if real is None else real_check(questions, load_real(real), names)
    found = [
        *loaded.unreadable,
        *(loaded.disagreements or ()),
        *text_findings(questions),
        *row_findings(questions),
        *_evidence_findings(questions, page_texts),
        *(labels.findings if labels else ()),
        *_other_findings(questions, against),
    ]
    figures = _figures(loaded, questions, found, labels)
    figures["evidence_not_in_page"] = _count(
        found, "evidence_not_in_page", page_texts is not None and _has_evidence(questions)
    )
    figures["in_other_set"] = _count(found, "in_other_set", against is not None)
    pairs, like = like_findings(questions)
    use = image_use(questions)
    figures |= {
        **pairs,
        "images": use.images,
        "images_per_question": use.per_question,
        "images_shared_by_questions": len(use.shared),
    }
    figures["verdicts"] = verdicts(figures, uniformity(_letter_counts(questions)))
    return AuditReport(
        summary=AuditSummary.model_validate(figures),
        findings=_kept(
            [*found, *like, *use.shared, *_length_findings(questions, figures)], figures
        ),
        examples=_examples(questions, found),
    )


def _figures(
    loaded: Loaded,
    questions: Sequence[AuditQuestion],
    found: Sequence[Finding],
    labels: RealCheck | None,
) -> dict[str, object]:
    """Return all figures but those of pages, likeness and image use."""
    named = any(q.names for q in questions)
    known = any(q.synonyms is not None for q in questions)
    cited = _has_evidence(questions)
    shared = shared_texts(questions)
    return {
        "file": loaded.file,
        "sha256": loaded.sha256,
        "layout": loaded.layout,
        "class_column": loaded.class_column,
        "rows": len(loaded.rows),
        "unreadable_rows": len(loaded.unreadable),
        "questions": len(questions),
        "classes": len({row.class_key for row in loaded.rows} - {None}),
        **_letter_figures(loaded, questions),
        **_accuracies(questions),
        **{check: _count(found, check, named) for check in NAME_CHECKS},
        **{check: _count(found, check, known) for check in SYNONYM_CHECKS},
        **{check: _count(found, check, True) for check in COUNTED},
        **{check: _count(found, check, cited) for check in EVIDENCE_CHECKS},
        "items_and_questions_disagree": _count(
            found, "items_and_questions_disagree", loaded.disagreements is not None
        ),
        "choices_read_as_missing": _count(
            found, "choices_read_as_missing", loaded.layout.startswith("VLMEvalKit")
        ),
        "evidence_shared_across_classes": len(shared) if cited else None,
        "evidence_shared_questions": sum(map(len, shared)) if cited else None,
        "wrong_or_disputed_images": len(labels.findings) if labels else None,
        "images_without_valid_label": labels.without_label if labels else None,
        "images_checked": labels.checked if labels else None,
    }


def _letter_figures(loaded: Loaded, questions: Sequence[AuditQuestion]) -> dict[str, object]:
    over_rows = Counter(row.answer for row in loaded.rows)
    over_questions = Counter(q.answer for q in questions)
    width = max(4, *(len(q.choices) for q in questions))
    return {
        "letters": {chr(65 + i): over_rows[i] for i in range(width)},
        "letters_questions": {chr(65 + i): over_questions[i] for i in range(width)},
        "max_frequency_rows": max(over_rows.values()) / len(loaded.rows),
        "max_frequency_questions": max(over_questions.values()) / len(questions),
        "letters_p": uniformity(_letter_counts(questions)),
    }


def _letter_counts(questions: Sequence[AuditQuestion]) -> list[int]:
    """Return how often each position is right, over positions that every question has."""
    width = min(len(q.choices) for q in questions)
    used = Counter(q.answer for q in questions)
    return [used[i] for i in range(width)]


def _accuracies(questions: Sequence[AuditQuestion]) -> dict[str, object]:
    chance = sum(1 / len(q.choices) for q in questions) / len(questions)
    return {
        "longest_option": Accuracy.of(longest_accuracy(questions), chance),
        "shortest_option": Accuracy.of(shortest_accuracy(questions), chance),
        "surface_model": Accuracy.of(surface_accuracy(questions), chance),
    }


def _evidence_findings(
    questions: Sequence[AuditQuestion], pages: Pages | None
) -> Iterable[Finding]:
    """Return findings on evidence, none where the file has no evidence at all."""
    return evidence_findings(questions, pages) if _has_evidence(questions) else ()


def _other_findings(questions: Sequence[AuditQuestion], against: Path | None) -> Iterable[Finding]:
    """Yield the questions that another set holds already."""
    if against is None:
        return
    known = [Text(row.question, row.choices) for row in load(against).rows]
    texts = [Text(one.question, one.choices) for one in questions]
    for at, reason in contaminated(texts, known).items():
        yield finding(questions[at], "in_other_set", f"{reason}: {questions[at].question[:200]}")


def _has_evidence(questions: Sequence[AuditQuestion]) -> bool:
    return any(q.first.evidence for q in questions)


def _count(found: Sequence[Finding], check: str, asked: bool) -> int | None:
    return sum(item.check == check for item in found) if asked else None


def _length_findings(
    questions: Sequence[AuditQuestion], figures: dict[str, object]
) -> Iterable[Finding]:
    """Yield the questions that a leaking length rule gets right, the clearest first."""
    for check, sign in (("longest_option", 1), ("shortest_option", -1)):
        accuracy = figures[check]
        if not isinstance(accuracy, Accuracy) or accuracy.verdict == "ok":
            continue
        for question in questions:
            lengths = [sign * len(text) for text in question.choices]
            right = lengths.pop(question.answer)
            if right > max(lengths):
                detail = f"{abs(right)} characters against {abs(max(lengths))}: {question.right}"
                yield finding(question, check, detail[:300])


def _kept(found: Sequence[Finding], figures: dict[str, object]) -> tuple[Finding, ...]:
    """Return findings of the checks that were asked, by check in order of the file."""
    asked = [item for item in found if figures[item.check] is not None]
    return tuple(sorted(asked, key=lambda item: (item.check, item.row, item.detail)))


def _examples(questions: Sequence[AuditQuestion], found: Sequence[Finding]) -> tuple[Example, ...]:
    """Return the questions that fail the most checks, first in the file on a tie."""
    failed: dict[int, list[str]] = defaultdict(list)
    for item in found:
        if item.check not in failed[item.row]:
            failed[item.row].append(item.check)
    worst = sorted(
        (q for q in questions if failed[q.first.row]),
        key=lambda q: (-len(failed[q.first.row]), q.first.row),
    )
    return tuple(Example(row=q.first, checks=tuple(failed[q.first.row])) for q in worst[:EXAMPLES])

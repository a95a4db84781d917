"""Checks that need the questions alone: names, wording, options, likeness."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from imagewikiqa.qa.audit.near import LikeTexts, like_in_both
from imagewikiqa.qa.audit.records import AuditQuestion, Finding
from imagewikiqa.qa.audit.text import content_words, has_name, masked, normalised

NEGATED = re.compile(r"\b(?:not|never|except|cannot|neither|nor)\b|n['’]t\b", re.IGNORECASE)
_ALL_OR_NONE = re.compile(
    r"\s*(?:all|none|any|neither|both)\s+(?:of\s+)?(?:the\s+)?"
    r"(?:above|these|those|options|choices|answers|[a-z]\s+(?:and|or|nor)\s+[a-z]\b)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\b(?:this|these) objects?\b", re.IGNORECASE)
# What pandas.read_csv takes for a missing value unless told otherwise.
READ_AS_MISSING = frozenset(
    "#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a"
    "|nan|null".split("|")
)
Check = Callable[[AuditQuestion], str | None]


def finding(question: AuditQuestion, check: str, detail: str) -> Finding:
    """Return a finding at a question's first row."""
    first = question.first
    return Finding(row=first.row, question_id=first.question_id, check=check, detail=detail)


def text_findings(questions: Sequence[AuditQuestion]) -> Iterator[Finding]:
    """Yield one finding per question and failed check of TEXT_CHECKS."""
    for question in questions:
        for check, failed in TEXT_CHECKS.items():
            if detail := failed(question):
                yield finding(question, check, detail)


def row_findings(questions: Sequence[AuditQuestion]) -> Iterator[Finding]:
    """Yield findings about rows of one question that repeat or contradict each other."""
    for question in questions:
        right = sorted({row.choices[row.answer] for row in question.rows})
        if len(right) > 1:
            yield finding(question, "conflicting_answers", f"right in turn: {' | '.join(right)}")
        seen: dict[tuple[str, tuple[str, ...]], int] = {}
        for row in question.rows:
            # Rotated options are a circular test of one question, not a repeated row.
            key = (row.image or "", row.choices)
            if key in seen:
                where = {"row": row.row, "question_id": row.question_id}
                detail = f"same question and image as row {seen[key]}"
                yield Finding(check="duplicate_rows", detail=detail, **where)
            seen.setdefault(key, row.row)


def like_findings(
    questions: Sequence[AuditQuestion],
) -> tuple[dict[str, int], list[Finding]]:
    """Return pair counts, and per question which others are like it, class names masked."""
    classes = [q.class_id for q in questions]
    texts = [masked(q.question, q.names) for q in questions]
    options = [" | ".join(sorted(masked(c, q.names) for c in q.choices)) for q in questions]
    alone = LikeTexts(texts, classes)
    joined = [
        (i, sorted(j for j in like if classes[j] != classes[i]))
        for i, like in enumerate(like_in_both(texts, options))
    ]
    counts = {
        "near_duplicate_pairs_across_classes": alone.across,
        "near_duplicate_pairs_within_class": alone.within,
        "like_questions_and_choices_across_classes": sum(len(like) for _, like in joined) // 2,
    }
    findings = [
        finding(questions[i], check, _likes(questions, like))
        for check, found in zip(
            counts, (alone.partners(True), alone.partners(False), joined), strict=True
        )
        for i, like in found
        if like
    ]
    return counts, findings


def _likes(questions: Sequence[AuditQuestion], like: Sequence[int]) -> str:
    other = questions[like[0]]
    more = f", and {len(like) - 1} more" if len(like) > 1 else ""
    return f"like row {other.first.row} ({other.class_id}): {other.question[:200]}{more}"


def _name_in_question(question: AuditQuestion) -> str | None:
    return _found(has_name(question.question, question.names), question.question)


def _name_in_choice(question: AuditQuestion) -> str | None:
    return _in_choices(question, question.names)


def _name_in_answer(question: AuditQuestion) -> str | None:
    return _found(has_name(question.right, question.names), question.right)


def _synonym_in_question(question: AuditQuestion) -> str | None:
    return _found(has_name(question.question, question.synonyms or ()), question.question)


def _synonym_in_choice(question: AuditQuestion) -> str | None:
    return _in_choices(question, question.synonyms or ())


def _synonym_in_answer(question: AuditQuestion) -> str | None:
    return _found(has_name(question.right, question.synonyms or ()), question.right)


def _name_word_in_question(question: AuditQuestion) -> str | None:
    name_words = {word for name in question.names for word in content_words(name)}
    shared = sorted(name_words & content_words(question.question))
    return _found(shared[0] if shared else None, question.question)


def _negated(question: AuditQuestion) -> str | None:
    match = NEGATED.search(question.question)
    return _found(match and match.group(), question.question)


def _all_or_none(question: AuditQuestion) -> str | None:
    return next((text for text in question.choices if _ALL_OR_NONE.match(text)), None)


def _placeholder_missing(question: AuditQuestion) -> str | None:
    return None if _PLACEHOLDER.search(question.question) else question.question[:300]


def _duplicate_choices(question: AuditQuestion) -> str | None:
    counts = Counter(map(normalised, question.choices))
    twice = [text for text in question.choices if counts[normalised(text)] > 1]
    return " | ".join(twice) or None


def _read_as_missing(question: AuditQuestion) -> str | None:
    return next((repr(text) for text in question.choices if text in READ_AS_MISSING), None)


def _in_choices(question: AuditQuestion, names: Sequence[str]) -> str | None:
    hits = ((has_name(text, names), text) for text in question.choices)
    return next((_found(name, text) for name, text in hits if name), None)


def _found(what: str | None, where: str) -> str | None:
    return f"“{what}” in: {where[:300]}" if what else None


TEXT_CHECKS: dict[str, Check] = {
    "name_in_question": _name_in_question,
    "name_in_choice": _name_in_choice,
    "name_in_answer": _name_in_answer,
    "synonym_in_question": _synonym_in_question,
    "synonym_in_choice": _synonym_in_choice,
    "synonym_in_answer": _synonym_in_answer,
    "name_word_in_question": _name_word_in_question,
    "negated": _negated,
    "all_or_none": _all_or_none,
    "placeholder_missing": _placeholder_missing,
    "duplicate_choices": _duplicate_choices,
    "choices_read_as_missing": _read_as_missing,
}

"""What every released question must satisfy on its own, whoever wrote it."""

import re
from collections.abc import Mapping, Sequence

from imagewikiqa.core.records import Draft
from imagewikiqa.qa.injection import instruction_like
from imagewikiqa.qa.leaks import LeakChecker, fold
from imagewikiqa.qa.naming import has_placeholder

_ALL_OR_NONE = re.compile(
    r"^\s*(?:all|none|any|neither|both)\s+(?:of\s+)?(?:the\s+)?"
    r"(?:above|these|those|options|choices|answers|[a-d]\s+(?:and|or|nor)\s+[a-d]\b)"
    r"|\bof\s+(?:the|these)\s+(?:above|options|choices|answers)\b",
    re.I,
)
_LETTER = re.compile(r"^\(?[A-Da-d][.)]\s")
_MARKUP = re.compile(r"\{\{|\}\}|\[\[|\]\]|'''|<[a-z/!]|\{\||\|-|&[a-z]+;")

# Check -> the reason a failing question is dropped with. Order: the first failure is the reason.
CHECKS: Mapping[str, str] = {
    "placeholder": "no placeholder in the question",
    "distinct_options": "two options are the same",
    "plain_options": "option with a letter prefix or all/none of the above",
    "no_markup": "markup left in the text",
    "no_name_leak": "name leak",
    "evidence_verbatim": "evidence is not in the page",
}
# Check -> what is counted where it fails. A question is not dropped for it, but people should look.
FLAGS: Mapping[str, str] = {
    "no_instructions_in_page": "its page holds words that read like instructions to a model",
}


def check_draft(draft: Draft, checker: LeakChecker, texts: Mapping[str, str]) -> dict[str, bool]:
    """Return the outcome of CHECKS, then of FLAGS; `texts` maps page ids to page texts."""
    options = [choice.text for choice in draft.choices]
    shown = "\n".join([draft.question, *options])
    quote = draft.evidence
    page = texts.get(quote.page, "")
    return {
        "placeholder": has_placeholder(draft.question),
        "distinct_options": len({_normal(option) for option in options}) == len(options),
        "plain_options": not any(map(_ALL_OR_NONE.search, options)) and not _lettered(options),
        "no_markup": not _MARKUP.search(shown),
        "no_name_leak": not checker.leaks(shown, draft.class_id),
        "evidence_verbatim": bool(quote.quote) and page[quote.start : quote.end] == quote.quote,
        "no_instructions_in_page": instruction_like(page) is None,
    }


def first_failure(found: Mapping[str, bool]) -> str | None:
    """Return the reason of the first check that failed, in the order of CHECKS; None if none."""
    return next((reason for name, reason in CHECKS.items() if not found[name]), None)


def _lettered(options: Sequence[str]) -> bool:
    """Return whether options carry letters: one alone may be a name, as in 'C. Bechstein'."""
    return sum(_LETTER.match(option) is not None for option in options) > 1


def _normal(option: str) -> str:
    """Return an option as it is compared: folded, without article and end punctuation."""
    return re.sub(r"^(?:the|a|an) |[.,;:!]+$", "", fold(option))

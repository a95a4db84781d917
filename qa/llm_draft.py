"""From one checked question of a reply to a draft: the placeholder, the name and the evidence."""

import re
from collections.abc import Sequence

from imagewikiqa.core.records import Authorship, Choice, Draft, Evidence, Page, Reject
from imagewikiqa.qa.corpus.author import question_id
from imagewikiqa.qa.evidence import fold_quote, locate
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.llm_reply import QuestionDraft, Unfit
from imagewikiqa.qa.naming import has_placeholder, name_question
from imagewikiqa.qa.protocols import Subject

_A_THIS = re.compile(r"\b(a|an|the)\s+(this object|these objects|that object)\b", re.IGNORECASE)
_FEWEST_WORDS = 2  # "Diet: bamboo" is evidence, "bamboo" is not


def make_draft(
    subject: Subject, written: QuestionDraft, checker: LeakChecker, author: Authorship
) -> Draft:
    """Return a question as a draft, the right choice first; raise Unfit with the reason.

    Class and id are the subject's own: nothing in a reply can change them.
    """
    entry = subject.entry
    question = _A_THIS.sub(_without_article, written.question)
    if not has_placeholder(question):
        raise Unfit("no placeholder in the question", question)
    if checker.leaks(question, entry.id):
        raise Unfit("name leak in the question", question)
    right = written.choices[written.answer]
    wrong = [text for at, text in enumerate(written.choices) if at != written.answer]
    first, second, third, fourth = (Choice(text=text) for text in (right, *wrong))
    return Draft(
        id=question_id(entry.id, question, right),
        class_id=entry.id,
        class_name=entry.name,
        question=question,
        question_named=name_question(question, entry),
        choices=(first, second, third, fourth),
        evidence=find_evidence(subject.pages, written.reference),
        author=author,
    )


def find_evidence(pages: Sequence[Page], reference: str) -> Evidence:
    """Return where a reference stands in the first page that holds it; raise Unfit if none does."""
    if len(fold_quote(reference).split()) < _FEWEST_WORDS:
        raise Unfit("evidence too short", reference)
    for page in pages:
        if span := locate(page.text, reference):
            return Evidence(
                page=page.id,
                page_id=page.page_id,
                revision_id=page.revision_id,
                url=page.url,
                quote=page.text[span[0] : span[1]],
                start=span[0],
                end=span[1],
            )
    raise Unfit("evidence not in the page", reference)


def draft_reject(class_id: str, number: int, fault: Unfit) -> Reject:
    """Return the reject row of a question; `number` counts all that were read about a class."""
    return Reject(
        id=f"draft:llm:{class_id}:{number}",
        stage="draft",
        input=class_id,
        reason=fault.reason,
        detail=fault.detail,
    )


def _without_article(match: re.Match[str]) -> str:
    """Repair 'a this object', keeping the capital of a sentence's first word."""
    words = match[2]
    return words[0].upper() + words[1:] if match[1][0].isupper() else words

"""A draft that quotes a small page, for tests of what reads both."""

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.records import Authorship, Choice, Draft, Evidence, Page

QUOTE = "It eats mainly bamboo, berries and eggs."
TEXT = f"The reed panda lives in reeds. {QUOTE} Unlike frogs, it does not swim."


def page(text: str = TEXT, facts: dict[str, str] | None = None) -> Page:
    return Page(
        id="p", class_ids=("reed_panda",), title="Reed panda", page_id=7, revision_id=70,
        revision_timestamp=None, url="https://example.org/70", license="CC0-1.0", text=text,
        sections=(), facts=facts or {}, source="test", sha256=text_digest(text),
    )  # fmt: skip


def draft(
    *wrong: str,
    right: str = "Bamboo",
    question: str = "What does this object mainly eat?",
    quote: str = QUOTE,
    text: str = TEXT,
) -> Draft:
    start = text.index(quote)
    a, b, c = (Choice(text=one) for one in wrong or ("Frogs", "Beetles", "Urchins"))
    return Draft(
        id="d", class_id="reed_panda", class_name="reed panda", question=question,
        question_named=question.replace("this object", "the reed panda"),
        choices=(Choice(text=right), a, b, c),
        evidence=Evidence(page="p", page_id=7, revision_id=70, url="https://example.org/70",
                          quote=quote, start=start, end=start + len(quote)),
        author=Authorship(name="llm", model="m", prompt="p@0", seed=0),
    )  # fmt: skip

"""What an author and a judge must offer; the corpus ones need no model, an LLM satisfies both."""

from dataclasses import dataclass
from typing import Literal, Protocol

from imagewikiqa.core.records import ClassEntry, Draft, Page, Reject

Condition = Literal["with_name", "without_name", "closed_book"]
State = Literal["answered", "ambiguous", "refused", "empty"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One class and the pages that speak of it."""

    entry: ClassEntry
    pages: tuple[Page, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """What an author made of one subject: drafts, and what it tried and dropped."""

    drafts: tuple[Draft, ...]
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call to a judge: the question as shown, options in shown order."""

    question: str  # names the class under with_name, says "this object" otherwise
    choices: tuple[str, str, str, str]
    condition: Condition
    class_id: str | None  # None unless the condition is with_name
    class_name: str | None
    sample: int = 0  # which of several votes on the same words and order


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a judge said: a shown position 0-3, or why there is none. Never a random pick."""

    state: State
    position: int | None = None


class Author(Protocol):
    """Write questions about one class."""

    @property
    def name(self) -> str:
        """Return the name stored with every draft."""

    async def draft(self, subject: Subject) -> Drafted:
        """Return drafts about the subject, right option first, evidence located verbatim."""


class Judge(Protocol):
    """Answer one question under one condition."""

    @property
    def name(self) -> str:
        """Return the name stored with every judgement."""

    async def answer(self, ask: Ask) -> Answer:
        """Return the option chosen; the judge never learns which one is right."""

"""The stages of the main job as picklable steps: rooms meet here and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagewikiqa.builders.pages import MatchedPage, make_page
from imagewikiqa.core.digests import digest, text_digest
from imagewikiqa.core.records import ClassEntry, Draft, Page, Reject
from imagewikiqa.core.stages import Outcome, Stage
from imagewikiqa.qa.corpus.facts import ClassFacts, class_facts
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.protocols import Author, Subject


@dataclass(frozen=True, slots=True)
class PageInput:
    """One matched page, addressed by where it came from."""

    matched: MatchedPage

    @property
    def id(self) -> str:
        """Return the page's address in its source."""
        raw = self.matched.raw
        return f"{raw.source}#{raw.title}"

    def digest(self) -> str:
        """Return the digest of all that decides the clean page."""
        raw = self.matched.raw
        fields = [getattr(raw, name) for name in type(raw).__slots__ if name != "wikitext"]
        return digest([fields, text_digest(raw.wikitext), self.matched.class_ids])


@dataclass(frozen=True, slots=True)
class SubjectInput:
    """One class with its pages."""

    subject: Subject

    @property
    def id(self) -> str:
        """Return the class id."""
        return self.subject.entry.id

    def digest(self) -> str:
        """Return the digest of the class and its pages."""
        return digest([digest(part) for part in (self.subject.entry, *self.subject.pages)])


def pages_stage() -> Stage[PageInput, Page]:
    """Wikitext to clean text, sections and facts."""
    return Stage(
        name="pages",
        version=1,
        settings="",
        step=_clean,
        row=Page,
        input_digest=PageInput.digest,
        processes=True,
        spread_above=200,
    )


async def _clean(page: PageInput) -> Outcome[Page]:
    made = make_page(page.matched)
    return Outcome(rejects=(made,)) if isinstance(made, Reject) else Outcome(rows=(made,))


@dataclass(frozen=True, slots=True)
class FactsStep:
    """Find the facts of one class."""

    checker: LeakChecker

    async def __call__(self, one: SubjectInput) -> Outcome[ClassFacts]:
        """Return one row: all facts of the class."""
        subject = one.subject
        return Outcome(rows=(class_facts(subject.entry, subject.pages, self.checker),))


def facts_stage(checker: LeakChecker, settings: str) -> Stage[SubjectInput, ClassFacts]:
    """Clean pages to typed facts, for the corpus author."""
    return Stage(
        name="facts",
        version=1,
        settings=settings,
        step=FactsStep(checker),
        row=ClassFacts,
        input_digest=SubjectInput.digest,
        processes=True,
        spread_above=200,
    )


@dataclass(frozen=True, slots=True)
class DraftStep:
    """Let the author write about one class."""

    author: Author

    async def __call__(self, one: SubjectInput) -> Outcome[Draft]:
        """Return the drafts and what the author dropped."""
        drafted = await self.author.draft(one.subject)
        return Outcome(rows=drafted.drafts, rejects=drafted.rejects)


def draft_stage(author: Author, settings: str, in_flight: int) -> Stage[SubjectInput, Draft]:
    """Classes to drafted questions."""
    return Stage(
        name="draft",
        version=1,
        settings=settings,
        step=DraftStep(author),
        row=Draft,
        input_digest=SubjectInput.digest,
        in_flight=in_flight,
    )


def subjects(classes: Sequence[ClassEntry], pages: Sequence[Page]) -> list[SubjectInput]:
    """Return every class that has a page, with its pages, in class order."""
    by_class: dict[str, list[Page]] = {}
    for page in pages:
        for class_id in page.class_ids:
            by_class.setdefault(class_id, []).append(page)
    return [
        SubjectInput(Subject(entry=entry, pages=tuple(by_class[entry.id])))
        for entry in classes
        if entry.id in by_class
    ]

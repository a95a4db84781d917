"""The corpus author: asks about facts of pages, with wrong options from other classes' pages."""

from collections.abc import Iterator, Sequence

from imagewikiqa.core.digests import digest, keyed_int
from imagewikiqa.core.records import Authorship, Choice, ClassEntry, Draft, Evidence, Page, Reject
from imagewikiqa.qa.corpus.distractors import Candidate, choose, ring
from imagewikiqa.qa.corpus.facts import ClassFacts, Fact
from imagewikiqa.qa.corpus.forms import Form, forms_ref, load_forms
from imagewikiqa.qa.corpus.lead import as_written
from imagewikiqa.qa.corpus.truth import Truth
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.naming import render_stem
from imagewikiqa.qa.protocols import Drafted, Subject

PER_LIST = 1  # questions that one list-like form gives a class


class CorpusAuthor:
    """Writes without a model. `facts` holds every class of the run: they supply wrong options."""

    name = "corpus"

    def __init__(self, facts: Sequence[ClassFacts], checker: LeakChecker, seed: int) -> None:
        self._facts = {one.id: one for one in facts}
        self._checker = checker
        self._seed = seed
        self._rings: dict[str, list[Candidate]] = {
            form.name: ring([(one, fact) for one in facts for fact in self._pick(form, one)], seed)
            for form in load_forms()
        }

    async def draft(self, subject: Subject) -> Drafted:
        """Return one draft per form that finds three surely wrong options."""
        own = self._facts[subject.entry.id]
        pages = {page.id: page for page in subject.pages}
        truth = Truth(own)
        drafts: list[Draft] = []
        rejects: list[Reject] = []
        for form in load_forms():
            around = self._rings[form.name]
            for answer in [one for one in around if one.class_id == own.id]:
                page = pages[answer.fact.page]
                made = self._draft(form, answer, around, subject.entry, truth, page)
                if isinstance(made, Draft):
                    drafts.append(made)
                else:
                    rejects.append(made)
        return Drafted(drafts=tuple(drafts), rejects=tuple(rejects))

    def _pick(self, form: Form, own: ClassFacts) -> Iterator[Fact]:
        facts = [fact for fact in own.facts if fact.form == form.name]
        if form.kind == "speed":
            facts.sort(key=lambda fact: -(fact.high or 0))  # the top speed is the highest
        if form.kind != "item":
            yield from facts[:1]  # the infobox, else the earliest sentence
            return
        keyed = sorted(facts, key=lambda fact: keyed_int(self._seed, "item", own.id, fact.key))
        yield from keyed[:PER_LIST]

    def _draft(
        self,
        form: Form,
        answer: Candidate,
        around: list[Candidate],
        entry: ClassEntry,
        truth: Truth,
        page: Page,
    ) -> Draft | Reject:
        fact = answer.fact
        identity = question_id(entry.id, form.name, fact.key)
        question = render_stem(form.stem, None)
        if self._checker.leaks(question, entry.id):
            return _reject(identity, entry.id, "name leak in the question", question)
        wrong = choose(form, answer, around, truth, self._checker)
        if wrong is None:
            return _reject(
                identity, entry.id, "too few wrong options", f"{form.name}: {fact.value}"
            )
        return Draft(
            id=identity,
            class_id=entry.id,
            class_name=entry.name,
            question=question,
            question_named=render_stem(form.named, as_written(entry, page)),
            choices=(Choice(text=fact.value, class_id=entry.id), *wrong),
            evidence=Evidence(
                page=page.id,
                page_id=page.page_id,
                revision_id=page.revision_id,
                url=page.url,
                quote=page.text[fact.start : fact.end],
                start=fact.start,
                end=fact.end,
            ),
            author=Authorship(
                name=self.name, model="none", prompt=forms_ref(), seed=self._seed, form=form.name
            ),
        )


def question_id(class_id: str, form: str, answer: str) -> str:
    """Return a stable id: the same class, form and answer always give the same question."""
    return f"q-{digest([class_id, form, answer])[:12]}"


def _reject(identity: str, class_id: str, reason: str, detail: str) -> Reject:
    return Reject(
        id=f"draft:{identity}", stage="draft", input=class_id, reason=reason, detail=detail
    )

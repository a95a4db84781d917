"""The filter as picklable steps: judging, repairing what was guessed, and a second opinion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagewikiqa.core.digests import digest
from imagewikiqa.core.records import Draft, Judged, Opinion, Page, Reject, Repaired
from imagewikiqa.core.stages import Outcome, Stage
from imagewikiqa.qa.filter import FilterSettings, judge_draft
from imagewikiqa.qa.llm_reply import Unfit
from imagewikiqa.qa.page_truth import TRUE_BY_PAGE, true_options
from imagewikiqa.qa.protocols import Judge
from imagewikiqa.qa.repair import Repairer
from imagewikiqa.qa.second_opinion import SecondOpinion


@dataclass(frozen=True, slots=True)
class QuotedDraft:
    """A draft with the page that it quotes."""

    draft: Draft
    page: Page

    @property
    def id(self) -> str:
        """Return the draft's id."""
        return self.draft.id

    def digest(self) -> str:
        """Return the digest of all that decides what becomes of it."""
        return digest([self.draft.model_dump(mode="json"), self.page.sha256, self.page.text])


@dataclass(frozen=True, slots=True)
class FilterStep:
    """Ask the judges about one draft; options true by the page are not worth a call."""

    judges: Sequence[Judge]
    settings: FilterSettings
    pages: Mapping[str, Page]  # that models wrote from; empty where the author checks truth itself

    async def __call__(self, draft: Draft) -> Outcome[Judged]:
        """Return one verdict, or a reject for a draft with two right options."""
        page = self.pages.get(draft.evidence.page)
        if page is not None and (true := true_options(draft, page)):
            return Outcome(rejects=(_reject(draft, TRUE_BY_PAGE, "; ".join(true)),))
        return Outcome(rows=(await judge_draft(draft, self.judges, self.settings),))


def filter_stage(step: FilterStep, settings: str, *, callers: int) -> Stage[Draft, Judged]:
    """Drafts to verdicts; so many `callers` that wait for answers share one event loop, if any."""
    return Stage(
        name="filter",
        version=1,
        settings=settings,
        step=step,
        row=Judged,
        processes=not callers,
        spread_above=4000,
        in_flight=callers or 1,
    )


@dataclass(frozen=True, slots=True)
class RepairStep:
    """Give one guessed draft new wrong options and judge it again, some rounds at most."""

    repairer: Repairer
    judges: Sequence[Judge]
    settings: FilterSettings
    rounds: int

    async def __call__(self, one: QuotedDraft) -> Outcome[Repaired]:
        """Return the last draft that could be judged, with what came of every round."""
        draft, judged, tries = one.draft, None, list[str]()
        while len(tries) < self.rounds and not (judged and judged.keep):
            try:
                new = await self.repairer.repair(draft, one.page)
            except Unfit as fault:
                tries.append(fault.reason)
                draft = _counted(draft)  # or the next round would be the same request
                continue
            draft, judged = new, await judge_draft(new, self.judges, self.settings)
            tries.append(judged.reason)
        row = Repaired(id=draft.id, draft=draft, judged=judged, tries=tuple(tries))
        return Outcome(rows=(row,))


def repair_stage(
    name: str, step: RepairStep, settings: str, *, callers: int
) -> Stage[QuotedDraft, Repaired]:
    """Guessed drafts to drafts with other wrong options."""
    return Stage(
        name=name,
        version=1,
        settings=settings,
        step=step,
        row=Repaired,
        input_digest=QuotedDraft.digest,
        in_flight=callers,
    )


@dataclass(frozen=True, slots=True)
class OpinionStep:
    """Ask a model that sees the evidence about one kept draft."""

    second: SecondOpinion

    async def __call__(self, one: QuotedDraft) -> Outcome[Opinion]:
        """Return one opinion."""
        return Outcome(rows=(await self.second.on(one.draft, one.page),))


def opinion_stage(
    second: SecondOpinion, settings: str, *, callers: int
) -> Stage[QuotedDraft, Opinion]:
    """Kept drafts to opinions."""
    return Stage(
        name="second_opinion",
        version=1,
        settings=settings,
        step=OpinionStep(second),
        row=Opinion,
        input_digest=QuotedDraft.digest,
        in_flight=callers,
    )


def _counted(draft: Draft) -> Draft:
    """Return a draft whose repair failed, so that the next one is another request."""
    author = draft.author
    return draft.model_copy(
        update={"author": author.model_copy(update={"repairs": author.repairs + 1})}
    )


def _reject(draft: Draft, reason: str, detail: str) -> Reject:
    return Reject(
        id=f"filter:{draft.id}", stage="filter", input=draft.id, reason=reason, detail=detail
    )

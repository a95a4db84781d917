"""The blind-guess gate over drafts, whose right option stands first and has no letter yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagewikiqa.core.digests import keyed_order
from imagewikiqa.core.records import Draft
from imagewikiqa.qa.gate import SURFACE, gate
from imagewikiqa.qa.surface import surface_credits

# No word model: wrong options are the right ones of other classes, so with a class held out its
# right option was only ever seen to be wrong. What that gives away the habits of select balance.
GUESSERS = {SURFACE: surface_credits}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A draft with its right option at a letter that says nothing."""

    draft: Draft
    answer: int

    @property
    def class_id(self) -> str:
        return self.draft.class_id

    @property
    def question(self) -> str:
        return self.draft.question

    @property
    def choices(self) -> tuple[str, ...]:
        right, *wrong = (choice.text for choice in self.draft.choices)
        return (*wrong[: self.answer], right, *wrong[self.answer :])


def gate_drops(drafts: Sequence[Draft], seed: int = 0) -> dict[str, str]:
    """Return the ids of the drafts that the gate would drop, each with the reason.

    Empty where all guesses are at chance. Whoever can ask for better options asks for those of
    these drafts first. Letters are dealt evenly here, as they are in a release, so that position
    is no cue.
    """
    order = keyed_order(drafts, lambda draft: draft.id, seed, "gate letters")
    shown = [_Shown(draft, place % len(draft.choices)) for place, draft in enumerate(order)]
    found = gate(shown, identity=lambda one: one.draft.id, seed=seed, guessers=GUESSERS)
    return {one.question.draft.id: one.reason for one in found.dropped}

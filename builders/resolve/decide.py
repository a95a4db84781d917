"""The decision for one class: one article, several, none, or a question for a person."""

import math
from collections.abc import Iterable, Sequence

from imagewikiqa.builders.resolve.clues import Lead, around, clues, has_name, outdone
from imagewikiqa.builders.resolve.knowledge import Found
from imagewikiqa.builders.resolve.phrases import Names, Phrase, alternatives
from imagewikiqa.builders.resolve.records import Candidate, Resolution
from imagewikiqa.builders.resolve.subject import Subject
from imagewikiqa.builders.resolve.titles import fit, parted

COMMITTED = 0.8  # confidence from which an article is taken
POSSIBLE = 0.008  # below it an article is refuted, or drowned by better ones
KEPT = 8  # candidates stored for a class


def rank(
    leads: Sequence[Lead], subject: Subject, seen: Iterable[Found], rivals: Names
) -> list[Candidate]:
    """Return the articles, best first, each with its evidence and its share.

    `seen` are all pages found, lists of meanings too; `rivals` the names of all classes.
    The share is a softmax over the scores with "none of them" at score 0.
    """
    others = around(seen)
    named = [lead.page.title for lead in leads if has_name(lead, subject)]
    scored = []
    for lead in leads:
        found = (*clues(lead, subject, others, rivals), *outdone(lead, subject, named))
        scored.append((round(math.fsum(clue.weight for clue in found), 3), lead, found))
    total = math.fsum((1.0, *(math.exp(score) for score, _, _ in scored)))
    scored.sort(key=lambda row: (-row[0], row[1].page.title))
    return [
        Candidate(
            title=lead.page.title,
            score=score,
            share=round(math.exp(score) / total, 4),
            found_by=lead.ways,
            clues=found,
            page_id=lead.page.page_id,
            revision_id=lead.page.revision_id,
            fragment=lead.page.fragment,
        )
        for score, lead, found in scored
    ]


def decide(ranked: Sequence[Candidate], subject: Subject) -> Resolution:
    """Return the resolution of one class from its ranked candidates."""
    several = _several(ranked, subject)
    taken = several or [c for c in ranked[:1] if c.share >= COMMITTED]
    possible = [c for c in ranked if c.share >= POSSIBLE]
    # Articles that are all taken do not compete: together they are as sure as their sum.
    confidence = math.fsum(c.share for c in taken) if taken else (ranked[0].share if ranked else 0)
    outcome = "resolved" if taken else "ambiguous" if possible else "missing"
    return Resolution(
        id=subject.entry.id,
        class_name=subject.entry.name,
        outcome=outcome,
        titles=tuple(c.title for c in taken),
        confidence=round(min(confidence, 1.0), 4),
        candidates=tuple(ranked[:KEPT]),
        note=_note(taken, ranked),
    )


def _several(ranked: Sequence[Candidate], subject: Subject) -> list[Candidate]:
    """Return one article for each part of a name such as "shield or buckler", else none."""
    parts = alternatives(subject.entry.name)
    if any(fit(parted(c.title), _as_phrase(subject.entry.name)) == "same" for c in ranked[:1]):
        return []
    taken = list[Candidate]()
    for part in parts:
        own = [
            c for c in ranked if c.score > 1 and fit(parted(c.title), _as_phrase(part)) == "same"
        ]
        if not own:
            return []
        taken.append(own[0])
    return taken if len({c.title for c in taken}) > 1 else []


def _as_phrase(text: str) -> Phrase:
    return Phrase(text=text, source="name")


def _note(taken: Sequence[Candidate], ranked: Sequence[Candidate]) -> str:
    if len(taken) > 1:
        return "the name means several things: one article for each"
    if taken and taken[0].fragment:
        return f"the article covers it in the section {taken[0].fragment!r}"
    if not taken and ranked and ranked[0].share >= POSSIBLE:
        best = ranked[0]
        against = [
            clue.detail for clue in best.clues if clue.weight < -0.9 and clue.kind != "prior"
        ]
        close = f"{ranked[1].title!r} is close" if len(ranked) > 1 and ranked[1].share > 0.1 else ""
        return "; ".join(filter(None, (close, *against[:2]))) or "too little evidence"
    return "" if taken else "nothing found that fits"

"""The request of mode strict: articles as fenced data, kinds by name, what was written already."""

from collections import Counter
from collections.abc import Sequence

from imagewikiqa.core.digests import keyed_int, text_digest
from imagewikiqa.core.records import Draft, Reject
from imagewikiqa.prompts.library import Prompt, render
from imagewikiqa.qa.kinds import KINDS, KindName
from imagewikiqa.qa.llm_author import how_many, join_articles
from imagewikiqa.qa.protocols import Subject
from imagewikiqa.qa.relevance import cut_pages

_NOTHING = "(none)"
_SHOWN = 6  # reasons of earlier faults, the commonest first


def fence_for(text: str, seed: int) -> str:
    """Return a word that does not stand in a text and that its writer could not foresee.

    Decided by the whole text and the seed, so that the same request is made again.
    """
    content, turn = text_digest(text), 0
    while (word := f"ARTICLES-{keyed_int(seed, 'fence', content, turn):016x}") in text:
        turn += 1
    return word


def strict_text(
    prompt: Prompt,
    subject: Subject,
    *,
    questions: int,
    page_tokens: int,
    kinds: Sequence[KindName],
    seed: int,
    written: Sequence[Draft] = (),
    refused: Sequence[Reject] = (),
) -> str:
    """Return the words that ask for `questions` more questions about a subject.

    Everything up to the end of the articles is the same in every round.
    """
    articles = join_articles(cut_pages(subject.pages, page_tokens))
    return render(
        prompt,
        classname=subject.entry.name,
        articles=articles,
        fence=fence_for(articles, seed),
        kinds="\n".join(f"- {kind}: {KINDS[kind].asks}" for kind in kinds),
        wanted=_wanted(questions, kinds, {draft.author.kind for draft in written}),
        written="\n".join(f"- {_told(draft)}" for draft in written) or _NOTHING,
        refused="\n".join(_reasons(refused)) or _NOTHING,
    )


def _wanted(questions: int, kinds: Sequence[KindName], have: set[str]) -> str:
    missing = [kind for kind in kinds if kind not in have]
    asked = f"Write up to {how_many(questions)}"
    if not missing or len(missing) == len(kinds):
        return f"{asked}, of as many of these kinds as the articles support."
    return f"{asked}, first of the kinds that are still missing: {', '.join(missing)}."


def _told(draft: Draft) -> str:
    return f"{draft.question} [{draft.choices[0].text}]"


def _reasons(refused: Sequence[Reject]) -> list[str]:
    counts = Counter(reject.reason for reject in refused)
    common = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_SHOWN]
    return [f"- {reason} ({count})" for reason, count in common]

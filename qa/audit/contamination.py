"""Which questions another set already holds: the same text, a like one, or shared n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagewikiqa.qa.audit.near import like_in_both
from imagewikiqa.qa.surface_features import WORD

SPAN = 8  # words of an n-gram, as in the checks of GPT-3's and later training sets
SHARED = 0.5  # of a question's n-grams that are also in the other set
SAME, LIKE, OVERLAP = (
    "same question in the other set", "like a question of the other set",
    "shares n-grams with the other set",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """A question and its options, whatever set it comes from."""

    question: str
    choices: Sequence[str]


def contaminated(texts: Sequence[Text], against: Sequence[Text]) -> dict[int, str]:
    """Return the places of the texts that the other set holds already, each with the reason.

    Same: question and options are equal once case, punctuation and order of options are folded.
    Like: both are alike (3-gram Jaccard at least 0.8). Overlap: at least half of the 8-grams of
    words, over question and options in alphabetical order, occur in the other set. A text of fewer
    than eight words has no n-gram.
    """
    asked = [_folded(one.question) for one in (*texts, *against)]
    offered = [_options(one) for one in (*texts, *against)]
    known = {*zip(asked[len(texts) :], offered[len(texts) :], strict=True)}
    spans = {gram for one in against for gram in _spans(one)}
    like = like_in_both(asked, offered)
    found: dict[int, str] = {}
    for at, one in enumerate(texts):
        own = _spans(one)
        if (asked[at], offered[at]) in known:
            found[at] = SAME
        elif any(other >= len(texts) for other in like[at]):
            found[at] = LIKE
        elif own and len(own & spans) >= SHARED * len(own):
            found[at] = OVERLAP
    return found


def _folded(text: str) -> str:
    return " ".join(WORD.findall(text.casefold()))


def _options(one: Text) -> str:
    return " | ".join(sorted(map(_folded, one.choices)))


def _spans(one: Text) -> set[tuple[str, ...]]:
    words = WORD.findall(one.question.casefold())
    words += [word for text in sorted(map(_folded, one.choices)) for word in text.split()]
    return {tuple(words[at : at + SPAN]) for at in range(len(words) - SPAN + 1)}

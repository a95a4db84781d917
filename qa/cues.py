"""Single cues: ways to pick an option without reading it for its meaning."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagewikiqa.qa.surface import Choosable, shared_credit
from imagewikiqa.qa.surface_features import NAMES, Vocabulary, features

Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Cue:
    """Pick the option of the largest `score`: a feature of `surface_features`, or its opposite."""

    name: str
    reason: str  # of a question dropped because the cue is right too often or too seldom
    feature: str
    sign: int = 1

    def credit(self, rows: Sequence[Row], answer: int) -> float:
        """Return what the cue earns on a question: 1/k when k options tie and one is right."""
        place = NAMES.index(self.feature)
        return shared_credit([round(self.sign * row[place], 9) for row in rows], answer)


CUES = (
    Cue("longest option", "length bias: longest option", "characters"),
    Cue("shortest option", "length bias: shortest option", "characters", -1),
    Cue("most words", "length bias: most words", "words"),
    Cue("fewest words", "length bias: fewest words", "words", -1),
    Cue("longest words", "length bias: longest words", "word_length"),
    Cue("most words of the question", "overlap with the question", "in_question"),
    Cue("has a number", "number bias", "digits"),
    Cue("has no number", "number bias", "digits", -1),
    Cue("has a hedge", "hedge bias", "hedges"),
    Cue("has no absolute", "hedge bias", "absolutes", -1),
    Cue("longest list", "specificity bias: longest list", "list_marks"),
    Cue("most capitals", "specificity bias: most capitals", "capitals"),
    Cue("rarest words", "specificity bias: rarest words", "rare_words"),
    Cue("commonest words", "specificity bias: commonest words", "rare_words", -1),
    Cue("odd one out", "odd option bias", "like_others_letters", -1),
    Cue("most like the others", "like option bias", "like_others_letters"),
    Cue("most repeated option", "repeated option bias", "seen_elsewhere"),
    Cue("least repeated option", "repeated option bias", "seen_elsewhere", -1),
)  # fmt: skip
POSITION = "position bias"


def cue_credits(questions: Sequence[Choosable]) -> dict[str, list[float]]:
    """Return, by cue, what it earns on each question; every position is a cue of its own."""
    vocabulary = Vocabulary([one.choices for one in questions])
    rows = [features(one.question, one.choices, vocabulary) for one in questions]
    earned = {
        cue.name: [cue.credit(row, one.answer) for row, one in zip(rows, questions, strict=True)]
        for cue in CUES
    }
    width = min((len(one.choices) for one in questions), default=0)
    for at in range(width):
        earned[f"option {chr(65 + at)}"] = [float(one.answer == at) for one in questions]
    return earned


def reason_of(name: str) -> str:
    """Return why a question is dropped for the cue of a name."""
    known: dict[str, str] = {cue.name: cue.reason for cue in CUES}
    return known.get(name, POSITION)

"""How often conversations say the name of each class: by the paper's rule and by ours."""

from collections import Counter
from collections.abc import Sequence

from imagewikiqa.core.records import ClassEntry
from imagewikiqa.mixtures.counts import MentionCounter, PaperCounter
from imagewikiqa.mixtures.tokens import paper_tokens

ANSWERED, SAID, PAPER = "in answers", "in all turns", "sentences by the paper's rule"
RULES = (ANSWERED, SAID, PAPER)


class ClassNames:
    """Counts the names of a class list in turns; the paper's rule looks at all of them."""

    def __init__(self, classes: Sequence[ClassEntry]) -> None:
        """Take the classes; their ids are the keys of what is counted."""
        self._keys = {one.id: " ".join(paper_tokens(one.name.lower())) for one in classes}
        self._paper = PaperCounter(one.name for one in classes)
        self._asked, self._answered = MentionCounter(classes), MentionCounter(classes)

    def see(self, who: str, text: str) -> None:
        """Count the names in one turn."""
        self._paper.see_text(text)
        (self._answered if who == "gpt" else self._asked).see_text(text)

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """Return how often each class is named, by rule, then by class id."""
        paper = self._paper.counts
        return {
            ANSWERED: Counter(self._answered.counts),
            SAID: self._answered.counts + self._asked.counts,
            PAPER: Counter({one: paper[key] for one, key in self._keys.items() if paper[key]}),
        }

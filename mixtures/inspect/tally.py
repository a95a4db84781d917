"""The counts of a part of a mixture, which add up: memory grows with what differs, not with it."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from imagewikiqa.mixtures.inspect.facts import Facts

SHEET = 24  # samples of the contact sheet
_EXAMPLES = 3  # of a fault
TOKENS = "tokens of a sample's text"
# Whole numbers that are counted by value, in the order in which they are shown.
MEASURES = (
    "turns of a sample", "words of a human turn", "words of a gpt turn",
    "characters of a human turn", "characters of a gpt turn", TOKENS, "width of an image",
    "height of an image", "shorter side of an image", "kilobytes of an image",
)  # fmt: skip

Part = tuple[str, str]  # source and template
Stratum = tuple[str, str, bool]  # source, template, has an image
Drawn = dict[int, int]  # keyed hash of a row -> number of its first sample in the mixture


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted; `measures` are by a name of MEASURES, then value -> how often."""

    parts: dict[Part, Counter[str]] = field(default_factory=dict)
    classes: Counter[str] = field(default_factory=Counter)
    named_otherwise: int = 0
    measures: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    formats: Counter[str] = field(default_factory=Counter)
    faulty: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[int]] = field(default_factory=dict)  # of faults: numbers of samples
    names: dict[str, Counter[str]] = field(default_factory=dict)  # by rule, then class id
    drawn: dict[Stratum, Drawn] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """Return how many samples were counted."""
        return self.total("samples")

    def total(self, count: str) -> int:
        """Return the sum of a count of `parts`."""
        return sum(part[count] for part in self.parts.values())

    def measure(self, name: str) -> Counter[int]:
        """Return the numbers of a measure; none if it was never seen."""
        return self.measures.get(name, Counter())

    def see(self, facts: Facts, number: int, drawing: int) -> None:
        """Count a sample; `number` is its place in the mixture, `drawing` the hash of its row."""
        part = self.parts.setdefault((facts.source, facts.template), Counter())
        part["samples"] += 1
        part["text only"] += facts.image is None
        part["turns"] += len(facts.turns)
        if facts.class_id is not None:
            self.classes[facts.class_id] += 1
            part["with a class"] += 1
            self.named_otherwise += facts.named_class_id not in (None, facts.class_id)
        self._see_words(facts, part)
        self._see_image(facts)
        self.faulty += bool(facts.faults)
        for fault in facts.faults:
            self.faults[fault] += 1
            if len(known := self.examples.setdefault(fault, [])) < _EXAMPLES:
                known.append(number)
        stratum = (facts.source, facts.template, facts.image is not None)
        self.drawn.setdefault(stratum, {}).setdefault(drawing, number)

    def _see_words(self, facts: Facts, part: Counter[str]) -> None:
        self._count("turns of a sample", len(facts.turns))
        characters = 0
        for who, text in facts.turns:
            words = len(text.split())
            characters += len(text)
            if who in ("human", "gpt"):
                self._count(f"words of a {who} turn", words)
                self._count(f"characters of a {who} turn", len(text))
                part[f"{who} turns"] += 1
                part[f"{who} words"] += words
        part["characters"] += characters

    def _see_image(self, facts: Facts) -> None:
        image = facts.image
        if image is None:
            return
        self.formats[image.format or "unreadable"] += 1
        self._count("kilobytes of an image", -(-image.bytes // 1000))
        if image.width is not None and image.height is not None:
            self._count("width of an image", image.width)
            self._count("height of an image", image.height)
            self._count("shorter side of an image", min(image.width, image.height))

    def see_tokens(self, lengths: Iterable[int]) -> None:
        """Count the tokens of samples."""
        self.measures[TOKENS].update(lengths)

    def keep_few(self) -> None:
        """Keep of each stratum only the samples that the contact sheet may show."""
        self.drawn = {
            name: dict(sorted(drawn.items())[:SHEET]) for name, drawn in self.drawn.items()
        }

    def add(self, other: "Tally") -> None:
        """Add the counts of a later part of the mixture."""
        for part, counts in other.parts.items():
            self.parts.setdefault(part, Counter()).update(counts)
        self.classes.update(other.classes)
        self.named_otherwise += other.named_otherwise
        for measure, values in other.measures.items():
            self.measures[measure].update(values)
        self.formats.update(other.formats)
        self.faulty += other.faulty
        self.faults.update(other.faults)
        for fault, numbers in other.examples.items():
            self.examples[fault] = [*self.examples.get(fault, []), *numbers][:_EXAMPLES]
        for rule, named in other.names.items():
            self.names.setdefault(rule, Counter()).update(named)
        for stratum, drawn in other.drawn.items():
            self.drawn[stratum] = drawn | self.drawn.get(stratum, {})
        self.keep_few()

    def _count(self, measure: str, value: int) -> None:
        self.measures[measure][value] += 1

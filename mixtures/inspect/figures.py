"""The figures of an inspection: rows and one JSON object, which page and files show."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from imagewikiqa.mixtures.inspect.inspection import Inspection
from imagewikiqa.mixtures.inspect.measures import spread_of
from imagewikiqa.mixtures.inspect.names import RULES
from imagewikiqa.mixtures.inspect.tally import TOKENS
from imagewikiqa.mixtures.inspect.words import short

CHARACTERS_A_TOKEN = 4  # of English text, by the usual rule of thumb


class ClassRow(NamedTuple):
    """How often a class is seen, and how often it is named by each rule."""

    id: str
    name: str
    samples: int
    named: tuple[int, ...]


class Finding(NamedTuple):
    """Something that a researcher should look at before training."""

    what: str
    times: int
    where: str


def class_rows(found: Inspection) -> list[ClassRow]:
    """Return every known class, in the order of the class list, then of ids."""
    rules = [found.tally.names[rule] for rule in RULES] if found.classes else []
    return [
        ClassRow(one, name, found.tally.classes[one], tuple(rule[one] for rule in rules))
        for one, name in found.known_classes().items()
    ]


def tokens(found: Inspection) -> int:
    """Return the tokens of all text: counted with a tokenizer, else estimated by characters."""
    if found.counted_tokens:
        return sum(value * times for value, times in found.tally.measure(TOKENS).items())
    return round(found.tally.total("characters") / CHARACTERS_A_TOKEN)


def findings(found: Inspection) -> list[Finding]:
    """Return what is odd: faults of samples first, then of the mixture as a whole."""
    faults = [
        Finding(fault, count, ", ".join(_place(found, one) for one in found.tally.examples[fault]))
        for fault, count in sorted(found.tally.faults.items(), key=lambda one: (-one[1], one[0]))
    ]
    return faults + [one for one in _of_the_whole(found) if one.times]


def _of_the_whole(found: Inspection) -> Iterator[Finding]:
    if found.whole:
        yield from _unlike_the_plan(found)
        never = [one.name for one in class_rows(found) if not one.samples]
        if found.tally.classes:
            yield Finding("classes never seen", len(never), _some(never))
    for one in found.repeats:
        first = [_place(found, group.first) for group in one.largest(3)]
        if one.same != "conversation":  # answers with a class's name alone are often the same
            yield Finding(f"{one.same} shown before by another row", one.by_other_row, _some(first))
    mixed = [one.name for one in found.shards if 0 < one.text_only < one.samples]
    yield Finding("shards of samples with and without images", len(mixed), _some(mixed))
    yield Finding(
        "samples named as another class than their own", found.tally.named_otherwise,
        "named_class_id in samples.parquet",
    )  # fmt: skip


def _unlike_the_plan(found: Inspection) -> Iterator[Finding]:
    if found.plan is None:
        return
    planned, classes = Counter[str](), Counter[str]()
    for source in found.plan.sources:
        planned[source.name] += source.samples
        classes.update(source.classes)
    seen = by_part(found, 0)
    unlike = [one for one in sorted(planned | seen) if planned[one] != seen[one]]
    yield Finding("sources with another count than planned", len(unlike), _some(unlike))
    seen = found.tally.classes
    unlike = [one for one in sorted(classes | seen) if classes[one] != seen[one]]
    yield Finding("classes with another count than planned", len(unlike), _some(unlike))


def by_part(found: Inspection, which: int) -> Counter[str]:
    """Return the samples of each source (0) or template (1), by name."""
    counts = Counter[str]()
    for part, numbers in sorted(found.tally.parts.items()):
        counts[part[which]] += numbers["samples"]
    return counts


def summary(found: Inspection) -> dict[str, Any]:
    """Return the figures as one JSON object."""
    tally, classes = found.tally, class_rows(found)
    text_only = tally.total("text only")
    spreads = {name: spread_of(values) for name, values in sorted(tally.measures.items())}
    return {
        "name": found.name,
        "samples": tally.samples,
        "with_image": tally.samples - text_only,
        "text_only": text_only,
        "turns": tally.total("turns"),
        "shards": len(found.shards),
        "shards_of_the_mixture": found.all_shards,
        "bytes": sum(one.bytes for one in found.shards),
        "by_source": dict(sorted(by_part(found, 0).items())),
        "by_template": dict(sorted(by_part(found, 1).items())),
        "classes_known": len(classes),
        "classes_seen": len(tally.classes),
        "named_otherwise": tally.named_otherwise,
        "tokens": tokens(found),
        "tokens_are": "counted" if found.counted_tokens else "estimated",
        "image_formats": dict(sorted(tally.formats.items())),
        "measures": {
            name: {**one._asdict(), "mean": round(one.mean, 2)}
            for name, one in spreads.items()
            if one is not None
        },
        "repeats": {
            one.same: {
                "samples": one.samples,
                "distinct": one.distinct,
                "by_same_row": one.by_same_row,
                "by_other_row": one.by_other_row,
            }
            for one in found.repeats
        },  # fmt: skip
        "names": {rule: tally.names[rule].total() for rule in RULES if found.classes},
        "faulty": tally.faulty,
        "faults": dict(sorted(tally.faults.items())),
    }


def _place(found: Inspection, number: int) -> str:
    shard, place = found.reader.shard_of(number)
    return f"{shard} sample {place}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(map(short, names[:3])) + more

"""Which questions a round asks: all, or a sample that mirrors the set; disputed ones first."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from imagewikiqa.core.digests import keyed_int, keyed_order
from imagewikiqa.qa.rounds.records import Subject

STRATA: dict[str, Callable[[Subject], str]] = {
    "none": lambda subject: "",
    "family": lambda subject: subject.family,
    "class": lambda subject: subject.question.class_id,
}


def sample(
    subjects: Sequence[Subject], count: int | None, by: str = "none", seed: int = 0
) -> list[Subject]:
    """Return `count` subjects (None: all), disputed ones first, the rest in proportion by stratum.

    A stratum gets its share of the count, rounded down or up (largest remainders, ties by key).
    A larger count keeps all that a smaller one chose when there is one stratum.
    """
    disputed = [one for one in subjects if one.origin == "disputed"]
    rest = [one for one in subjects if one.origin != "disputed"]
    first = keyed_order(disputed, _id, seed, "disputed")
    if count is None:
        return first + keyed_order(rest, _id, seed, "sample")
    return first[:count] + _proportional(rest, count - len(first), by, seed)


def _proportional(subjects: Sequence[Subject], count: int, by: str, seed: int) -> list[Subject]:
    strata: dict[str, list[Subject]] = defaultdict(list)
    for one in subjects:
        strata[STRATA[by](one)].append(one)
    sizes = {name: len(members) for name, members in strata.items()}
    shares = allocate(sizes, max(0, count), seed)
    return [
        one
        for name in sorted(strata)
        for one in keyed_order(strata[name], _id, seed, "sample")[: shares[name]]
    ]


def allocate(sizes: dict[str, int], count: int, seed: int = 0) -> Counter[str]:
    """Return how many of each stratum to take: its exact share of `count`, down or up."""
    total = sum(sizes.values())
    if count >= total:
        return Counter(sizes)
    shares = Counter({name: count * size // total for name, size in sizes.items()})
    left = count - shares.total()
    by_remainder = sorted(
        sizes, key=lambda name: (-(count * sizes[name] % total), keyed_int(seed, "stratum", name))
    )
    shares.update(by_remainder[:left])
    return shares


def _id(subject: Subject) -> str:
    return subject.id

"""Choose which judged drafts are released: varied, unlike one another, and hard to guess."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Literal

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.records import Draft, Judged, Reject
from imagewikiqa.qa.audit.near import like_in_both
from imagewikiqa.qa.balance import TOO_MANY, Crowd, Habit, balance
from imagewikiqa.qa.draft_gate import gate_drops
from imagewikiqa.qa.leaks import fold
from imagewikiqa.qa.surface import longest_credit, shortest_credit

ENOUGH = "class has enough questions"
FEW = 3  # questions of one form that any set may hold: a small share of a small set is nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectSettings:
    """How many questions of what kind; `form_cap` is the largest share of one form.

    `family_quota` is that of one hypernym family, which `families` gives by class; "" is none.
    """

    mode: Literal["strict", "paper"] = "strict"
    seed: int = 0
    per_class: int = 5
    questions: int | None = None
    form_cap: float = 0.15
    family_quota: float = 1.0
    families: Mapping[str, str] = field(default_factory=dict)


def select(
    drafts: Sequence[Draft],
    judged: Mapping[str, Judged],
    failed: Mapping[str, str],
    settings: SelectSettings,
) -> tuple[list[Draft], list[Reject]]:
    """Return the drafts to release and one reject for every other draft.

    `failed` gives a reason for drafts that fail their own checks. Mode paper keeps what the filter
    keeps of the first `per_class` drafts of each class, as the released notebook does; mode strict
    also removes like questions, caps question forms and balances what a blind guesser could use.
    """
    picked: list[Draft] = []
    rejects: list[Reject] = []
    written = Counter[str]()
    for draft in drafts:
        verdict = judged[draft.id]
        written[draft.class_id] += 1
        if settings.mode == "paper" and written[draft.class_id] > settings.per_class:
            rejects.append(_reject("assemble", draft, ENOUGH))
        elif not verdict.keep:
            rejects.append(_reject("filter", draft, verdict.reason))
        elif settings.mode == "strict" and draft.id in failed:
            rejects.append(_reject("assemble", draft, failed[draft.id]))
        else:
            picked.append(draft)
    steps = (_unlike, _per_class, _gates) if settings.mode == "strict" else (_count,)
    for step in steps:
        picked, lost = step(picked, judged, settings)
        rejects += [_reject("assemble", draft, reason) for draft, reason in lost]
    return picked, rejects


Step = tuple[list[Draft], list[tuple[Draft, str]]]


def _unlike(drafts: list[Draft], _: Mapping[str, Judged], settings: SelectSettings) -> Step:
    """Drop one (by key) of two questions whose words and whose options are both alike.

    In a class and across classes. The same words with other options are another question: what
    "this object" eats is asked of many classes.
    """
    order = sorted(drafts, key=lambda draft: keyed_int(settings.seed, "unlike", draft.id))
    alike = like_in_both([fold(draft.question) for draft in order], [*map(_options, order)])
    lost: set[int] = set()
    for second, like in enumerate(alike):
        if any(first < second and first not in lost for first in like):
            lost.add(second)
    return _split(drafts, {order[index].id for index in lost}, "like another question")


def _options(draft: Draft) -> str:
    return " | ".join(sorted(fold(choice.text) for choice in draft.choices))


def _per_class(drafts: list[Draft], _: Mapping[str, Judged], settings: SelectSettings) -> Step:
    """Keep at most `per_class` a class, one of each form, the rarest forms first.

    An LLM's questions have kinds instead: one of each comes before a second of any.
    """
    common = Counter(draft.author.form for draft in drafts)
    by_class: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_class[draft.class_id].append(draft)
    twice: set[str] = set()
    surplus: set[str] = set()
    for members in by_class.values():
        shuffled = sorted(members, key=lambda draft: keyed_int(settings.seed, "pick", draft.id))
        seen: set[str] = set()
        for draft in shuffled:
            if draft.author.form in seen:
                twice.add(draft.id)
            elif draft.author.form:  # questions of an LLM have no form
                seen.add(draft.author.form)
        single = [draft for draft in shuffled if draft.id not in twice]
        turns = _turns(single)
        single.sort(key=lambda draft: (turns[draft.id], common[draft.author.form]))
        surplus.update(draft.id for draft in single[settings.per_class :])
    kept, repeated = _split(drafts, twice, "form asked twice of the class")
    kept, many = _split(kept, surplus, ENOUGH)
    return kept, [*repeated, *many]


def _turns(drafts: Sequence[Draft]) -> dict[str, int]:
    """Return how many drafts of its kind stand before each one; 0 for those without a kind."""
    seen = Counter[str]()
    turns: dict[str, int] = {}
    for draft in drafts:
        kind = draft.author.kind
        turns[draft.id] = seen[kind] if kind else 0
        seen[kind] += 1
    return turns


def _gates(drafts: list[Draft], judged: Mapping[str, Judged], settings: SelectSettings) -> Step:
    """Cap forms and families, balance habits and gate blind guesses in turn until all hold.

    Over at most `questions`; what the gate takes of them is not made up for.
    """
    kept, lost = drafts, list[tuple[Draft, str]]()
    while True:  # each round but the last drops something
        kept, capped = _cap_forms(kept, settings)
        kept, crowded = _cap_families(kept, settings)
        capped += crowded
        kept, leaning = balance(
            kept,
            habits(judged, kept),
            identity=lambda draft: draft.id,
            group=lambda draft: draft.class_id,
            seed=settings.seed,
            most=settings.questions,
        )
        reasons = {} if capped or leaning else gate_drops(kept, settings.seed)
        guessed = [(draft, reasons[draft.id]) for draft in kept if draft.id in reasons]
        kept = [draft for draft in kept if draft.id not in reasons]
        lost += [*capped, *leaning, *guessed]
        if not capped and not leaning and not guessed:
            return kept, lost


def habits(judged: Mapping[str, Judged], drafts: Sequence[Draft]) -> tuple[Habit[Draft], ...]:
    """Return what a blind guesser may try: longest, shortest, commonest, least repeated option."""
    seen = Counter(fold(choice.text) for draft in drafts for choice in draft.choices)

    def lengths(draft: Draft) -> list[str]:
        return [choice.text for choice in draft.choices]

    def commonest(draft: Draft) -> float:
        scores = [one.closed_book for one in judged[draft.id].judges if one.closed_book]
        return scores[0].rate if scores else 0.25

    def least_repeated(draft: Draft) -> float:
        counts = [seen[fold(choice.text)] for choice in draft.choices]
        return (counts[0] == min(counts)) / counts.count(min(counts))

    return (
        Habit(
            name="longest", reason="length bias: longest option",
            credit=lambda draft: longest_credit(lengths(draft), 0),
        ),
        Habit(
            name="shortest", reason="length bias: shortest option",
            credit=lambda draft: shortest_credit(lengths(draft), 0),
        ),
        Habit(name="commonest", reason="common value bias", credit=commonest),
        Habit(
            name="least repeated", reason="repeated option bias",
            credit=lambda draft: round(least_repeated(draft), 6),
        ),
    )  # fmt: skip


def _cap_forms(drafts: list[Draft], settings: SelectSettings) -> Step:
    """Drop questions of forms above their share; questions of an LLM have no form."""
    forms = [draft.author.form for draft in drafts]
    return _cap(drafts, forms, settings.form_cap, "form has enough questions", settings)


def _cap_families(drafts: list[Draft], settings: SelectSettings) -> Step:
    """Drop questions of hypernym families above their share."""
    if settings.family_quota >= 1:
        return drafts, []
    names = [settings.families.get(draft.class_id, "") for draft in drafts]
    return _cap(drafts, names, settings.family_quota, "family has enough questions", settings)


def _cap(
    drafts: list[Draft], names: Sequence[str], share: float, why: str, settings: SelectSettings
) -> Step:
    """Drop questions of what is above its share, those of the largest classes first.

    The share is of what will be left: of `questions` where fewer were asked for.
    """
    keys = [keyed_int(settings.seed, "cap", draft.id) for draft in drafts]
    crowd = Crowd(names, [draft.class_id for draft in drafts], keys)
    counts = Counter(name for name in names if name)
    gone: set[str] = set()
    while counts:
        left = len(drafts) - len(gone)
        most = min(counts, key=lambda name: (-counts[name], name))
        whole = min(left, settings.questions or left)
        if counts[most] <= max(FEW, floor(share * whole)):
            break
        gone.add(drafts[crowd.take(most)].id)
        counts[most] -= 1
    return _split(drafts, gone, why)


def _count(drafts: list[Draft], _: Mapping[str, Judged], settings: SelectSettings) -> Step:
    """Keep the first `questions` by key, when a number was asked for."""
    if settings.questions is None or len(drafts) <= settings.questions:
        return drafts, []
    order = sorted(drafts, key=lambda draft: keyed_int(settings.seed, "count", draft.id))
    gone = {draft.id for draft in order[settings.questions :]}
    return _split(drafts, gone, TOO_MANY)


def _split(drafts: list[Draft], gone: set[str], reason: str) -> Step:
    kept = [draft for draft in drafts if draft.id not in gone]
    return kept, [(draft, reason) for draft in drafts if draft.id in gone]


def _reject(stage: str, draft: Draft, reason: str) -> Reject:
    return Reject(
        id=f"{stage}:{draft.id}", stage=stage, input=draft.id, reason=reason,
        detail=f"{draft.class_name}: {draft.question} [{draft.choices[0].text}]",
    )  # fmt: skip

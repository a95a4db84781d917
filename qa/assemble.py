"""From selected drafts to questions and items: letters exactly balanced, images shared out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from imagewikiqa.core.digests import keyed_int, keyed_order
from imagewikiqa.core.records import LETTERS, Draft, ImageRef, Item, Judged, Question, Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembleSettings:
    """How questions become items."""

    mode: Literal["strict", "paper"] = "strict"
    seed: int = 0
    images_per_question: int = 3
    items: int | None = None


def arrange(
    drafts: Sequence[Draft],
    judged: Mapping[str, Judged],
    checks: Mapping[str, dict[str, bool]],
    settings: AssembleSettings,
    previous: Mapping[str, Question],
) -> list[Question]:
    """Return the drafts as questions with shuffled options, in the order of the drafts.

    Mode strict gives every letter to a quarter of the questions, counts differing by at most 1;
    mode paper shuffles each question on its own. A question of `previous` whose text and right
    option are the same keeps its options, its letter and its evidence.
    """
    frozen = {draft.id: previous[draft.id] for draft in drafts if _same(draft, previous)}
    fresh = [draft.id for draft in drafts if draft.id not in frozen]
    if settings.mode == "strict":
        answers = _balanced(fresh, Counter(one.answer for one in frozen.values()), settings.seed)
    else:
        answers = {one: keyed_int(settings.seed, "letter", one) % 4 for one in fresh}
    return [
        frozen[draft.id]
        if draft.id in frozen
        else _question(draft, judged[draft.id], checks[draft.id], answers[draft.id], settings.seed)
        for draft in drafts
    ]


def _same(draft: Draft, previous: Mapping[str, Question]) -> bool:
    """Return whether an earlier release asks the same, with evidence from the same revision."""
    before = previous.get(draft.id)
    return (
        before is not None
        and before.question == draft.question
        and before.choices[before.answer] == draft.choices[0].text
        and before.evidence == draft.evidence
    )


def _balanced(ids: Sequence[str], taken: Counter[int], seed: int) -> dict[str, int]:
    """Give each id the letter used least so far, ties and order by keyed hash."""
    counts = Counter({letter: taken[letter] for letter in range(4)})
    answers = {}
    for one in keyed_order(ids, str, seed, "letter"):
        letter = min(range(4), key=lambda at: (counts[at], keyed_int(seed, "turn", one, at)))
        answers[one] = letter
        counts[letter] += 1
    return answers


def _question(
    draft: Draft, judged: Judged, checks: dict[str, bool], answer: int, seed: int
) -> Question:
    right, *wrong = draft.choices
    shown = keyed_order(wrong, lambda choice: choice.text, seed, "options", draft.id)
    shown.insert(answer, right)
    a, b, c, d = shown
    return Question(
        id=draft.id,
        class_id=draft.class_id,
        class_name=draft.class_name,
        question=draft.question,
        question_named=draft.question_named,
        choices=(a.text, b.text, c.text, d.text),
        answer=answer,
        evidence=draft.evidence,
        author=draft.author,
        checks=checks,
        judge=judged.judges[0],
        choice_class_ids=(a.class_id, b.class_id, c.class_id, d.class_id),
    )


def share_images(
    drafts: Sequence[Draft],
    released: Collection[str],
    images: Sequence[ImageRef],
    settings: AssembleSettings,
) -> dict[str, list[ImageRef]]:
    """Give each released draft its own images, up to `images_per_question`, none given twice.

    All drafts of a class take part, released or not, each in an order keyed by its own id, so a
    question keeps its images when other classes join or when the selection changes. Only where a
    class has too few images does a released draft take one that an unreleased draft would have.
    """
    by_class: dict[str, list[ImageRef]] = defaultdict(list)
    for image in images:
        by_class[image.class_id].append(image)
    shares: dict[str, list[ImageRef]] = {}
    taken: set[str] = set()
    order = keyed_order(drafts, lambda one: one.id, settings.seed, "images")
    for reserved in (True, False):
        for draft in order:
            if shares.get(draft.id) or (not reserved and draft.id not in released):
                continue
            liked = keyed_order(by_class[draft.class_id], lambda i: i.id, settings.seed, draft.id)
            free = [image for image in liked if image.id not in taken]
            most = settings.images_per_question if reserved else 1
            shares[draft.id] = free[:most]
            taken.update(image.id for image in shares[draft.id])
        if reserved:
            given = (image.id for one in released for image in shares.get(one, ()))
            taken = set(given)
    return {one: shares.get(one, []) for one in released}


def make_items(
    questions: Sequence[Question],
    shares: Mapping[str, list[ImageRef]] | None,
    settings: AssembleSettings,
) -> tuple[list[Item], list[Reject]]:
    """Return one item per question and image, and a reject for a question left without an image.

    Without an image source (`shares` None) every question is one item with no image. `items` cuts
    the list by key, first images of all questions first.
    """
    items: list[Item] = []
    rejects: list[Reject] = []
    for question in questions:
        images: Sequence[ImageRef | None] = [None] if shares is None else shares[question.id]
        if not images:
            rejects.append(_without_image(question))
        items += [_item(question, image, rank) for rank, image in enumerate(images)]
    if settings.items is not None and len(items) > settings.items:
        order = sorted(items, key=lambda item: (_rank(item), keyed_int(settings.seed, item.id)))
        kept = {item.id for item in order[: settings.items]}
        items = [item for item in items if item.id in kept]
    return items, rejects


def _rank(item: Item) -> int:
    return int(item.item_id.rpartition("-")[2])


def _item(question: Question, image: ImageRef | None, rank: int) -> Item:
    return Item(
        item_id=f"{question.id}-{rank}",
        question_id=question.id,
        class_id=question.class_id,
        image=image.id if image else None,
        image_sha256=image.sha256 if image else None,
        question=question.question,
        choices=question.choices,
        answer=question.answer,
        letter=LETTERS[question.answer],
    )


def _without_image(question: Question) -> Reject:
    return Reject(
        id=f"assemble:{question.id}",
        stage="assemble",
        input=question.id,
        reason="no image left for the question",
        detail=f"{question.class_name}: {question.question}",
    )

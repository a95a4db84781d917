"""From selected drafts to questions and items: letters exactly balanced, images shared out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from imagewikiqa.core.digests import keyed_int, keyed_order
from imagewikiqa.core.records import (
    LETTERS,
    Choice,
    Draft,
    ImageRef,
    Item,
    Judged,
    Judgement,
    JudgeScore,
    Question,
    Reject,
)
from imagewikiqa.qa.splits import split_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembleSettings:
    """How questions become items."""

    mode: Literal["strict", "paper"] = "strict"
    seed: int = 0
    images_per_question: int = 3
    items: int | None = None
    splits: Mapping[str, float] = field(default_factory=dict)


def keep_options(drafts: Sequence[Draft], previous: Mapping[str, Question]) -> list[Draft]:
    """Return the drafts with the options they had in an earlier release, the right one first.

    Judged and selected so, a frozen question is released with the options that were looked at.
    """
    return [
        draft.model_copy(update={"choices": _right_first(previous[draft.id])})
        if _same(draft, previous)
        else draft
        for draft in drafts
    ]


def _right_first(question: Question) -> tuple[Choice, Choice, Choice, Choice]:
    a, b, c, d = (
        Choice(text=question.choices[at], class_id=question.choice_class_ids[at])
        for at in (question.answer, *(at for at in range(4) if at != question.answer))
    )
    return a, b, c, d


def arrange(
    drafts: Sequence[Draft],
    judged: Mapping[str, Judged],
    checks: Mapping[str, dict[str, bool]],
    settings: AssembleSettings,
    previous: Mapping[str, Question],
) -> list[Question]:
    """Return the drafts as questions with shuffled options, in the order of the drafts.

    Mode strict gives every letter to a quarter of the questions, counts differing by at most 1;
    mode paper shuffles each question on its own. A question of `previous` whose text, right option
    and evidence are the same keeps its options, its letter and its verdict. With `splits` the
    letters are balanced inside each split.
    """
    split = {one.id: split_of(one.class_id, settings.splits, settings.seed) for one in drafts}
    frozen = {
        draft.id: previous[draft.id].model_copy(
            update={
                "class_name": draft.class_name,
                "question_named": draft.question_named,
                "split": split[draft.id],
            }
        )
        for draft in drafts
        if _same(draft, previous)
    }
    fresh = [draft.id for draft in drafts if draft.id not in frozen]
    if settings.mode == "strict":
        answers: dict[str, int] = {}
        for name in dict.fromkeys(split.values()):
            taken = Counter(one.answer for one in frozen.values() if one.split == name)
            inside = [one for one in fresh if split[one] == name]
            answers |= _balanced(inside, taken, settings.seed)
    else:
        answers = {one: keyed_int(settings.seed, "letter", one) % 4 for one in fresh}
    return [
        frozen[draft.id]
        if draft.id in frozen
        else _question(
            draft, judged[draft.id], checks[draft.id], answers[draft.id], settings.seed
        ).model_copy(update={"split": split[draft.id]})
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
    right, *wrong = range(4)
    shown = keyed_order(wrong, lambda at: draft.choices[at].text, seed, "options", draft.id)
    shown.insert(answer, right)
    a, b, c, d = (draft.choices[at] for at in shown)
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
        judge=_as_shown(judged.judges[0], shown),
        choice_class_ids=(a.class_id, b.class_id, c.class_id, d.class_id),
    )


def _as_shown(judgement: Judgement, shown: Sequence[int]) -> Judgement:
    """Return a judgement whose picks point into a question's options instead of its draft's."""

    def moved(score: JudgeScore) -> JudgeScore:
        picks = tuple(None if pick is None else shown.index(pick) for pick in score.picks)
        return score.model_copy(update={"picks": picks})

    blind = judgement.closed_book
    return Judgement(
        with_name=moved(judgement.with_name),
        without_name=moved(judgement.without_name),
        closed_book=moved(blind) if blind else None,
    )


def share_images(
    drafts: Sequence[Draft],
    released: Collection[str],
    images: Sequence[ImageRef],
    settings: AssembleSettings,
    undrafted: Sequence[Reject] = (),
) -> dict[str, list[ImageRef]]:
    """Give each released draft its own images, up to `images_per_question`, none given twice.

    Every question that an author tried takes part, released or not, in an order keyed by its own
    id; `undrafted` are those it gave up (their `input` is the class). What it tries about a class
    is decided by the pages of that class, so a question keeps its images when other classes join
    or when the selection changes. Only where a class has too few images does a released draft
    take one that another would have, first of all a draft without any.
    """
    by_class: dict[str, list[ImageRef]] = defaultdict(list)
    for image in images:
        by_class[image.class_id].append(image)
    tried = {one.id.partition(":")[2]: one.input for one in undrafted}
    tried |= {draft.id: draft.class_id for draft in drafts}
    order = keyed_order(tried, str, settings.seed, "images")
    liked = {
        one: keyed_order(by_class[tried[one]], lambda image: image.id, settings.seed, one)
        for one in order
    }
    most = settings.images_per_question
    shares = _deal(liked, {}, most)
    shares = {one: shares[one] for one in order if one in released}
    return _deal({one: liked[one] for one in shares}, shares, most)


def _deal(
    liked: Mapping[str, Sequence[ImageRef]], given: Mapping[str, list[ImageRef]], most: int
) -> dict[str, list[ImageRef]]:
    """Add to what each has the first free image it likes, in turns of one image each."""
    shares = {one: list(given.get(one, ())) for one in liked}
    taken = {image.id for share in shares.values() for image in share}
    for count in range(1, most + 1):
        for one, images in liked.items():
            free = (image for image in images if image.id not in taken)
            if len(shares[one]) < count and (image := next(free, None)) is not None:
                shares[one].append(image)
                taken.add(image.id)
    return shares


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
            rejects.append(no_image(question))
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
        split=question.split,
    )


def held_elsewhere(draft: Draft, reason: str) -> Reject:
    """Return the reject of a question that another set holds already."""
    return Reject(
        id=f"assemble:{draft.id}",
        stage="assemble",
        input=draft.id,
        reason=reason,
        detail=f"{draft.class_name}: {draft.question}",
    )


def no_image(question: Draft | Question) -> Reject:
    """Return the reject of a question that no image is left for."""
    return Reject(
        id=f"assemble:{question.id}",
        stage="assemble",
        input=question.id,
        reason="no image left for the question",
        detail=f"{question.class_name}: {question.question}",
    )

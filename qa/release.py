"""From judged drafts and images to a release: selected, balanced, illustrated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from imagewikiqa.core.records import Draft, ImageRef, Item, Judged, Question, Reject
from imagewikiqa.qa.assemble import (
    AssembleSettings,
    arrange,
    held_elsewhere,
    make_items,
    no_image,
    share_images,
)
from imagewikiqa.qa.checks import first_failure
from imagewikiqa.qa.select import SelectSettings, select


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """All drafts of a run, what its author gave up, and what is known of each draft by its id.

    A draft that no judge could be asked about has no entry in `judged`; its reject is the filter's.
    """

    drafts: Sequence[Draft]
    judged: Mapping[str, Judged]
    checks: Mapping[str, dict[str, bool]]
    undrafted: Sequence[Reject] = ()
    held: Mapping[str, str] = field(default_factory=dict)  # by another set, with the reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is released, and one reject for every judged draft that is not."""

    questions: list[Question]
    items: list[Item]
    rejects: list[Reject]


def release(
    pool: Pool,
    images: Sequence[ImageRef] | None,
    picking: SelectSettings,
    shaping: AssembleSettings,
    previous: Mapping[str, Question],
) -> Release:
    """Select, arrange and illustrate; `images` None makes one item without image per question.

    Every released question has an item, so that letters and forms stay balanced: a question that
    no image is left for is dropped and the others are selected anew, and fewer `items` than
    `questions` are as many questions with their first image.
    """
    picking = replace(picking, questions=_least(picking.questions, shaping.items))
    failed = {one: first_failure(checks) for one, checks in pool.checks.items()}
    reasons = {one: reason for one, reason in failed.items() if reason is not None}
    classes = {image.class_id for image in images or ()}
    judged = [d for d in pool.drafts if d.id in pool.judged and d.id not in pool.held]
    bare: set[str] = set()
    if images is not None:
        sound = [d for d in judged if pool.judged[d.id].keep and d.id not in reasons]
        bare = {draft.id for draft in sound if draft.class_id not in classes}
    while True:
        drafts = [draft for draft in judged if draft.id not in bare]
        chosen, rejects = select(drafts, pool.judged, reasons, picking)
        shares = None
        if images is not None:
            ids = {draft.id for draft in chosen}
            shares = share_images(pool.drafts, ids, images, shaping, pool.undrafted)
        without = {d.id for d in chosen if shares is not None and not shares[d.id]}
        if not without:
            break
        bare |= without
    rejects += [no_image(draft) for draft in judged if draft.id in bare]
    rejects += [held_elsewhere(d, pool.held[d.id]) for d in pool.drafts if d.id in pool.held]
    questions = arrange(chosen, pool.judged, pool.checks, shaping, previous)
    items, _ = make_items(questions, shares, shaping)
    return Release(questions=questions, items=items, rejects=rejects)


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)

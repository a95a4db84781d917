"""What may be published, and under which licence: as each source says, and never by a guess."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.recipe import Recipe, SourceSettings

IMAGENET_TERMS = "https://image-net.org/download"
_WNID = re.compile(r"n\d{8}")
# Names that a hub's card may say; anything else is "other" there and stands in the card's words.
_KNOWN = frozenset(
    """
    apache-2.0 mit cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0
    cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
    cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 odc-by odbl pddl gpl-2.0 gpl-3.0 unlicense
    cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 bsd-3-clause unknown
""".split()
)
GATE = {
    "extra_gated_heading": "Images of ImageNet: agree to its terms first",
    "extra_gated_prompt": (
        "This repository holds images of ImageNet. Their copyright is with those who made them, and"
        " ImageNet lets researchers use them on terms that you accept here and that bind you:"
        " you use the images for non-commercial research or education only; you pass them on to"
        " nobody who has not accepted the same terms; you answer yourself for what you do with"
        " them, copies of copyrighted images included, and hold the makers of ImageNet free of"
        " claims; they promise nothing about the images and may end your access at any time; if"
        " you work for a company, it is bound as you are. The terms themselves, which count, are at"
        f" {IMAGENET_TERMS}."
    ),
    "extra_gated_fields": {
        "Name": "text",
        "Institution": "text",
        "I use the images for non-commercial research or education only": "checkbox",
        "I have read the terms of ImageNet and accept them": "checkbox",
    },
    "extra_gated_button_content": "I accept the terms of ImageNet",
}


def presumed_imagenet(recipe: Recipe, report: PlanReport, by_name: Iterable[str]) -> list[str]:
    """Return the sources that show images of ImageNet, or may be taken to.

    That are those whose files are named as ImageNet's (`by_name`), those of its layout, and those
    of its classes that do not say another licence, as photographs from elsewhere would.
    """
    named = {*by_name}
    classes = {one.name: one.classes for one in report.sources}
    return [
        source.name
        for source in _with_pictures(recipe, report)
        if source.name in named
        or source.layout == "imagenet"
        or (source.license is None and _has_wnids(source, classes[source.name]))
    ]


def pictures_without_licence(recipe: Recipe, report: PlanReport) -> list[str]:
    """Return the sources that show images and say no licence."""
    return [one.name for one in _with_pictures(recipe, report) if one.license is None]


def _with_pictures(recipe: Recipe, report: PlanReport) -> list[SourceSettings]:
    shown = {one.name for one in report.sources if one.samples > one.text_only}
    return [source for source in recipe.sources if source.name in shown]


def _has_wnids(source: SourceSettings, classes: Iterable[str]) -> bool:
    return source.classes == "imagenet" or any(_WNID.fullmatch(one) for one in classes)


def license_fields(sources: Sequence[SourceSettings], imagenet: Sequence[str]) -> dict[str, Any]:
    """Return what the card's metadata says of licences."""
    said = {(license_words(source, imagenet) or "unknown").lower() for source in sources}
    if len(said) == 1 and said <= _KNOWN:
        return {"license": said.pop()}
    return {
        "license": "other",
        "license_name": "by-source",
        "license_details": "each source has its own, some may be unknown: see the card",
    }


def license_words(source: SourceSettings, imagenet: Sequence[str]) -> str | None:
    """Return the licence of a source in the card's words; None where nobody said it."""
    if source.license is not None:
        return source.license
    return "the terms of ImageNet" if source.name in imagenet else None

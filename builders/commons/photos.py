"""From a candidate to a photograph with its terms: by its description, then by its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass

from imagewikiqa.builders.commons.candidates import Candidate
from imagewikiqa.builders.commons.credits import Credit, credit_of
from imagewikiqa.builders.commons.describe import Described
from imagewikiqa.builders.commons.download import Fetched
from imagewikiqa.builders.commons.licences import licence_of
from imagewikiqa.builders.commons.publish import image_path
from imagewikiqa.builders.commons.records import FileFacts, Licence, Photo, Pixels
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.commons.rules import MIMES, refuse_facts, refuse_pixels
from imagewikiqa.builders.commons.settings import Caps
from imagewikiqa.core.records import ClassEntry

_SKEW = 0.05  # by which a smaller picture's shape may differ from its original's


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """A file that its description allows, with its terms."""

    candidate: Candidate
    facts: FileFacts
    licence: Licence
    credit: Credit


def judged(candidate: Candidate, said: Described, entry: ClassEntry, caps: Caps) -> Usable:
    """Return a file that its description allows; raise RefusedError for any other."""
    if isinstance(said, RefusedError):
        raise said
    refuse_facts(said, entry, caps)
    licence = licence_of(said.said, said.source_page)
    credit = credit_of(said.said, licence)
    return Usable(candidate=candidate, facts=said, licence=licence, credit=credit)


def photo_of(one: Usable, fetched: Fetched, seen: Mapping[str, Pixels], caps: Caps) -> Photo:
    """Return the row of a fetched picture; raise RefusedError where its pixels will not do."""
    if isinstance(fetched, RefusedError):
        raise fetched
    pixels = seen[fetched.id]
    _refuse_pixels(one.facts, pixels, caps)
    if pixels.format == "":
        raise ValueError(f"a usable picture has a format, and {pixels.id} has none")
    return Photo(
        id=image_path(one.candidate.class_id, one.facts.id, pixels.format),
        class_id=one.candidate.class_id,
        title=one.facts.id,
        why=one.candidate.why,
        found_in=one.candidate.found_in,
        author=one.credit.author,
        credit=one.credit.words,
        source=one.credit.source,
        licence=one.licence,
        usage_terms=one.credit.usage_terms,
        restrictions=one.credit.restrictions,
        changes=_changes(one.facts, pixels),
        source_page=one.facts.source_page,
        original_url=one.facts.url,
        original_sha1=one.facts.sha1,
        original_width=one.facts.width,
        original_height=one.facts.height,
        original_bytes=one.facts.bytes,
        uploaded=one.facts.uploaded,
        uploader=one.facts.uploader,
        is_original=one.facts.is_original,
        sha256=pixels.id,
        bytes=pixels.bytes,
        width=pixels.width,
        height=pixels.height,
        format=pixels.format,
        phash=pixels.phash,
        dhash=pixels.dhash,
    )


def _refuse_pixels(facts: FileFacts, pixels: Pixels, caps: Caps) -> None:
    if pixels.problem:
        raise RefusedError(pixels.problem, pixels.detail)
    if facts.is_original and pixels.format != MIMES[facts.mime]:
        raise RefusedError("format", f"{pixels.format}, published as {facts.mime}")
    shape, stated = pixels.width / pixels.height, facts.width / facts.height
    if not facts.is_original and abs(shape / stated - 1) > _SKEW:
        raise RefusedError("not the picture described", f"{pixels.width} x {pixels.height}")
    refuse_pixels(pixels, caps)


def _changes(facts: FileFacts, pixels: Pixels) -> str:
    if facts.is_original:
        return "none"
    return (
        f"scaled by Wikimedia Commons from {facts.width} x {facts.height} to"
        f" {pixels.width} x {pixels.height} pixels"
    )

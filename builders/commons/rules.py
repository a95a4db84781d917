"""Which files look like photographs, by their names, categories, formats and sizes."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from imagewikiqa.builders.commons.records import FileFacts, Pixels
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.commons.settings import Caps
from imagewikiqa.core.records import ClassEntry

MIMES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp"})
# A plural is meant too. Words of the class itself are not held against its pictures: a flagpole
# may be called one.
_DRAWN = (
    "map", "diagram", "logo", "icon", "flag", "coat of arms", "chart", "graph", "plot", "drawing",
    "illustration", "painting", "engraving", "lithograph", "woodcut", "etching", "sketch",
    "cartoon", "clip art", "clipart", "postage stamp", "stamp", "screenshot", "poster", "banknote",
    "schematic", "blueprint", "infographic", "pictogram", "emoji", "symbol", "range map",
    "distribution", "cladogram", "timeline", "watercolor", "watercolour", "coloring page",
    "computer generated image", "3d rendering", "rendering", "mosaic", "book scan", "svg",
    "ai generated image", "ai-generated image", "floor plan", "phylogenetic tree", "barcode",
    "qr code", "title page", "sheet music", "text document",
)  # fmt: skip
# Categories by which Commons marks files whose rights are in doubt.
_DOUBTFUL = re.compile(
    r"license review needed|unreviewed|disputed|copyright violation|missing permission|"
    r"no permission since|no license since|no source since|deletion requests",
    re.I,
)
# How Commons keeps house: "Pages with maps" holds every photograph with a place.
_HOUSEKEEPING = re.compile(
    r"(?:pages|files|media|images|photographs|uploaded|taken|items)"
    r" (?:with|by|from|using|via|taken|requiring|needing|uploaded)\b",
    re.I,
)
_WORD = re.compile(r"[^\W_]+")


def refuse_name(title: str, entry: ClassEntry) -> None:
    """Raise RefusedError for a title of no photograph: another format, a map, a drawing."""
    suffix = PurePosixPath(title).suffix.lower()
    if suffix not in _SUFFIXES:
        raise RefusedError("format", suffix or "no suffix")
    _refuse_words("name of no photograph", [title[: -len(suffix)].partition(":")[2]], entry)


def refuse_facts(facts: FileFacts, entry: ClassEntry, caps: Caps) -> None:
    """Raise RefusedError for a file that its description disqualifies, before it is fetched."""
    if facts.mime not in MIMES:
        raise RefusedError("format", facts.mime)
    if min(facts.width, facts.height) < caps.min_side:
        raise RefusedError("too small", f"{facts.width} x {facts.height}")
    if facts.is_original and facts.width * facts.height > caps.max_pixels:
        raise RefusedError("too many pixels", f"{facts.width} x {facts.height}")
    if facts.is_original and facts.bytes > caps.max_bytes:
        raise RefusedError("too many bytes", f"{facts.bytes:,}")
    categories = [name for name in facts.said.get("Categories", "").split("|") if name]
    for name in categories:
        if _DOUBTFUL.search(name):
            raise RefusedError("rights in doubt", name)
    subjects = [name for name in categories if not _HOUSEKEEPING.match(name)]
    _refuse_words("category of no photograph", subjects, entry)


def refuse_pixels(pixels: Pixels, caps: Caps) -> None:
    """Raise RefusedError for a stored picture beyond the limits."""
    size = f"{pixels.width} x {pixels.height}"
    if min(pixels.width, pixels.height) < caps.min_side:
        raise RefusedError("too small", size)
    if pixels.width * pixels.height > caps.max_pixels:
        raise RefusedError("too many pixels", size)
    if pixels.bytes > caps.max_bytes:
        raise RefusedError("too many bytes", f"{pixels.bytes:,}")


def _refuse_words(reason: str, texts: Iterable[str], entry: ClassEntry) -> None:
    own = {_singular(w) for name in (entry.name, *entry.synonyms, *entry.titles) for w in _ws(name)}
    for text in texts:
        words = f" {' '.join(map(_singular, _ws(text)))} "
        for drawn in _DRAWN:
            parts = [_singular(word) for word in _ws(drawn)]
            if f" {' '.join(parts)} " in words and not own & {*parts}:
                raise RefusedError(reason, f"{drawn}: {text}")


def _ws(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word

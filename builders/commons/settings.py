"""How many photographs, how large, from where, and where things are kept."""

from dataclasses import dataclass, field
from pathlib import Path

from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.core.errors import ToolkitError

COMMONS_API = "https://commons.wikimedia.org/w/api.php"
MEDIA_HOSTS = ("upload.wikimedia.org", "thumb.wikimedia.org")
# Wikimedia answers 400 to other widths: https://www.mediawiki.org/wiki/Common_thumbnail_sizes
WIDTHS = (330, 500, 960, 1280, 1920, 3840)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The limits of a collection; pictures are fetched in `width`, smaller originals whole."""

    per_class: int = 20
    reserve: int = 10  # pictures fetched beyond that, for those whose pixels are refused
    candidates: int = 200  # files of a class that Commons is asked about
    width: int = 960  # one of WIDTHS
    min_side: int = 256  # pixels of the shorter side
    max_pixels: int = 10_000_000
    max_bytes: int = 10_000_000

    def __post_init__(self) -> None:
        """Check what a user wrote; ToolkitError says how to write it."""
        if self.width not in WIDTHS:
            raise ToolkitError(
                f"Wikimedia serves no pictures {self.width} pixels wide: choose one of"
                f" {', '.join(map(str, WIDTHS))}"
            )
        if min(self.per_class, self.candidates, self.min_side, self.max_bytes) < 1:
            raise ToolkitError(
                "the limits leave no photograph: give per_class, candidates, min_side and"
                " max_bytes above zero"
            )
        if self.reserve < 0 or self.max_pixels < self.min_side**2:
            raise ToolkitError(
                "the limits leave no photograph: give a reserve of at least 0 and max_pixels of at"
                f" least {self.min_side**2:,}, which is min_side squared"
            )


def commons_site(contact: str | None) -> Site:
    """Return Wikimedia Commons with the hosts of its files."""
    return Site(api=COMMONS_API, contact=contact, media_hosts=MEDIA_HOSTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wikis:
    """The Wikipedia of the articles, and the wiki of the files."""

    articles: Site
    files: Site


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonsFiles:
    """Where a collection keeps what it needs to be resumed; several may share all of it."""

    store: Path  # every answer of the APIs
    media: Path  # folder of the files that were fetched
    limits: Path | None = field(default=None)  # of the shared allowances; the user's own when None
    since: str = ""  # what the store was told before this time (ISO 8601) is asked again

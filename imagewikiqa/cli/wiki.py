"""Wikipedia as a source of pages: whom it is asked for, where answers are kept, what was pinned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from imagewikiqa.builders.pages import Source, open_source
from imagewikiqa.builders.wiki.api import open_api
from imagewikiqa.builders.wiki.languages import translated
from imagewikiqa.builders.wiki.scrape import into_sections, read_pins
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.builders.wiki.source import WikiFiles, wikipedia_source
from imagewikiqa.core.cache import user_cache
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry, Reject

PINS = "pins.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiAccess:
    """Who asks a wiki, and where its answers lie; none of it decides a byte of the output."""

    contact: str | None = None
    api: str | None = None
    cache: Path | None = None

    def site(self, language: str) -> Site:
        """Return the wiki of a language, or the one at `api`."""
        return Site(language=language, api=self.api or "", contact=self.contact)

    @property
    def store(self) -> Path:
        """Return the file of all answers, shared by the runs of this user."""
        return (self.cache or user_cache()) / "wiki.sqlite"


def is_wiki(spec: str) -> bool:
    """Say whether --pages asks a wiki: `wikipedia`, or `pins:FILE` for revisions taken before."""
    return spec == "wikipedia" or spec.startswith("pins:")


def check_source(spec: str) -> None:
    """Raise ToolkitError for a --pages that names nothing."""
    if not is_wiki(spec):
        open_source(spec)
    elif spec != "wikipedia":
        _check_pins(Path(spec.partition(":")[2]))


def _check_pins(file: Path) -> None:
    if not file.is_file():
        raise ToolkitError(
            f"there is no file {file}: give --pages pins:FILE the pins.jsonl of a run"
        )
    try:
        read_pins(file)
    except ToolkitError as error:
        raise ToolkitError(
            f"--pages cannot use {file} ({str(error).partition(';')[0]}): give pins:FILE the"
            " pins.jsonl of a run"
        ) from error


def wiki_digest(spec: str, site: Site) -> str:
    """Return the identity of a wiki as an input; which revisions are taken is in the run's pins."""
    kind, _, path = spec.partition(":")
    return digest([site.source, file_digest(Path(path)) if kind == "pins" else ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiPages:
    """The pages of classes, the classes by the titles asked for, and those without a title."""

    source: Source
    classes: tuple[ClassEntry, ...]
    rejects: tuple[Reject, ...] = ()


def open_wiki(
    spec: str,
    classes: Sequence[ClassEntry],
    language: str,
    access: WikiAccess,
    run: Path,
    progress: Progress,
    *,
    english_titles: bool,
) -> WikiPages:
    """Fetch what is missing, write RUN/pins.jsonl, and return the pages of the classes.

    A repeated run takes the revisions of its pins; titles are looked up anew only by a new run.
    With `english_titles` another language's titles are found by the links between Wikipedias.
    """
    kind, _, path = spec.partition(":")
    files = WikiFiles(
        store=access.store,
        pins=run / PINS,
        given=Path(path) if kind == "pins" else None,
        since=began(run),
    )
    ready_store(access)
    asked, rejects = [*classes], list[Reject]()
    if english_titles and language != "en":
        with open_api(access.site("en"), access.store, since=files.since) as api:
            asked, rejects = translated(classes, language, api)
    source = wikipedia_source(asked, access.site(language), files, progress)
    return WikiPages(source=source, classes=tuple(asked), rejects=tuple(rejects))


def section_titles(run: Path) -> list[str]:
    """Return the titles of a run that lead into a section, each with its page and section."""
    file = run / PINS
    pins = read_pins(file).values() if file.is_file() else ()
    return [f"{pin.id} ({pin.title} § {pin.fragment})" for pin in into_sections(pins)]


def ready_store(access: WikiAccess) -> None:
    """Make the folder of the store; ToolkitError where it cannot be."""
    folder = access.store.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolkitError(
            f"cannot make the folder {folder} of all answers ({error.strerror}): choose another"
            " with --cache"
        ) from error


def began(run: Path) -> str:
    """Return when this run first asked (UTC, ISO 8601): older answers about titles are stale."""
    file = run / "work" / "wiki.began"
    if not file.is_file():
        publish_text(file, datetime.now(UTC).isoformat(timespec="seconds"))
    return file.read_text(encoding="utf-8").strip()

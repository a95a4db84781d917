"""A small world to collect from: two classes, their articles, and files of every kind."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from imagewikiqa.builders.commons.collect import collect
from imagewikiqa.builders.commons.records import CollectReport, Photo
from imagewikiqa.builders.commons.settings import Caps, CommonsFiles, Wikis
from imagewikiqa.core.records import ClassEntry, Reject
from imagewikiqa.core.tables import read_table
from tests.builders.wiki.referee import Rules
from tests.builders.wiki.scraping import site_at
from tests.builders.wiki.site_pages import SitePage

from .commons_site import CommonsFile, CommonsServer, CommonsSite
from .pictures import jpeg, picture

RULES = Rules(minute=6.0)  # 33 requests a second
TIGER = ClassEntry(id="n02129604", name="tiger", title="Tiger")
LION = ClassEntry(id="n02129165", name="lion", title="Lion")
CLASSES = (TIGER, LION)
SAID: dict[str, Any] = {
    "Artist": '<a href="//commons.wikimedia.org/wiki/User:Ann">Ann Example</a>',
    "Credit": "Own work",
    "LicenseShortName": "CC BY-SA 4.0",
    "LicenseUrl": "https://creativecommons.org/licenses/by-sa/4.0",
    "License": "cc-by-sa-4.0",
    "UsageTerms": "Creative Commons Attribution-Share Alike 4.0",
    "AttributionRequired": "true",
    "Copyrighted": "True",
    "Restrictions": "",
    "Categories": "Pages with maps|Self-published work|Big cats",
}


def file(title: str, seed: int, *categories: str, **changes: Any) -> CommonsFile:
    """Return a photograph of 400 x 300 by Ann, under CC BY-SA 4.0; `said` is added to that."""
    said = {**SAID, **changes.pop("said", {})}
    one = CommonsFile(
        title=f"File:{title}",
        data=jpeg(picture(seed)),
        width=400,
        height=300,
        said=said,
        categories=categories,
    )
    return replace(one, **changes)


def article(number: int, title: str, text: str) -> SitePage:
    """Return an article of Wikipedia."""
    return SitePage(page_id=number, title=title, revision_id=1000 + number, wikitext=text)


def wikis(server: CommonsServer) -> Wikis:
    """Return the server as both wikis, asked as fast as RULES allow."""
    site = site_at(server.api, per_second=30.0)
    return Wikis(articles=site, files=site)


def files_in(folder: Path) -> CommonsFiles:
    """Return what a collection keeps, in a folder."""
    return CommonsFiles(
        store=folder / "store.sqlite", media=folder / "media", limits=folder / "limits"
    )


def gather(
    server: CommonsServer,
    folder: Path,
    classes: tuple[ClassEntry, ...] = CLASSES,
    out: str = "out",
    **caps: int,
) -> CollectReport:
    """Collect from a server into FOLDER/out."""
    return collect(classes, folder / out, wikis(server), files_in(folder), Caps(**caps))


def photos_in(folder: Path, out: str = "out") -> list[Photo]:
    """Return the photographs of a collection."""
    return [*read_table(folder / out / "images.jsonl", Photo)]


def reasons_in(folder: Path, out: str = "out") -> dict[str, str]:
    """Return the reason for which each file was refused, by its title."""
    rejects = read_table(folder / out / "rejects.jsonl", Reject)
    return {
        reject.input.partition(":")[2].removeprefix("File:"): reject.reason for reject in rejects
    }


def tree(folder: Path) -> dict[str, bytes]:
    """Return the data files of a collection by path."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: data for name, data in named.items() if not name.startswith("work/")}


TEXT = "'''Tiger''' is a cat. [[File:Tiger lead.jpg|thumb]] [[File:Tiger zoo.jpg]] {}"


CATEGORY = "{{Commons category|Panthera tigris}}"


def site(*files: CommonsFile, text: str = CATEGORY, **options: int) -> CommonsSite:
    """Return a site with an article on tigers, one on lions, and files."""
    lions = article(2, "Lion", "'''Lion''' is a cat. [[File:Lion lead.jpg]]")
    return CommonsSite([article(1, "Tiger", TEXT.format(text)), lions], files, **options)


def four() -> tuple[CommonsFile, ...]:
    """Return four photographs that are all taken: three of tigers, one of a lion."""
    return (
        file("Tiger lead.jpg", 1),
        file("Tiger zoo.jpg", 2),
        file("A tiger.jpg", 3, "Panthera tigris"),
        file("Lion lead.jpg", 4),
    )

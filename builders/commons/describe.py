"""What Commons says about files: 50 titles a request, redirects followed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from imagewikiqa.builders.commons.addresses import own_address
from imagewikiqa.builders.commons.records import FileFacts
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.wiki import fates
from imagewikiqa.builders.wiki.api import WikiApi
from imagewikiqa.builders.wiki.replies import Json, flag, listed, pages
from imagewikiqa.builders.wiki.settings import BATCH, Site
from imagewikiqa.builders.wiki.side_by_side import side_by_side
from imagewikiqa.builders.wiki.titles import batches, joined, spelled
from imagewikiqa.core.progress import Progress, Silent

TOLD = (
    "Artist", "Attribution", "AttributionRequired", "Categories", "Credit", "DeletionReason",
    "License", "LicenseShortName", "LicenseUrl", "NonFree", "Restrictions", "UsageTerms",
)  # fmt: skip
_ASKED: dict[str, str | int] = {
    "prop": "imageinfo",
    "iiprop": "url|size|mime|sha1|extmetadata|user|timestamp",
    "iilimit": 1,
    "iiextmetadatafilter": "|".join(TOLD),
    "iiextmetadatalanguage": "en",
    "redirects": 1,
}
Described = FileFacts | RefusedError


def describe(
    titles: Iterable[str], api: WikiApi, width: int, progress: Progress | None = None
) -> dict[str, Described]:
    """Return what Commons says of each file, or why it cannot be taken, by the title asked.

    `width` is that of the picture to fetch (pixels); the address of a smaller original is its own.
    """
    asked = sorted(set(titles))
    watcher = progress or Silent()
    watcher.begin("descriptions", len(asked), 0)
    found: dict[str, Described] = {}
    try:
        for part in side_by_side(
            lambda part: _ask(part, api, width), batches(asked, BATCH), api.transport
        ):
            found.update(part)
            watcher.advance(len(part))
    finally:
        watcher.end()
    return found


def _ask(titles: Sequence[str], api: WikiApi, width: int) -> dict[str, Described]:
    sent = {title: spelled(title) for title in titles}
    names = joined(sent.values())
    merged: Json = {}
    if names:
        params = {**_ASKED, "iiurlwidth": width, "titles": names}
        for query in api.query(params):
            fates.merge(merged, query)
            # Of a single title the wiki would go on through every older version.
            if all(_is_told(page) for page in pages(merged)):
                break
    return {title: _described(merged, name, api.site) for title, name in sent.items()}


def _is_told(page: Json) -> bool:
    known = flag(page, "missing") and not flag(page, "known")
    return known or flag(page, "invalid") or bool(page.get("imageinfo"))


def _described(query: Json, name: str, site: Site) -> Described:
    page = fates.page_of(query, name)
    if page is None:
        return RefusedError("not on Commons")
    versions = listed(page.get("imageinfo"))
    if not versions:
        return RefusedError("not described")
    try:
        return _facts(str(page.get("title")), versions[0], site)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
        return RefusedError("not described", f"{where} is missing or wrong")
    except RefusedError as refused:
        return refused


def _facts(title: str, info: Mapping[str, Any], site: Site) -> FileFacts:
    url = own_address(info.get("url"), site.base, site)
    thumb = info.get("thumburl")
    return FileFacts(
        id=title,
        url=url,
        fetch_url=own_address(thumb, site.base, site) if thumb else url,
        source_page=own_address(info.get("descriptionurl"), site.base, site),
        mime=info.get("mime", ""),
        bytes=info.get("size", -1),
        width=info.get("width", -1),
        height=info.get("height", -1),
        sha1=info.get("sha1", ""),
        uploaded=info.get("timestamp", ""),
        uploader=info.get("user", ""),
        said=_said(info.get("extmetadata")),
    )


def _said(extmetadata: object) -> dict[str, str]:
    found = extmetadata if isinstance(extmetadata, dict) else {}
    said: dict[str, str] = {}
    for key in TOLD:
        entry = found.get(key)
        value = entry.get("value") if isinstance(entry, dict) else None
        if isinstance(value, str | int | float) and str(value).strip():
            said[key] = str(value)
    return said

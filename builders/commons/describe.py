"""What Commons says about files: 50 titles a request, redirects followed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urljoin, urlsplit, urlunsplit

from pydantic import ValidationError

from imagewikiqa.builders.commons.records import FileFacts
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.commons.side_by_side import side_by_side
from imagewikiqa.builders.wiki import fates
from imagewikiqa.builders.wiki.api import WikiApi, spelled
from imagewikiqa.builders.wiki.replies import Json, flag, listed, pages
from imagewikiqa.builders.wiki.settings import BATCH, Site
from imagewikiqa.core.progress import Progress, Silent

_LONGEST = 5500  # bytes of titles in an address; servers refuse addresses from 8 KiB
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
        for part in side_by_side(lambda part: _ask(part, api, width), _batches(asked), api):
            found.update(part)
            watcher.advance(len(part))
    finally:
        watcher.end()
    return found


def _ask(titles: Sequence[str], api: WikiApi, width: int) -> dict[str, Described]:
    sent = {title: spelled(title) for title in titles}
    fit = [name for name in sent.values() if fates.fit(name)]
    merged: Json = {}
    if fit:
        params = {**_ASKED, "iiurlwidth": width, "titles": "|".join(fit)}
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
    url = _own(info.get("url"), site)
    thumb = info.get("thumburl")
    return FileFacts(
        id=title,
        url=url,
        fetch_url=_own(thumb, site) if thumb else url,
        source_page=_own(info.get("descriptionurl"), site),
        mime=str(info.get("mime", "")),
        bytes=info.get("size", -1),
        width=info.get("width", -1),
        height=info.get("height", -1),
        sha1=str(info.get("sha1", "")),
        uploaded=str(info.get("timestamp", "")),
        uploader=str(info.get("user", "")),
        said=_said(info.get("extmetadata")),
    )


def _own(address: object, site: Site) -> str:
    """Return an address of this wiki or its files; raise RefusedError for any other."""
    whole = urljoin(site.base, str(address or ""))
    parts = urlsplit(whole)
    at_home = parts.netloc.lower() in {site.host, *site.media_hosts}
    weaker = site.base.startswith("https:") and parts.scheme != "https"
    if parts.query:  # Wikimedia adds where its readers come from
        kept = [p for p in parse_qsl(parts.query, True) if not p[0].startswith("utm_")]
        whole = urlunsplit(parts._replace(query=urlencode(kept)))
    if not address or parts.scheme not in ("http", "https") or not at_home or weaker:
        raise RefusedError("address elsewhere", whole)
    return whole


def _said(extmetadata: object) -> dict[str, str]:
    found = extmetadata if isinstance(extmetadata, dict) else {}
    said: dict[str, str] = {}
    for key in TOLD:
        entry = found.get(key)
        value = entry.get("value") if isinstance(entry, dict) else None
        if isinstance(value, str | int | float) and str(value).strip():
            said[key] = str(value)
    return said


def _batches(titles: Sequence[str]) -> list[list[str]]:
    batches: list[list[str]] = []
    room = 0
    for title in titles:
        needs = len(quote_plus(title)) + 3
        if not batches or len(batches[-1]) >= BATCH or needs > room:
            batches.append([])
            room = _LONGEST
        batches[-1].append(title)
        room -= needs
    return batches

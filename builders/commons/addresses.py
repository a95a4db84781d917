"""Which addresses belong to a wiki and its files: nothing else is fetched or written down."""

from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import httpx

from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.wiki.settings import Site


def own_address(address: object, base: str, site: Site) -> str:
    """Return a whole address of this wiki or its files; raise RefusedError for any other.

    `base` is the address that a partial one starts from; from https nothing leads to http.
    """
    words = address if isinstance(address, str) else ""
    try:
        whole = urljoin(base, words)
        parts = urlsplit(whole)
        httpx.URL(whole)
    except (ValueError, httpx.InvalidURL) as error:
        raise RefusedError("address elsewhere", _shown(words)) from error
    at_home = parts.netloc.lower() in {site.host, *site.media_hosts}
    weaker = base.startswith("https:") and parts.scheme != "https"
    if not words or parts.scheme not in ("http", "https") or not at_home or weaker:
        raise RefusedError("address elsewhere", _shown(whole))
    if parts.query:  # Wikimedia adds where its readers come from
        kept = [pair for pair in parse_qsl(parts.query, True) if not pair[0].startswith("utm_")]
        whole = urlunsplit(parts._replace(query=urlencode(kept)))
    return whole


def _shown(words: str) -> str:
    return ascii(words[:150])[1:-1]

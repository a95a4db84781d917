"""Which licences are taken: CC0, public domain, CC BY and CC BY-SA, stated without contradiction.

Everything else is refused and listed: NC and ND, fair use, GFDL alone, Free Art Licence alone,
"no known restrictions", and licences without a version. Of several licences Commons names the
freest itself; of several versions of one licence the newest is taken, as its user may choose.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from imagewikiqa.builders.commons.plain import plain_text
from imagewikiqa.builders.commons.records import Licence
from imagewikiqa.builders.commons.refusal import RefusedError

_CC = "https://creativecommons.org"
PUBLIC_DOMAIN = "public-domain"
_RESTRICTED = re.compile(
    r"\b(?:nc|nd|non[- ]?commercial|no[- ]?deriv\w*|fair[- ]use|non[- ]?free|all rights reserved)\b"
)
_VERSION = re.compile(r"[1-4]\.[05]")
_NAME = re.compile(
    r"cc[ -]by(?P<sa>[ -]sa)?[ -](?P<versions>[1-4]\.[05](?:[-, ]+[1-4]\.[05])*)"
    r"(?:[ -](?P<port>[a-z]{2}|igo|scotland))?"
)
_ADDRESS = re.compile(
    r"(?:https?:)?//(?:www\.)?creativecommons\.org/(?P<kind>licenses|publicdomain)/"
    r"(?P<name>[a-z+-]+)/(?P<version>[0-9.]+)(?:/(?P<port>[a-z]{2,8}))?"
    r"(?:/(?:deed|legalcode)[a-z._-]*)?/?"
)


@dataclass(frozen=True, slots=True)
class _Terms:
    """One way in which a licence was named."""

    family: str  # by, by-sa, zero, public domain
    versions: frozenset[str] = frozenset()
    port: str = ""


def licence_of(said: Mapping[str, str], source_page: str) -> Licence:
    """Return the licence that a file's description states; raise RefusedError for any other."""
    name, code, url = (_told(said, key) for key in ("LicenseShortName", "License", "LicenseUrl"))
    _refuse_unfree(said)
    if not name:
        raise RefusedError("no licence stated")
    terms = _named(name)
    if terms is None:
        raise RefusedError("licence not on the list", name)
    for other, words in ((_named(code), code), (_addressed(url), url)):
        # Public domain is explained at many addresses, and under codes like pd-usgov.
        if words and not _agrees(terms, other):
            raise RefusedError("licence contradicts itself", f"{name} and {words}")
    if terms.family == PUBLIC_DOMAIN:
        required = said.get("AttributionRequired", "").strip().lower() == "true"
        return Licence(id=PUBLIC_DOMAIN, name=name, url=source_page, attribution_required=required)
    if terms.family == "zero":
        where = f"{_CC}/publicdomain/zero/1.0/"
        return Licence(id="CC0-1.0", name=name, url=where, attribution_required=False)
    version = max(terms.versions)
    tail = f"/{terms.port}" if terms.port else ""
    return Licence(
        id=f"CC-{terms.family.upper()}-{version}{tail.upper().replace('/', '-')}",
        name=name,
        url=f"{_CC}/licenses/{terms.family}/{version}{tail}/",
        attribution_required=True,
    )


def _told(said: Mapping[str, str], key: str) -> str:
    try:
        return plain_text(said.get(key, ""))
    except ValueError as error:
        raise RefusedError("licence not on the list", str(error)) from error


def _refuse_unfree(said: Mapping[str, str]) -> None:
    if said.get("NonFree", "").strip().lower() not in ("", "false", "0"):
        raise RefusedError("not free", "marked as non-free")
    if said.get("DeletionReason", "").strip():
        raise RefusedError("nominated for deletion")
    for key in ("LicenseShortName", "License", "LicenseUrl", "UsageTerms"):
        words = _told(said, key)
        # In an address the parts of a name are joined, as in by-nc-sa.
        if found := _RESTRICTED.search(words.lower().replace("_", " ")):
            raise RefusedError("not free", f"{found[0]} in {words}")


def _named(name: str) -> _Terms | None:
    """Return the terms of a licence's name or code, None for one that is not on the list."""
    plain = name.lower()
    if plain in ("cc0", "cc0 1.0", "cc-zero", "cc0-1.0"):
        return _Terms("zero")
    if plain in ("public domain", "pd") or re.fullmatch(r"pd-[a-z0-9 -]+", plain):
        return _Terms(PUBLIC_DOMAIN)
    found = _NAME.fullmatch(plain)
    if found is None:
        return None
    family = "by-sa" if found["sa"] else "by"
    return _Terms(family, frozenset(_VERSION.findall(found["versions"])), found["port"] or "")


def _addressed(url: str) -> _Terms | None:
    """Return the terms at an address of Creative Commons; any other one explains public domain."""
    found = _ADDRESS.fullmatch(url.lower())
    if found is None:
        return None if "creativecommons.org" in url.lower() else _Terms(PUBLIC_DOMAIN)
    if found["kind"] == "publicdomain":
        return _Terms("zero" if found["name"] == "zero" else PUBLIC_DOMAIN)
    return _Terms(found["name"], frozenset({found["version"]}), found["port"] or "")


def _agrees(terms: _Terms, other: _Terms | None) -> bool:
    if other is None or other.family != terms.family:
        return False
    same_port = not terms.port or not other.port or terms.port == other.port
    return same_port and (not terms.versions or bool(terms.versions & other.versions))

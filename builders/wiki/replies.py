"""The action API's replies: errors, warnings, pages and revisions, in either format version."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from imagewikiqa.builders.wiki.store import Exchange, Revision

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remark:
    """An error or a warning of the API: its code (or module, in the old format) and words."""

    code: str
    text: str


def parse(body: bytes) -> Json | None:
    """Return a reply as an object; None when the bytes are cut, a web page, or anything else."""
    try:
        reply = json.loads(body)
        if b"\\ud" in body.lower():  # half of a character, which no text can hold
            json.dumps(reply, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return reply if isinstance(reply, dict) else None


def errors(reply: Json) -> list[Remark]:
    """Return the errors of a reply, in whichever error format it was written."""
    old = reply.get("error")
    found = [Remark(str(old.get("code")), str(old.get("info")))] if isinstance(old, dict) else []
    return found + [_remark(entry) for entry in listed(reply.get("errors"))]


def warnings(reply: Json) -> list[Remark]:
    """Return the warnings of a reply, in whichever format it was written."""
    found = reply.get("warnings")
    if isinstance(found, dict):
        return [
            Remark(module, str(said.get("warnings", said.get("*", ""))))
            for module, said in found.items()
            if isinstance(said, dict)
        ]
    return [_remark(entry) for entry in listed(found)]


def flag(item: Json, name: str) -> bool:
    """Say whether a boolean is set: true in format version 2, an empty text in version 1."""
    return item.get(name, False) not in (False, None)


def pages(query: Json) -> list[Json]:
    """Return the pages of a query: a list in format version 2, an object in version 1."""
    found = query.get("pages", [])
    return listed([*found.values()] if isinstance(found, dict) else found)


def steps(query: Json, name: str) -> dict[str, Json]:
    """Return `normalized`, `converted` or `redirects` by the title that each step starts from."""
    found = (step for step in listed(query.get(name)) if isinstance(step.get("to"), str))
    return {str(step.get("from", "")): step for step in found}


def revisions(exchange: Exchange) -> Iterator[Revision]:
    """Yield the revisions whose text an answer holds, and those that it says do not exist.

    A text is taken only when its sha1 is the one that the wiki states.
    """
    address = exchange.request.partition(" ")[2]
    if "prop=revisions" not in address:
        return
    query = (parse(exchange.body) or {}).get("query")
    if not isinstance(query, dict):
        return
    host = urlsplit(address).netloc
    for page in pages(query):
        for said in listed(page.get("revisions")):
            slot = main_slot(said)
            text = slot.get("content", slot.get("*"))
            problem = _problem(slot, said, text)
            if problem is not None and (found := revision(host, page, said, str(text), problem)):
                yield found
    for key in _bad_ids(query.get("badrevids")):
        if (gone := revision(host, {}, {"revid": key}, "", "deleted revision")) is not None:
            yield gone


def main_slot(revision: Json) -> Json:
    """Return where a revision's text stands: its main slot, or itself in older replies."""
    slots = revision.get("slots")
    found = slots.get("main", revision) if isinstance(slots, dict) else revision
    return found if isinstance(found, dict) else {}


def revision(host: str, page: Json, said: Json, text: str, problem: str) -> Revision | None:
    """Return what a reply says about a revision, with its text or the reason for none."""
    number, page_id, timestamp = said.get("revid"), page.get("pageid"), said.get("timestamp")
    if not _is_id(number):
        return None
    return Revision(
        host=host,
        revision_id=number,
        page_id=page_id if _is_id(page_id) else None,
        title=str(page.get("title", "")),
        timestamp=timestamp if isinstance(timestamp, str) else None,
        wikitext="" if problem else text,
        problem=problem,
    )


def _is_id(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 62


def _problem(slot: Json, revision: Json, text: object) -> str | None:
    """Return why a revision's text cannot be taken, "" when it can, None when it must come anew."""
    if flag(slot, "texthidden") or flag(revision, "texthidden") or flag(revision, "suppressed"):
        return "hidden revision"
    if flag(slot, "missing") or flag(slot, "textmissing") or flag(slot, "badcontentformat"):
        return "lost revision"
    if not isinstance(text, str):
        return None
    if slot.get("contentmodel", "wikitext") != "wikitext":
        return "not wikitext"
    stated = slot.get("sha1") or revision.get("sha1")
    try:
        actual = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    except UnicodeEncodeError:
        return None
    return None if stated and stated != actual else ""  # `exact` fetches it in another way


def _bad_ids(found: object) -> list[int]:
    keys = [*found] if isinstance(found, dict) else [e.get("revid") for e in listed(found)]
    return [int(key) for key in map(str, keys) if re.fullmatch("[0-9]{1,18}", key)]


def _remark(entry: Json) -> Remark:
    text = entry.get("text", entry.get("html", entry.get("*", "")))
    return Remark(str(entry.get("code", "")), str(text))


def listed(found: object) -> list[Json]:
    """Return the objects of a list, nothing for what is none."""
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

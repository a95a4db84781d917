"""Who made a photograph and how to say so; a file without that is not taken."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from imagewikiqa.builders.commons.plain import plain_text
from imagewikiqa.builders.commons.records import Licence
from imagewikiqa.builders.commons.refusal import RefusedError

LONGEST = 1_000  # characters of a credit, which is never cut
# Templates of Commons say so in words; a licence that asks for credit needs a name.
_UNKNOWN = re.compile(
    r"(?:the )?(?:author )?(?:unknown|anonymous|unidentified|not (?:known|provided|given|stated)|"
    r"n/?a|none|\?+|-+)(?: (?:or not provided|author|photographer|artist|creator|person))*[.;, ]*",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """The maker, the words to credit them with, and what else is stated."""

    author: str
    words: str
    source: str
    usage_terms: str
    restrictions: str


def credit_of(said: Mapping[str, str], licence: Licence) -> Credit:
    """Return the credit that a file's description states; raise RefusedError without one.

    "Unknown" is an author only where the licence asks for no credit.
    """
    author, words = _told(said, "Artist"), _told(said, "Attribution")
    if not author or not any(c.isalnum() for c in author):
        author = words
    if not author or not any(c.isalnum() for c in author):
        raise RefusedError("no author stated")
    if licence.attribution_required and not words and _is_unknown(author):
        raise RefusedError("no author stated", author)
    return Credit(
        author=author,
        words=words or author,
        source=_told(said, "Credit"),
        usage_terms=_told(said, "UsageTerms"),
        restrictions=_told(said, "Restrictions"),
    )


def _is_unknown(author: str) -> bool:
    """Say whether every part of an author's name says that there is none."""
    return all(_UNKNOWN.fullmatch(part.strip()) for part in author.split(";"))


def _told(said: Mapping[str, str], key: str) -> str:
    try:
        text = plain_text(said.get(key, ""))
    except ValueError as error:
        raise RefusedError("credit too long", f"{key}: {error}") from error
    if len(text) > LONGEST:
        raise RefusedError("credit too long", f"{key}: {len(text):,} characters")
    return text

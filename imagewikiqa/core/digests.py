"""Canonical JSON, content digests and keyed hashes: the only source of identity and of order."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

T = TypeVar("T")
_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8 kept, NaN refused."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return _JSON.encode(value)


def digest(value: object) -> str:
    """Return the sha256 (64 hex digits) of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def text_digest(text: str) -> str:
    """Return the sha256 (64 hex digits) of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the sha256 (64 hex digits) of a file's bytes, read in bounded memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def keyed_int(*key: str | int) -> int:
    """Return a uniform 64-bit integer decided by the key alone, the same on every machine."""
    packed = json.dumps(key, ensure_ascii=False).encode()
    return int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "big")


def keyed_choice(options: Sequence[T], *key: str | int) -> T:
    """Return one option, decided by the key; raise IndexError on no options."""
    if not options:
        raise IndexError(f"there are no options to choose from by {key}")
    return options[keyed_int(*key) % len(options)]


def keyed_order(values: Iterable[T], name: Callable[[T], str], *key: str | int) -> list[T]:
    """Sort values by a keyed hash of their names: a shuffle that stays put when others join."""
    return sorted(values, key=lambda value: (keyed_int(*key, name(value)), name(value)))

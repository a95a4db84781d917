"""Keyed hashes of many names at once: `core.digests.keyed_int` over a column."""

import hashlib
import json
from collections.abc import Iterator
from json.encoder import encode_basestring as quoted

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from imagewikiqa.mixtures.sources.protocol import SAMPLE_ID_BYTES

Keys = npt.NDArray[np.uint64]
_AT_ONCE = 65_536  # names that are Python strings at a time


def keyed_ints(*before: str | int, names: pa.Array, after: tuple[str | int, ...] = ()) -> Keys:
    """Return keyed_int(*before, name, *after) of every name, at about 1 us a name."""
    found = [_hashes(before, part, after, 8) for part in _parts(names)]
    return np.frombuffer(b"".join(found), ">u8").astype(np.uint64)


def sample_ids(source: str, ref: str, names: pa.Array) -> pa.Array:
    """Return the bytes of sources.protocol.sample_id of every name."""
    found = [_hashes((source,), part, (ref,), SAMPLE_ID_BYTES) for part in _parts(names)]
    buffers = [None, pa.py_buffer(b"".join(found))]
    return pa.Array.from_buffers(pa.binary(SAMPLE_ID_BYTES), len(names), buffers)


def _parts(names: pa.Array) -> Iterator[list[str]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names.slice(start, _AT_ONCE).to_pylist()


def _hashes(
    before: tuple[str | int, ...], names: list[str], after: tuple[str | int, ...], size: int
) -> bytes:
    """Return the digests, end to end, of the JSON lists of `before`, a name and `after`."""
    head, tail = (json.dumps(list(part), ensure_ascii=False) for part in (before, after))
    head = head[:-1] + (", " if before else "")
    tail = (", " if after else "") + tail[1:]
    blake = hashlib.blake2b
    return b"".join(
        [blake(f"{head}{quoted(name)}{tail}".encode(), digest_size=size).digest() for name in names]
    )

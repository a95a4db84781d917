"""Which samples of a damaged shard are not as they were written, to the last header and padding.

A header is a function of a name and a size, and padding is zeros, so that every byte of a sample
is either hashed or known.
"""

import hashlib
from pathlib import Path
from typing import BinaryIO

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.records import EXTENSIONS, Receipt, SampleReceipt
from imagewikiqa.mixtures.shards.tar import BLOCK, header, padding

_PIECE = 1 << 18
_SIZE = slice(124, 135)  # of a header: the digits of its content's length
_NAME = slice(0, 100)


def damaged_samples(path: Path, receipt: Receipt) -> tuple[str, ...]:
    """Return the keys of the samples that are not whole in a shard, in order."""
    with path.open("rb") as stream:
        return tuple(one.key for one in receipt.samples if not is_whole(stream, one))


def is_whole(stream: BinaryIO, sample: SampleReceipt) -> bool:
    """Return whether every byte of a sample in an open shard is as its receipt says."""
    stream.seek(sample.offset)
    digest, left = hashlib.sha256(), sample.size
    while left > 0:
        block = stream.read(BLOCK)
        size = _content_size(block, sample.key)
        if size is None or BLOCK + size > left:
            return False
        if not _hash(stream, size, digest):
            return False
        if stream.read(-size % BLOCK) != padding(size):
            return False
        left -= BLOCK + size + -size % BLOCK
    return left == 0 and digest.hexdigest() == sample.sha256


def _content_size(block: bytes, key: str) -> int | None:
    """Return the size in a canonical header of one of the key's files; None for anything else."""
    name, digits = block[_NAME].rstrip(b"\0"), block[_SIZE]
    if name not in {f"{key}.{extension}".encode() for extension in EXTENSIONS}:
        return None
    if len(digits) != 11 or not set(digits) <= set(b"01234567"):
        return None
    size = int(digits, 8)
    try:
        return size if block == header(name.decode("ascii"), size) else None
    except ToolkitError:  # a key that no shard can hold
        return None


def _hash(stream: BinaryIO, size: int, digest: "hashlib._Hash") -> bool:
    """Add a content to a hash; return whether all of it was there."""
    while size:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            return False
        digest.update(piece)
        size -= len(piece)
    return True

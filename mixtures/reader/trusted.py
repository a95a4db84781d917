"""The manifest and the receipts of a mixture, read with bounds and held against each other."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.mixtures.records import MAX_SAMPLE, Manifest, Receipt, SampleReceipt

MANIFEST = "manifest.json"
_MAX_JSON = 1 << 24  # bytes of a manifest or a receipt: 90,000 shards, 70,000 samples
_BLOCK = 512
_END = 2 * _BLOCK  # zeros that end an archive
MAX_TAIL = 20 * _BLOCK  # zeros to the end of a record, which some tar programs write
MIXTURE = "folder of a mixture"
AGAIN = "build it or fetch it again"

P = TypeVar("P", bound=BaseModel)


class Opened(NamedTuple):
    """A manifest and the sha256 of its file, which stands for the whole mixture."""

    manifest: Manifest
    sha256: str


class OpenFile:
    """A regular file that stays open for `os.pread` for as long as this is held."""

    def __init__(self, path: Path) -> None:
        """Raise OSError where the system refuses, ToolkitError for what is no regular file."""
        # A named pipe would block without O_NONBLOCK.
        self.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        found = self.stat()
        self.size = found.st_size
        if not stat.S_ISREG(found.st_mode):
            raise ToolkitError(f"{path} is not a file: {AGAIN}")

    def stat(self) -> os.stat_result:
        """Return what the system says of the file now."""
        return os.fstat(self.descriptor)

    def __del__(self) -> None:
        """Close the file."""
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


def read_manifest(folder: Path) -> Opened:
    """Return the manifest of a mixture; ToolkitError where it is missing or makes no sense."""
    path = folder / MANIFEST
    if not path.exists():
        raise ToolkitError(
            f"{folder} holds no {MANIFEST}, so it is no mixture or one that is not finished:"
            " build it, or give the folder of another"
        )
    content = _content(path)
    manifest = _parsed(Manifest, path, content)
    if not manifest.shards:
        raise ToolkitError(f"{path} names no shard: {AGAIN}")
    return Opened(manifest, hashlib.sha256(content).hexdigest())


def check_receipt(folder: Path, name: str, sha256: str) -> bytes:
    """Return the receipt file of a shard; ToolkitError where it is not the manifest's."""
    path = folder / f"{name.removesuffix('.tar')}.receipt.json"
    if not path.exists():
        raise ToolkitError(f"the shard {folder / name} has no receipt: {AGAIN}")
    content = _content(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ToolkitError(f"{path} is not the receipt that the manifest names: {AGAIN}")
    return content


def read_receipts(folder: Path, manifest: Manifest) -> Iterator[Receipt]:
    """Yield the receipt of each shard, by name; ToolkitError where it contradicts the manifest."""
    samples = size = 0
    for name in sorted(manifest.shards):
        content = check_receipt(folder, name, manifest.shards[name])
        receipt = _parsed(Receipt, folder / name, content)
        if wrong := _contradiction(receipt, name):
            raise ToolkitError(f"the receipt of {folder / name} {wrong}: {AGAIN}")
        samples, size = samples + receipt.count, size + receipt.bytes
        yield receipt
    if (samples, size) != (manifest.samples, manifest.bytes):
        raise ToolkitError(
            f"the receipts in {folder} are of {samples:,} samples and {size:,} bytes, and the"
            f" manifest tells of {manifest.samples:,} and {manifest.bytes:,}: {AGAIN}"
        )


def _contradiction(receipt: Receipt, name: str) -> str | None:
    """Return what a receipt says that no shard can be; samples stand one after the other."""
    if receipt.shard != name:
        return f"is of {receipt.shard!r}"
    if receipt.count != len(receipt.samples):
        return f"counts {receipt.count} samples and lists {len(receipt.samples)}"
    if len({one.key for one in receipt.samples}) != receipt.count:
        return "lists a key twice"
    end = 0
    for one in receipt.samples:
        if one.offset != end or not _is_whole(one):
            return f"gives {one.key!r} a place that is not next to the last one's"
        end += one.size
    if not _END <= receipt.bytes - end <= MAX_TAIL:
        return f"ends at byte {end:,} of {receipt.bytes:,}"
    return None


def _is_whole(one: SampleReceipt) -> bool:
    return _BLOCK <= one.size <= MAX_SAMPLE and one.size % _BLOCK == 0


def _content(path: Path) -> bytes:
    with explained(path, "read", instead=MIXTURE):
        file = OpenFile(path)
    if file.size > _MAX_JSON:
        raise ToolkitError(f"{path} has {file.size:,} bytes, more than {_MAX_JSON:,}: {AGAIN}")
    return os.pread(file.descriptor, file.size, 0)


def _parsed(kind: type[P], path: Path, content: bytes) -> P:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise ToolkitError(
            f"the {kind.__name__.lower()} {path} cannot be read: {AGAIN}, or update this package"
        ) from error

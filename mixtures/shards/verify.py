"""Compare every byte of a mixture with its receipts and its manifest, and name what is wrong."""

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import ValidationError

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.files import explained
from imagewikiqa.mixtures.records import Manifest, Receipt
from imagewikiqa.mixtures.shards.damage import damaged_samples
from imagewikiqa.mixtures.shards.tar import END
from imagewikiqa.mixtures.shards.write import (
    MANIFEST,
    RECEIPT,
    manifest_text,
    read_receipt,
    receipt_path,
)

Kind = Literal[
    "missing", "unreadable", "foreign", "cut", "grown", "swapped", "changed", "disagrees"
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: with which file, of which kind, and which samples it touches."""

    file: str
    kind: Kind
    detail: str
    samples: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return one sentence, with the first three samples."""
        named = ", ".join(self.samples[:3]) + (", ..." if len(self.samples) > 3 else "")
        touched = f" ({len(self.samples)} damaged: {named})" if named else ""
        return f"{self.file} {self.detail}{touched}"


_UNFINISHED = Fault(MANIFEST, "missing", "is missing: the mixture was never finished")


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a receipt says of its shard, without its samples: there may be millions."""

    count: int
    bytes: int
    sha256: str


def verify_mixture(
    folder: Path, *, plan_sha256: str | None = None, workers: int | None = None
) -> list[Fault]:
    """Return every fault of a mixture, by file name; nothing when each byte is as it was written.

    The manifest must be that of a plan, if one is given: nothing else vouches for its digest.
    Hashes with `workers` threads (default: one for each processor), and looks for the damaged
    samples of a shard that has other bytes than its receipt says.
    """
    manifest, faults = _manifest(folder)
    if manifest is not None and plan_sha256 not in (None, manifest.plan):
        faults.append(Fault(MANIFEST, "disagrees", "is that of another plan"))
    there = {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()
    there = {name for name in there if not name.startswith(".")}  # as a killed build leaves them
    names = {name for name in there if name.endswith(".tar")}
    if manifest is not None:
        names = set(manifest.shards)
        faults += [*_foreign(there, names), *_wrong_receipts(folder, manifest)]
    faults += _lacking(folder, names, there)
    listed, keys = {}, array("q")
    for name in sorted(names):
        if (receipt := read_receipt(folder, name)) is not None:
            faults += _contradictions(name, receipt)
            keys.extend(hash(sample.key) for sample in receipt.samples)
            listed[name] = _Listed(receipt.count, receipt.bytes, receipt.sha256)
    if manifest is not None and listed.keys() == manifest.shards.keys():
        faults += _totals(manifest, listed)
    faults += _repeated(folder, listed, keys)
    faults += _damages(folder, {name: listed[name] for name in listed if name in there}, workers)
    return sorted(faults, key=lambda fault: (fault.file, fault.kind, fault.detail))


def _manifest(folder: Path) -> tuple[Manifest | None, list[Fault]]:
    try:
        with explained(folder / MANIFEST, "read", instead="folder"):
            written = (folder / MANIFEST).read_bytes() if (folder / MANIFEST).exists() else None
        if written is None:
            return None, [_UNFINISHED]
        manifest = Manifest.model_validate_json(written)
    except ValidationError:
        return None, [Fault(MANIFEST, "unreadable", "is damaged: build the mixture again")]
    if written != manifest_text(manifest).encode():
        return manifest, [Fault(MANIFEST, "changed", "is not written as a build writes it")]
    return manifest, []


def _foreign(there: set[str], names: set[str]) -> Iterator[Fault]:
    """Yield the shards and receipts that the manifest does not know."""
    known = names | {receipt_path(Path(), name).name for name in names}
    for name in there - known:
        if name.endswith((".tar", RECEIPT)):
            yield Fault(name, "foreign", "is not in the manifest")


def _wrong_receipts(folder: Path, manifest: Manifest) -> Iterator[Fault]:
    for name, sha256 in manifest.shards.items():
        path = receipt_path(folder, name)
        if path.is_file() and _digest(path) != sha256:
            yield Fault(path.name, "changed", "is not the receipt that the manifest lists")


def _lacking(folder: Path, names: set[str], there: set[str]) -> Iterator[Fault]:
    for name in names:
        receipt = receipt_path(folder, name)
        if name not in there:
            yield Fault(name, "missing", "is missing")
        if receipt.name not in there:
            yield Fault(receipt.name, "missing", "is missing: its shard was never finished")
        elif read_receipt(folder, name) is None:
            yield Fault(receipt.name, "unreadable", "cannot be read as a receipt")


def _contradictions(name: str, receipt: Receipt) -> Iterator[Fault]:
    """Yield what a receipt says that cannot be so, whatever its shard holds."""
    file = receipt_path(Path(), name).name
    if receipt.shard != name:
        yield Fault(file, "swapped", f"is the receipt of {receipt.shard}")
    place = 0
    for sample in receipt.samples:
        if sample.offset != place:
            yield Fault(file, "disagrees", "has a gap between its samples", (sample.key,))
            return
        place += sample.size
    if len(receipt.samples) != receipt.count or place + len(END) != receipt.bytes:
        yield Fault(file, "disagrees", "has other totals than its samples give")


def _totals(manifest: Manifest, listed: dict[str, _Listed]) -> Iterator[Fault]:
    samples = sum(one.count for one in listed.values())
    size = sum(one.bytes for one in listed.values())
    if (samples, size) != (manifest.samples, manifest.bytes):
        yield Fault(MANIFEST, "disagrees", "has other totals than the receipts give")


def _repeated(folder: Path, names: Iterable[str], hashes: "array[int]") -> Iterator[Fault]:
    """Yield the keys that stand more than once in the mixture, by shard, if there may be any."""
    if len(np.unique(np.frombuffer(hashes, np.int64))) == len(hashes):
        return
    counts: Counter[str] = Counter()
    for name in names:
        counts.update(_keys(folder, name))
    for name in names:
        twice = tuple(key for key in _keys(folder, name) if counts[key] > 1)
        if twice:
            yield Fault(name, "disagrees", "has keys that come twice in the mixture", twice)


def _keys(folder: Path, name: str) -> list[str]:
    receipt = read_receipt(folder, name)
    return [sample.key for sample in receipt.samples] if receipt else []


def _damages(folder: Path, listed: dict[str, _Listed], workers: int | None) -> Iterator[Fault]:
    """Hash every shard and yield those that have other bytes than their receipt says."""
    owners = {one.sha256: name for name, one in listed.items()}
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as threads:
        digests = threads.map(_digest, [folder / name for name in listed])
        for (name, one), found in zip(listed.items(), digests, strict=True):
            if found != one.sha256 and (receipt := read_receipt(folder, name)) is not None:
                yield _damage(folder / name, receipt, owners.get(found))


def _digest(path: Path) -> str:
    with explained(path, "read", instead="folder"):
        return file_digest(path)


def _damage(path: Path, receipt: Receipt, owner: str | None) -> Fault:
    """Say what happened to a shard whose bytes are not those of its receipt."""
    if owner is not None:
        keys = tuple(sample.key for sample in receipt.samples)
        return Fault(path.name, "swapped", f"holds the bytes of {owner}", keys)
    size = path.stat().st_size
    samples = damaged_samples(path, receipt)
    if size < receipt.bytes:
        detail = f"is cut: it has {size:,} of {receipt.bytes:,} bytes"
        return Fault(path.name, "cut", detail, samples)
    if size > receipt.bytes:
        detail = f"has {size - receipt.bytes:,} bytes too many"
        return Fault(path.name, "grown", detail, samples)
    what = "has changed bytes" + ("" if samples else " in its end mark")
    return Fault(path.name, "changed", what, samples)

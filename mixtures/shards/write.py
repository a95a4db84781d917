"""Write a shard so that it exists whole or not at all: the tar, then its receipt; manifest last.

The order is that of `core.files`: a temporary file beside, synced, renamed, the folder synced.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from imagewikiqa.core.digests import canonical_json, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish_text, published, sync_folder
from imagewikiqa.core.runs import pretty
from imagewikiqa.mixtures.records import Manifest, Receipt, ShardSample
from imagewikiqa.mixtures.shards.archive import Archive
from imagewikiqa.mixtures.shards.hashing import Follower

MANIFEST = "manifest.json"
RECEIPT = ".receipt.json"


def shard_name(mixture: str, number: int) -> str:
    """Return the file name of a shard, as in train-000012.tar."""
    return f"{mixture}-{number:06d}.tar"


def receipt_path(folder: Path, name: str) -> Path:
    """Return where the receipt of the shard `name` lies: train-000012.receipt.json beside it."""
    return folder / f"{name.removesuffix('.tar')}{RECEIPT}"


def read_receipt(folder: Path, name: str) -> Receipt | None:
    """Return the receipt of a shard; None where there is none, or what is there is none.

    Raises ToolkitError when the system refuses to read it.
    """
    path = receipt_path(folder, name)
    try:
        with explained(path, "read", instead="folder"):
            return Receipt.model_validate_json(path.read_bytes()) if path.exists() else None
    except ValidationError:
        return None


def is_done(folder: Path, name: str, plan_sha256: str) -> bool:
    """Return whether a shard of this plan stands in a folder: its receipt and its size tell.

    The receipt is written after the shard is on disk, so no kill leaves one that lies; what the
    disk does to the bytes afterwards is found by `verify_mixture`.
    """
    receipt = read_receipt(folder, name)
    if receipt is None or receipt.shard != name or receipt.plan != plan_sha256:
        return False
    try:
        return (folder / name).stat().st_size == receipt.bytes
    except FileNotFoundError:
        return False


def write_shard(
    folder: Path, name: str, samples: Iterable[ShardSample], plan_sha256: str
) -> Receipt:
    """Write a shard and its receipt, and return the receipt; what stood there is replaced.

    Bytes depend on the samples alone, not on whether their files are given as bytes or as spans.
    Raises ToolkitError for no sample, a key that comes twice, a span that is cut or missing, an
    image other than planned, and what the disk refuses. No exception leaves a shard or a receipt.
    """
    _withdraw(receipt_path(folder, name))
    path = folder / name
    with published(path) as stream:
        descriptor = stream.fileno()
        with Follower(descriptor, name) as follower, Archive(descriptor, path, follower) as archive:
            for sample in samples:
                archive.add(sample)
            if not archive.place:
                raise ToolkitError(f"the shard {name} has no sample: plan the mixture again")
            size = archive.end()
            with explained(path, "write"):
                sha256, receipts = follower.finish()
    receipt = Receipt.model_validate({  # all samples in one call: each its own takes ten times that
        "shard": name, "count": len(receipts), "bytes": size, "sha256": sha256,
        "plan": plan_sha256, "samples": receipts,
    })  # fmt: skip
    publish_text(receipt_path(folder, name), canonical_json(receipt) + "\n")
    return receipt


def write_manifest(folder: Path, names: Sequence[str], plan_sha256: str) -> Manifest:
    """Write the manifest over the receipts of all shards, and return it; the last file of a build.

    Raises ToolkitError for a shard without a receipt of its own.
    """
    totals: list[tuple[int, int]] = []
    lacking: list[str] = []
    for name in sorted(names):  # one receipt in memory at a time: each lists all its samples
        one = read_receipt(folder, name)
        if one is None or one.shard != name:
            lacking.append(name)
        else:
            totals.append((one.count, one.bytes))
    if lacking:
        raise ToolkitError(
            f"{len(lacking)} of {len(names)} shards in {folder} are not built, the first of"
            f" them {lacking[0]}: run the same command again"
        )
    manifest = Manifest(
        plan=plan_sha256,
        shards={name: file_digest(receipt_path(folder, name)) for name in sorted(names)},
        samples=sum(count for count, _ in totals),
        bytes=sum(size for _, size in totals),
    )
    publish_text(folder / MANIFEST, manifest_text(manifest))
    return manifest


def manifest_text(manifest: Manifest) -> str:
    """Return the one text of a manifest."""
    return pretty(manifest.model_dump(mode="json"))


def _withdraw(receipt: Path) -> None:
    """Remove an older receipt before its shard changes, so that it never stands by another one."""
    with explained(receipt, "replace"):
        if receipt.exists():
            receipt.unlink()
            sync_folder(receipt.parent)

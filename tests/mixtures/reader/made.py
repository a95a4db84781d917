"""Small mixtures made with the standard library's tarfile, and the receipts that vouch for them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from imagewikiqa.core.digests import canonical_json, file_digest
from imagewikiqa.mixtures.records import Manifest, Receipt, SampleReceipt

NO_PLAN = "0" * 64
Member = tuple[tarfile.TarInfo, bytes]


def file_member(name: str, content: bytes) -> Member:
    """Return a plain file of an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def sample_members(key: str, image: bytes | None = None) -> list[Member]:
    """Return the files of one sample: bytes that stand for an image, if any, and its JSON."""
    content = json.dumps({"id": key, "source": "made", "conversations": []}).encode()
    files = [file_member(f"{key}.json", content)]
    return files if image is None else [file_member(f"{key}.jpg", image), *files]


def pixels(number: int) -> bytes:
    """Return bytes that stand for the image of a sample: of many sizes, never the same twice."""
    return hashlib.sha256(str(number).encode()).digest() * (number % 40)


def write_tar(path: Path, samples: Sequence[Sequence[Member]], tail: bytes = b"") -> Receipt:
    """Write an archive and return its receipt; `tail` stands before the zeros of its end."""
    stream, receipts = io.BytesIO(), []
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for members in samples:
            begin = stream.tell()
            for info, content in members:
                archive.addfile(info, io.BytesIO(content) if info.isreg() else None)
            receipts.append(
                SampleReceipt(
                    key=members[0][0].name.rpartition("/")[2].split(".")[0] or "none",
                    offset=begin,
                    size=stream.tell() - begin,
                    sha256=hashlib.sha256(b"".join(content for _, content in members)).hexdigest(),
                )
            )
    end = receipts[-1].offset + receipts[-1].size
    path.write_bytes(stream.getvalue()[:end] + tail + bytes(1024))
    return Receipt(
        shard=path.name,
        count=len(receipts),
        bytes=path.stat().st_size,
        sha256=file_digest(path),
        plan=NO_PLAN,
        samples=tuple(receipts),
    )


def vouch(folder: Path, receipts: Sequence[Receipt]) -> None:
    """Write the receipts of shards and the manifest over them."""
    shards = {}
    for one in receipts:
        path = folder / one.shard.replace(".tar", ".receipt.json")
        path.write_text(canonical_json(one) + "\n")
        shards[one.shard] = file_digest(path)
    manifest = Manifest(
        plan=NO_PLAN,
        shards=shards,
        samples=sum(one.count for one in receipts),
        bytes=sum(one.bytes for one in receipts),
    )
    (folder / "manifest.json").write_text(canonical_json(manifest) + "\n")


def sometimes(number: int) -> bytes | None:
    """Return the image of a sample; every third is text alone."""
    return pixels(number) if number % 3 else None


def make_mixture(
    folder: Path, counts: Sequence[int], image: Callable[[int], bytes | None] = sometimes
) -> list[str]:
    """Make a mixture with so many samples in each shard; return its keys in the shards' order."""
    folder.mkdir(parents=True, exist_ok=True)
    keys, receipts = list[str](), list[Receipt]()
    for shard, count in enumerate(counts):
        samples = []
        for _ in range(count):
            number = len(keys)
            keys.append(f"k{number:06d}")
            samples.append(sample_members(keys[-1], image(number)))
        receipts.append(write_tar(folder / f"made-{shard:06d}.tar", samples))
    vouch(folder, receipts)
    return keys

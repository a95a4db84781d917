"""A bad shard is refused in one sentence, before a sample of it is used."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import load
from imagewikiqa.mixtures.reader.sample import BadSampleError, read_sample
from imagewikiqa.mixtures.records import Receipt
from tests.mixtures.reader.made import (
    Member,
    file_member,
    make_mixture,
    sample_members,
    vouch,
    write_tar,
)  # fmt: skip


def read_all(folder: Path, check: str = "shard") -> list[str]:
    mixture = load(folder, cache=folder.parent / "cache", check=check)  # type: ignore[arg-type]
    return [sample.key for sample in mixture]


def refused(folder: Path, check: str = "shard") -> tuple[str, list[str]]:
    """Return the one sentence and the keys that were read before it."""
    seen: list[str] = []
    with pytest.raises(ToolkitError) as caught:
        for sample in load(folder, cache=folder.parent / "cache", check=check):  # type: ignore[arg-type]
            seen.append(sample.key)
    said = str(caught.value)
    assert "\n" not in said and len(said) < 1000
    return said, seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_mixture(tmp_path / "m", (4, 9, 6))  # keys 4 to 12 lie in the second shard
    return tmp_path / "m"


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 16
    path.write_bytes(content)


@pytest.mark.parametrize("place", range(0, 9000, 601))
def test_a_flipped_bit_is_found_before_a_sample_of_its_shard_is_used(
    folder: Path, place: int
) -> None:
    flip(folder / "made-000001.tar", place)
    said, seen = refused(folder)
    assert "made-000001.tar" in said and "other bytes" in said
    assert not {f"k{number:06d}" for number in range(4, 13)} & set(seen)


def test_a_flipped_bit_in_a_sample_is_found_in_that_sample(folder: Path) -> None:
    receipt = Receipt.model_validate_json((folder / "made-000001.receipt.json").read_bytes())
    flip(folder / "made-000001.tar", receipt.samples[3].offset + 512)
    said, seen = refused(folder, check="sample")
    assert "sample 3 of the shard" in said and "not those of its receipt" in said
    assert receipt.samples[3].key not in seen


def test_a_copy_that_was_right_is_hashed_anew_when_it_changes(folder: Path) -> None:
    path = folder / "made-000001.tar"
    before = path.stat()
    read_all(folder)
    flip(path, 1000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a careless copy would
    assert "other bytes" in refused(folder)[0]


def test_a_copy_is_hashed_once(folder: Path) -> None:
    read_all(folder)
    (cache,) = (folder.parent / "cache").glob("*.right")
    size = cache.stat().st_size
    cache.write_bytes(cache.read_bytes() + b"0123")  # what a kill may leave
    read_all(folder)
    assert cache.stat().st_size == size + 4


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(512))


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def swap(path: Path) -> None:
    other = path.with_name(path.name.replace("000001", "000002"))
    held = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(held)


def replace_by_text(path: Path) -> None:
    path.write_text("{}")


HARMS: list[Callable[[Path], None]] = [
    cut, lengthen, make_pipe, make_folder, link_to_device, swap, replace_by_text, Path.unlink,
]  # fmt: skip


@pytest.mark.parametrize("check", ["size", "shard", "sample"])
@pytest.mark.parametrize("name", ["made-000001.tar", "made-000001.receipt.json", "manifest.json"])
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_what_is_cut_missing_swapped_or_no_file_is_refused(
    folder: Path, harm: Callable[[Path], None], name: str, check: str
) -> None:
    if harm is swap and name == "manifest.json":
        return  # there is one
    warm = check == "size"  # the receipts were read once before the harm came
    if warm:
        read_all(folder)
    harm(folder / name)
    said, seen = refused(folder, check)
    assert str(folder) in said
    assert not {f"k{number:06d}" for number in range(4, 13)} & set(seen)


def test_a_shard_outside_the_manifest_is_not_read(folder: Path) -> None:
    samples = [sample_members("stranger")]
    write_tar(folder / "made-000003.tar", samples)
    assert "stranger" not in read_all(folder) and len(read_all(folder)) == 19


def test_a_shard_that_changes_while_it_is_read_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagewikiqa.mixtures.reader.shards._OPEN_AT_ONCE", 1)
    assert len(read_all(folder)) == 19  # each shard is closed and opened many times
    seen = []
    with pytest.raises(ToolkitError, match="changed while it was read|other bytes"):
        for sample in load(folder, cache=folder.parent / "cache"):
            seen.append(sample.key)
            if len(seen) == 12:
                for path in folder.glob("*.tar"):
                    flip(path, 600)


@pytest.mark.parametrize(
    "name", ["../m/made-000001.tar", "pipe:touch ran", "https://example.org/a.tar", "/etc/a.tar",
             ".made-000001.tar", "made-000001.tar\n", "a\x00.tar", "made.pickle"],
)  # fmt: skip
def test_a_manifest_names_only_files_of_its_folder(folder: Path, name: str) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["shards"][name] = manifest["shards"].pop("made-000001.tar")
    path.write_text(json.dumps(manifest))
    assert "manifest.json cannot be read" in refused(folder)[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [("count", 3), ("shard", "made-000002.tar"), ("bytes", 10**6), ("samples", []),
     ("version", "x"), ("surprise", 1)],
)  # fmt: skip
def test_a_receipt_that_contradicts_itself_is_refused(
    folder: Path, field: str, value: object
) -> None:
    receipts = []
    for path in sorted(folder.glob("*.receipt.json")):
        receipts.append(json.loads(path.read_text()))
    path = folder / "made-000001.receipt.json"
    path.write_text(json.dumps({**receipts[1], field: value}))
    renew_manifest(folder)
    assert "made-000001" in refused(folder)[0]


def renew_manifest(folder: Path) -> None:
    """Let the manifest vouch for the receipts as they lie there."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in manifest["shards"]:
        digest = subprocess.run(
            ["sha256sum", folder / name.replace(".tar", ".receipt.json")],
            capture_output=True, text=True, check=True,
        ).stdout.split()[0]  # fmt: skip
        manifest["shards"][name] = digest
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "change", [{"offset": 512}, {"size": 512}, {"size": 1 << 40}, {"size": 700}]
)
def test_places_that_leave_a_gap_are_refused(folder: Path, change: dict[str, int]) -> None:
    path = folder / "made-000001.receipt.json"
    receipt = json.loads(path.read_text())
    receipt["samples"][2].update(change)
    path.write_text(json.dumps(receipt))
    renew_manifest(folder)
    assert "not next to" in refused(folder)[0]


def test_keys_that_come_twice_or_are_others_are_refused(folder: Path) -> None:
    path = folder / "made-000001.receipt.json"
    receipt = json.loads(path.read_text())
    was = receipt["samples"][2]["key"]
    for key, said in ((receipt["samples"][1]["key"], "a key twice"), ("other", "its key")):
        receipt["samples"][2]["key"] = key
        path.write_text(json.dumps(receipt))
        renew_manifest(folder)
        assert said in refused(folder)[0]
    receipt["samples"][2]["key"] = was


def special(name: str, kind: bytes, target: str = "", size: int = 0) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info, b""


def text(name: str, content: bytes = b"{}") -> Member:
    return file_member(name, content)


HOSTILE: dict[str, Sequence[Member]] = {
    "parent folder": [text("../k.json")],
    "absolute": [text("/tmp/k.json")],
    "folder": [text("a/k.json")],
    "symbolic link": [special("k.jpg", tarfile.SYMTYPE, "/etc/passwd"), text("k.json")],
    "hard link": [special("k.jpg", tarfile.LNKTYPE, "/etc/passwd"), text("k.json")],
    "character device": [special("k.jpg", tarfile.CHRTYPE), text("k.json")],
    "block device": [special("k.jpg", tarfile.BLKTYPE), text("k.json")],
    "pipe": [special("k.jpg", tarfile.FIFOTYPE), text("k.json")],
    "directory": [special("k", tarfile.DIRTYPE), text("k.json")],
    "sparse": [special("k.jpg", tarfile.GNUTYPE_SPARSE), text("k.json")],
    "contiguous": [special("k.jpg", tarfile.CONTTYPE), text("k.json")],
    "extended header": [special("k.jpg", tarfile.XHDTYPE), text("k.json")],
    "global header": [special("k.jpg", tarfile.XGLTYPE), text("k.json")],
    "long name": [special("k.jpg", tarfile.GNUTYPE_LONGNAME), text("k.json")],
    "long link": [special("k.jpg", tarfile.GNUTYPE_LONGLINK), text("k.json")],
    "extended bomb": [special("k.jpg", tarfile.XHDTYPE, size=8**11 - 1), text("k.json")],
    "global bomb": [special("k.jpg", tarfile.XGLTYPE, size=8**11 - 1), text("k.json")],
    "long name bomb": [special("k.jpg", tarfile.GNUTYPE_LONGNAME, size=8**11 - 1), text("k.json")],
    "of Solaris": [special("k.jpg", tarfile.SOLARIS_XHDTYPE), text("k.json")],
    "volume label": [special("k.jpg", b"V"), text("k.json")],
    "second volume": [special("k.jpg", b"M"), text("k.json")],
    "listing": [special("k.jpg", b"D"), text("k.json")],
    "of version 7": [special("k.jpg", tarfile.AREGTYPE), text("k.json")],
    "two JSON": [text("k.json"), text("k.json")],
    "two images": [text("k.jpg"), text("k.jpg"), text("k.json")],
    "an image and another": [text("k.jpg"), text("k.png"), text("k.json")],
    "image last": [text("k.json"), text("k.jpg")],
    "no JSON": [text("k.jpg")],
    "of two keys": [text("k.jpg"), text("l.json")],
    "dots": [text("k.tar.json")],
    "hidden": [text(".json")],
    "only dots": [text("..")],
    "pickle": [text("k.pkl"), text("k.json")],
    "pickled": [text("k.pickle")],
    "pyd": [text("k.pyd"), text("k.json")],
    "torch": [text("k.pth"), text("k.json")],
    "npy": [text("k.npy"), text("k.json")],
    "capitals": [text("k.JPG"), text("k.json")],
    "script": [text("k.sh"), text("k.json")],
    "no extension": [text("k"), text("k.json")],
    "deep JSON": [text("k.json", b'{"a":' + b"[" * 10**6 + b"]" * 10**6 + b"}")],
    "not JSON": [text("k.json", b"\x80\x04.")],
    "empty JSON": [text("k.json", b"")],
    "not UTF-8": [text("k.json", b'{"a": "\xff"}')],
    "list": [text("k.json", b"[]")],
    "number": [text("k.json", b"1")],
    "NaN": [text("k.json", b'{"a": NaN}')],
    "huge number": [text("k.json", b'{"a": ' + b"9" * 10**6 + b"}")],
    "trailing": [text("k.json", b"{} {}")],
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_member_is_refused_and_does_nothing(tmp_path: Path, case: str) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    vouch(folder, [write_tar(folder / "bad-000000.tar", [HOSTILE[case]])])
    before = sorted(tmp_path.rglob("*"))
    said, seen = refused(folder, check="sample")
    assert "bad-000000.tar is bad" in said and seen == []
    left = [path for path in sorted(tmp_path.rglob("*")) if "cache" not in path.parts]
    assert left == before


def test_members_after_the_last_sample_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    hidden = tarfile.TarInfo("extra.json").tobuf(tarfile.USTAR_FORMAT)
    vouch(folder, [write_tar(folder / "bad-000000.tar", [sample_members("k")], tail=hidden)])
    assert "goes on after its last sample" in refused(folder, check="size")[0]


def test_a_million_members_and_bombs_fill_no_memory(tmp_path: Path) -> None:
    code = f"""
import resource, sys
from pathlib import Path
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import load
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    list(load(Path({str(tmp_path / "m")!r}), cache=Path({str(tmp_path / "cache")!r})))
except ToolkitError as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""
    folder = tmp_path / "m"
    make_mixture(folder, (3,))
    shard, receipt = folder / "made-000000.tar", folder / "made-000000.receipt.json"
    with shard.open("r+b") as stream:  # a sparse file of a million empty headers
        stream.truncate(512 * 10**6)
    assert said_by(code)[0] < 60_000
    make_mixture(folder, (3,))
    content = json.loads(receipt.read_text())
    content["samples"] *= 200_000
    receipt.write_text(json.dumps(content))
    renew_manifest(folder)
    grown, said = said_by(code)
    assert grown < 60_000 and "more than" in said
    with (folder / "manifest.json").open("r+b") as stream:
        stream.truncate(1 << 40)
    grown, said = said_by(code)
    assert grown < 60_000 and "more than" in said


def said_by(code: str) -> tuple[int, str]:
    """Return by how many kB a process grew, and the sentence that it ended with."""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    grown, _, said = answer.stdout.partition(" ")
    return int(grown), said


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=64), st.integers(0, 2047), st.booleans())
def test_any_bytes_give_a_sample_or_a_sentence(
    tmp_path: Path, noise: bytes, place: int, damaged: bool
) -> None:
    shard = tmp_path / "made-000000.tar"
    whole = write_tar(shard, [sample_members("k", b"pixels")]).samples[0].size
    content = bytearray(shard.read_bytes())
    content[place : place + len(noise)] = noise
    shard.write_bytes(content if damaged else noise * 40)
    descriptor = os.open(shard, os.O_RDONLY)
    try:
        read_sample(descriptor, 0, whole)
    except BadSampleError as error:
        assert str(error)
    finally:
        os.close(descriptor)


def test_a_damaged_index_is_named(folder: Path) -> None:
    read_all(folder)
    (index,) = (folder.parent / "cache").glob("*.index")
    for content in (b"", b"x" * 100, index.read_bytes()[:-1], index.read_bytes()[60:]):
        index.write_bytes(content)
        assert f"{index} is damaged" in refused(folder)[0]


def test_a_cache_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder.parent / "cache").write_text("")
    assert "IMAGEWIKIQA_CACHE" in refused(folder)[0]

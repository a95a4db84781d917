"""Archives are read in place in stretches that add up; what is hostile in them is rejected."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.imagesets import archives
from imagewikiqa.builders.imagesets.archives import Packed, TarPart, read_members, tar_parts
from imagewikiqa.builders.imagesets.entries import Entry
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import put, tarred, tgz, zipped


def read(part: TarPart) -> list[tuple[str, str, bytes]]:
    return [
        (entry.name, entry.problem.reason if entry.problem else "", entry.read())
        for entry in part.entries()
    ]


@given(st.lists(st.sampled_from("abcdef"), max_size=12), st.integers(1, 4))
def test_stretches_of_a_tar_add_up_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], chunk: int
) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number, name in enumerate(names):
            info = tarfile.TarInfo(name * 150)  # a long name has a header of its own
            info.size = number
            archive.addfile(info, io.BytesIO(b"x" * number))
    path = put(tmp_path_factory.mktemp("tar"), {"x.tar": stream.getvalue()}) / "x.tar"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "CHUNK", chunk)
        parts = tar_parts(path, "val/")
    assert len(parts) == -(-len(names) // chunk)
    assert len({part.id for part in parts}) == len(parts)
    rows = [row for part in parts for row in read(part)]
    again = "same name again in the archive"
    assert rows == [
        (f"val/{name * 150}", again if name in names[:number] else "", b"x" * number)
        for number, name in enumerate(names)
    ]
    tags = [entry.name + entry.tag for part in parts for entry in part.entries() if entry.problem]
    assert len(set(tags)) == len(tags)


def hostile() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in (
            "../up.jpg",
            "/etc/abs.jpg",
            "a/../../b.jpg",
            "C:\\x.jpg",
            "./fine.jpg",
            "a\tb",
        ):
            info = tarfile.TarInfo(name)
            info.size = 2
            archive.addfile(info, io.BytesIO(b"ok"))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.BLKTYPE):
            info = tarfile.TarInfo("fine.jpg" if kind == tarfile.LNKTYPE else f"k{kind.decode()}")
            info.type, info.linkname = kind, "../../secret"
            archive.addfile(info)
        info = tarfile.TarInfo("caf\udce9.jpg")
        archive.addfile(info)
    return stream.getvalue()


def test_paths_links_and_devices_that_lead_out_are_rejected(tmp_path: Path) -> None:
    path = put(tmp_path, {"x.tgz": gzip.compress(hostile())}) / "x.tgz"
    rows = {}
    for entry in TarPart(id="x", archive=Packed(path=path)).entries():
        rows[entry.name + entry.tag] = entry.problem.reason if entry.problem else ""
    tag = next(name for name in rows if name.startswith("fine.jpg@"))
    assert rows == {
        "../up.jpg": "path leads out of the set",
        "/etc/abs.jpg": "path leads out of the set",
        "a/../../b.jpg": "path leads out of the set",
        "C:\\x.jpg": "path leads out of the set",
        "fine.jpg": "",
        "a\tb": "control character in the name",
        "k2": "link in the archive",
        tag: "same name again in the archive",
        "k4": "device in the archive",
        "caf\udce9.jpg": "file name is not UTF-8",
    }


def test_a_member_of_too_many_bytes_is_rejected_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 4)
    path = put(tmp_path, {"x.tgz": tgz({"a": b"1234", "b": b"12345", "c": b"1"})}) / "x.tgz"
    entries: list[Entry] = list(TarPart(id="x", archive=Packed(path=path)).entries())
    assert [e.problem.reason if e.problem else "" for e in entries] == ["", "too many bytes", ""]


@pytest.mark.parametrize("cut", [1, 15, 200, 500])
def test_a_cut_or_damaged_gzip_is_refused(tmp_path: Path, cut: int) -> None:
    whole = tgz({f"{n}.jpg": bytes(range(256)) * n for n in range(9)})
    path = put(tmp_path, {"x.tgz": whole[: len(whole) - cut]}) / "x.tgz"
    with pytest.raises(ToolkitError, match="x.tgz is cut"):
        read(TarPart(id="x", archive=Packed(path=path)))
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    put(tmp_path, {"x.tgz": bytes(broken)})
    with pytest.raises(ToolkitError, match="x.tgz is (cut|no tar)"):
        read(TarPart(id="x", archive=Packed(path=path)))


def test_a_tar_within_a_zip_is_read_in_place(tmp_path: Path) -> None:
    inner = {"a/x.tar.gz": tgz({"1.jpg": b"one"}), "a/y.tar": tarred({"2.jpg": b"two"})}
    path = put(tmp_path, {"x.zip": zipped(inner)}) / "x.zip"
    assert read(TarPart(id="x", archive=Packed(path=path, inner="a/x.tar.gz"))) == [
        ("1.jpg", "", b"one")
    ]
    assert read(TarPart(id="x", archive=Packed(path=path, inner="a/y.tar"))) == [
        ("2.jpg", "", b"two")
    ]
    with pytest.raises(ToolkitError, match="x.zip:none cannot be unpacked"):
        read(TarPart(id="x", archive=Packed(path=path, inner="none")))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.zip"]


def test_an_annotation_of_absurd_size_in_an_archive_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, {"x.tgz": tgz({"a.mat": bytes(10_000), "b": b"b"})}) / "x.tgz"
    assert read_members(Packed(path=path), {"b", "none"}, most=100) == {"b": b"b"}
    with pytest.raises(ToolkitError, match="a.mat in the archive x.tgz has 10,000 bytes, far more"):
        read_members(Packed(path=path), {"a.mat"}, most=100)


def test_a_missing_archive_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="the archive none.tgz cannot be read"):
        read(TarPart(id="x", archive=Packed(path=tmp_path / "none.tgz")))

"""Tars are walked as `tarfile` reads them, but a cut or hostile one is never taken for a whole."""

import contextlib
import io
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.imagesets.tars import BLOCK, Member, TarStream, members
from imagewikiqa.core.errors import ToolkitError

NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1)
LONG = st.text("abc/é日", min_size=90, max_size=300).map(lambda text: f"x{text}x")
FILES = st.lists(st.tuples(NAMES | LONG, st.binary(max_size=1200)), max_size=6)
FORMATS = st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


def tar(files: list[tuple[str, bytes]], kind: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=kind) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def walk(data: bytes, seekable: bool = True) -> Iterator[tuple[Member, bytes]]:
    stream = TarStream(io.BytesIO(data), "x.tar", stop=len(data) if seekable else None)
    for member in members(stream):
        yield member, stream.read(member.size)


@given(FILES, FORMATS, st.booleans())
def test_names_and_bytes_are_those_that_tarfile_reads(
    files: list[tuple[str, bytes]], kind: int, seekable: bool
) -> None:
    data = tar(files, kind)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [(info.name, info.size) for info in archive if not info.isdir()]
    found = list(walk(data, seekable))
    assert [(m.name.rstrip("/"), m.size) for m, _ in found] == expected
    assert [body for _, body in found] == [body for name, body in files][: len(found)]
    assert all(data[m.data : m.data + m.size] == body for m, body in found)


@given(FILES, FORMATS, st.data())
def test_a_tar_cut_anywhere_before_its_end_mark_is_refused(
    files: list[tuple[str, bytes]], kind: int, draw: st.DataObject
) -> None:
    data = tar(files, kind)
    end = max((-(-(m.data + m.size) // BLOCK) * BLOCK for m, _ in walk(data)), default=0)
    cut = draw.draw(st.integers(0, end + BLOCK - 1))
    for seekable in (True, False):
        with pytest.raises(ToolkitError, match=r"x\.tar is cut after|no tar at byte"):
            list(walk(data[:cut], seekable))


@given(FILES, st.data())
def test_members_may_be_passed_over_unread(
    files: list[tuple[str, bytes]], draw: st.DataObject
) -> None:
    data = tar(files)
    for seekable in (True, False):
        stream = TarStream(io.BytesIO(data), "x", stop=len(data) if seekable else None)
        found = [m for m in members(stream) if not draw.draw(st.booleans()) or stream.read(m.size)]
        whole = [m for m, _ in walk(data)]
        assert [m.header for m in whole if m in found] == [m.header for m in found]
        assert stream.place >= (found[-1].data if found else 0)


@given(st.binary(max_size=3000))
def test_any_bytes_end_in_members_or_one_sentence(data: bytes) -> None:
    with contextlib.suppress(ToolkitError):
        list(walk(data))


@given(FILES, st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4))
def test_damaged_bytes_end_in_members_or_one_sentence(
    files: list[tuple[str, bytes]], damage: list[tuple[int, int]]
) -> None:
    data = bytearray(tar(files))
    for place, value in damage:
        data[place % len(data)] = value
    for seekable in (True, False):
        with contextlib.suppress(ToolkitError):
            list(walk(bytes(data), seekable))


def test_links_and_devices_are_named_for_what_they_are() -> None:
    stream = io.BytesIO()
    kinds = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for kind in [*kinds, b"Z"]:
            info = tarfile.TarInfo(f"n{kind.decode()}")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    found = {member.name: member.problem for member, _ in walk(stream.getvalue())}
    assert found == {
        "n2": "link in the archive",
        "n1": "link in the archive",
        "n3": "device in the archive",
        "n6": "device in the archive",
        "nZ": "not a file",
    }


def header(kind: bytes, size: int, body: bytes = b"") -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % BLOCK)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (header(tarfile.XHDTYPE, 1 << 33), "an extended header claims 8,589,934,592 bytes"),
        (header(tarfile.GNUTYPE_LONGNAME, 2 << 20), "an extended header claims 2,097,152 bytes"),
        (header(tarfile.GNUTYPE_SPARSE, 0), "it holds a sparse file"),
        (header(tarfile.XHDTYPE, 9, b"99 path=x"), "an extended header is malformed"),
        (header(tarfile.XHDTYPE, 9, b"0 path=xx"), "an extended header is malformed"),
        (header(tarfile.XHDTYPE, 11, b"11 size=-1\n"), "sparse or of no readable size"),
        (header(tarfile.XHDTYPE, 22, b"22 GNU.sparse.major=1\n"), "sparse or of no readable size"),
        (b"<html>" * 100, "bad checksum|invalid header"),
    ],
)
def test_hostile_headers_are_refused_before_they_cost_memory(data: bytes, words: str) -> None:
    with pytest.raises(ToolkitError, match=words):
        list(walk(data + bytes(4 * BLOCK)))


def test_a_member_that_claims_more_than_the_archive_holds_is_refused() -> None:
    data = header(tarfile.REGTYPE, 1 << 40) + bytes(8 * BLOCK)
    for seekable in (True, False):
        with pytest.raises(ToolkitError, match="is cut after"):
            for _ in members(
                TarStream(io.BytesIO(data), "x", stop=len(data) if seekable else None)
            ):
                pass


def test_size_of_an_extended_header_counts() -> None:
    records = b"12 size=600\n"
    info = tarfile.TarInfo("big")
    start = header(tarfile.XHDTYPE, len(records), records) + info.tobuf(tarfile.GNU_FORMAT)
    data = start + b"x" * 600 + bytes(424) + bytes(2 * BLOCK)
    [(member, body)] = walk(data)
    assert (member.name, member.size, body) == ("big", 600, b"x" * 600)

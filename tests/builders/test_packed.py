"""Packed files are read like the library reads them, and their streams are found unread."""

import bz2
import gzip
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders import packed
from imagewikiqa.builders.packed import Slice, ahead, contents, first_stream, inflate, stream_starts

PARTS = st.lists(st.binary(max_size=80), min_size=1, max_size=6)


@given(parts=PARTS, tail=st.sampled_from([b"", b"\0\0\0", b"junk", b"BZx"]))
def test_streams_are_unpacked_as_the_library_unpacks_them(parts: list[bytes], tail: bytes) -> None:
    data = b"".join(map(bz2.compress, parts)) + tail
    assert b"".join(inflate(io.BytesIO(data))) == bz2.open(io.BytesIO(data)).read()
    if tail:
        with pytest.raises(OSError, match="bytes of none"):
            list(inflate(io.BytesIO(data), strict=True))


@given(parts=PARTS, window=st.integers(10, 120))
def test_every_stream_with_content_is_found_through_any_window(
    parts: list[bytes], window: int
) -> None:
    streams = [bz2.compress(part) for part in parts]
    at = [sum(map(len, streams[:number])) for number in range(len(streams))]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_SCANNED", window)
        path = Path(folder) / "x.bz2"
        path.write_bytes(b"".join(streams))
        expected = [begin for begin, part in zip(at, parts, strict=True) if part]
        assert list(stream_starts(path, 0)) == expected
        later = [begin for begin in expected if begin >= len(streams[0])]
        assert list(stream_starts(path, len(streams[0]))) == later
        assert first_stream(path, 100) == (parts[0], len(streams[0]))
        if parts[0]:
            assert first_stream(path, len(parts[0]) - 1) is None


@pytest.mark.parametrize("data", [b"", b"no bz2", bz2.compress(b"x" * 999)[:-3]])
def test_what_is_no_whole_stream_is_an_error(data: bytes) -> None:
    with pytest.raises((EOFError, OSError)):
        list(inflate(io.BytesIO(data)))


def test_large_content_comes_in_pieces(tmp_path: Path) -> None:
    text = b"0" * 5_000_000
    for name, data in {"a.bz2": bz2.compress(text), "a.gz": gzip.compress(text), "a": text}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with path.open("rb") as stream:
            pieces = list(contents(path, stream))
        assert b"".join(pieces) == text
        assert max(map(len, pieces)) <= packed.PIECE


def test_a_slice_ends_where_it_is_told() -> None:
    part = Slice(io.BytesIO(b"0123456789"), 3, 8)
    assert [part.read(2), part.read(9), part.read(1)] == [b"34", b"567", b""]


def test_what_is_made_ahead_arrives_in_order_with_its_error() -> None:
    assert list(ahead(iter(range(9)))) == list(range(9))
    made = ahead(1 / number for number in (1, 0))
    assert next(made) == 1
    with pytest.raises(ZeroDivisionError):
        next(made)

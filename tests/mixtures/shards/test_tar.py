"""A header is what tarfile would write of the same name and size, and refuses what ustar lacks."""

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.shards.tar import LARGEST, header, padded, padding

NAMES = st.from_regex(r"[0-9a-z_-]{1,95}\.(jpg|json)", fullmatch=True)


def by_tarfile(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


@given(name=NAMES, size=st.one_of(st.integers(0, 3000), st.integers(0, LARGEST)))
def test_a_header_is_that_of_tarfile(name: str, size: int) -> None:
    assert header(name, size) == by_tarfile(name, size)


@given(size=st.integers(0, 5000))
def test_a_content_and_its_padding_fill_whole_blocks(size: int) -> None:
    assert size + len(padding(size)) == padded(size)
    assert padded(size) % 512 == 0 and padded(size) - size < 512


def test_what_a_header_cannot_hold_is_one_sentence() -> None:
    assert header("a" * 96 + ".jpg", LARGEST)
    with pytest.raises(ToolkitError, match="longer than 100 bytes.*a shorter key"):
        header("a" * 97 + ".jpg", 1)
    with pytest.raises(ToolkitError, match="less than 8 GiB"):
        header("a.jpg", LARGEST + 1)

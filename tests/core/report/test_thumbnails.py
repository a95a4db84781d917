"""Small copies of images come from files and from bytes alike, and from whole images alone."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from imagewikiqa.core.report.thumbnails import SIDE, small_copy, thumbnail


def encoded(kind: str = "JPEG", width: int = 600) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, 300), "olive").save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_bytes_and_their_file_have_the_same_small_copy(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(encoded(kind))
    small = small_copy(encoded(kind))
    assert small is not None and small == thumbnail(tmp_path, "a")
    assert small.startswith("data:image/jpeg;base64,") and len(small) < 10 * SIDE**2


@pytest.mark.parametrize("content", [b"", b"<html>", encoded()[:-40], encoded("BMP")])
def test_what_is_no_whole_image_has_none(content: bytes) -> None:
    assert small_copy(content) is None


def test_a_file_out_of_its_folder_has_none(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.jpg").write_bytes(encoded())
    assert thumbnail(tmp_path / "in", "../out.jpg") is None
    assert thumbnail(tmp_path, "nowhere.jpg") is None


def test_transparent_parts_are_shown_white() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (30, 30), (200, 10, 10, 0)).save(stream, "PNG")
    small = small_copy(stream.getvalue())
    assert small is not None
    jpeg = Image.open(io.BytesIO(base64.b64decode(small.partition(",")[2])))
    assert jpeg.getpixel((15, 15)) == (255, 255, 255)

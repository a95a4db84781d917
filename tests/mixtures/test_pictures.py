"""An image enters a shard with its own bytes, or as the recipe asks, and never larger."""

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.pictures import image_file
from imagewikiqa.mixtures.recipe import ImagePolicy
from imagewikiqa.mixtures.records import Span


def span(path: Path, kind: str, size: tuple[int, int] = (120, 80)) -> Span:
    """Write a picture behind some other bytes and return where it lies."""
    stream = io.BytesIO()
    Image.new("RGB", size, (200, 40, 90)).save(stream, kind)
    path.write_bytes(b"before" + stream.getvalue())
    return Span(path=path, offset=6, length=len(stream.getvalue()))


def opened(content: object) -> Image.Image:
    assert isinstance(content, bytes)
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_kept_images_stay_where_they_lie(kind: str, extension: str, tmp_path: Path) -> None:
    place = span(tmp_path / "a", kind)
    made = image_file(place, ImagePolicy())
    assert (made.extension, made.content) == (extension, place)


def test_an_image_that_loaders_do_not_read_becomes_a_jpeg(tmp_path: Path) -> None:
    made = image_file(span(tmp_path / "a", "GIF"), ImagePolicy())
    assert made.extension == "jpg" and opened(made.content).format == "JPEG"


@pytest.mark.parametrize(
    ("policy", "side", "size"),
    [
        ("reencode", None, (120, 80)),
        ("short_side", 40, (60, 40)),
        ("cap", 60, (60, 40)),
        ("short_side", 500, (120, 80)),
        ("cap", 500, (120, 80)),
    ],
)
def test_sizes_are_those_of_the_recipe_and_never_larger(
    policy: str, side: int | None, size: tuple[int, int], tmp_path: Path
) -> None:
    asked = ImagePolicy.model_validate({"policy": policy, "side": side})
    made = image_file(span(tmp_path / "a", "PNG"), asked)
    assert made.extension == "jpg" and opened(made.content).size == size


def test_a_new_image_is_made_from_the_planned_bytes_only(tmp_path: Path) -> None:
    place = span(tmp_path / "a", "PNG")
    planned = hashlib.sha256((tmp_path / "a").read_bytes()[6:]).hexdigest()
    asked = ImagePolicy(policy="reencode")
    assert image_file(place, asked, planned) == image_file(place, asked)
    with pytest.raises(ToolkitError, match="not the one that was planned"):
        image_file(place, asked, "0" * 64)


def test_an_image_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="cannot be read"):
        image_file(Span(path=tmp_path / "gone", length=9), ImagePolicy())

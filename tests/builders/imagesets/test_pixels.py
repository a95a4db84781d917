"""A usable image opens as RGB by one stated rule for each disposition."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from imagewikiqa.builders.imagesets.dispositions import UnusableImageError, is_usable
from imagewikiqa.builders.imagesets.exif import orientation_of
from imagewikiqa.builders.imagesets.pixels import open_rgb

from .bad_images import corpus
from .image_bytes import (
    chunk,
    coded,
    coloured,
    png,
    rebuilt,
    rows,
    segments,
    seven_passes,
    small_png,
    tiff,
    with_exif,
    without,
)
from .usable_images import PHOTO, PROFILE, SCENE, thumbnails

INK = coded(Image.new("CMYK", (16, 16), (255, 0, 0, 51)), "JPEG", quality=100)


def colour(data: bytes) -> tuple[int, ...]:
    found = open_rgb(data).getpixel((3, 3))
    assert isinstance(found, tuple)
    return found


def test_every_usable_file_of_the_corpus_opens_and_no_other() -> None:
    for one in corpus():
        if is_usable(one.disposition):
            assert open_rgb(one.data).mode == "RGB", one.name
            continue
        with pytest.raises(UnusableImageError) as caught:
            open_rgb(one.data)
        assert caught.value.disposition == one.disposition, one.name


def test_an_unusable_image_is_refused_in_one_sentence() -> None:
    with pytest.raises(UnusableImageError, match="it is truncated .*: leave it out or get it"):
        open_rgb(PHOTO[:-2])


def test_plain_pixels_are_unchanged() -> None:
    assert open_rgb(coded(SCENE, "PNG")).tobytes() == SCENE.tobytes()


def test_seven_passes_give_the_pixels_of_one() -> None:
    assert open_rgb(seven_passes(np.asarray(SCENE))).tobytes() == SCENE.tobytes()


def test_colour_profiles_and_thumbnails_change_no_pixel() -> None:
    shown = open_rgb(PHOTO).tobytes()
    assert open_rgb(coded(SCENE, "JPEG", quality=90, icc_profile=PROFILE)).tobytes() == shown
    assert {open_rgb(data).tobytes() for name, data, _ in thumbnails() if "." not in name} == {
        shown
    }


def test_ink_is_read_inverted_where_the_marker_of_adobe_stands_and_plain_elsewhere() -> None:
    assert colour(INK) == pytest.approx((0, 204, 204), abs=2)
    assert colour(without(INK, 0xEE)) == pytest.approx((51, 0, 0), abs=2)


def test_ink_in_ycck_is_ink_in_other_coordinates() -> None:
    parts = [(c, b[:-1] + b"\2" if c == 0xEE else b) for c, b in segments(INK)]
    # Stored inverted: (0, 255, 255) as Y, Cb, Cr is the light (178, 0, 225), and 51 black.
    light = (1.402 * 127, 0, 1.772 * 127)
    shown = [(255 - value) * 204 / 255 for value in light]
    assert colour(rebuilt(INK, parts)) == pytest.approx(shown, abs=2)


def test_of_16_bits_the_high_byte_is_taken() -> None:
    grey = np.array([[0x0000, 0x00FF, 0x0100, 0xABCD, 0xFFFF]], dtype=np.uint16)
    found = np.asarray(open_rgb(coded(Image.fromarray(grey), "PNG")))[0, :, 0]
    assert found.tolist() == [0, 0, 1, 0xAB, 0xFF]
    deep = np.asarray(open_rgb(png(4, 2, 16, 2, rows(4, 2, 16, 3))))
    assert deep[0].reshape(-1).tolist() == list(range(0, 24, 2))


def test_transparent_parts_lie_on_white() -> None:
    assert colour(coded(coloured((255, 0, 0, 0), "RGBA"), "PNG")) == (255, 255, 255)
    assert colour(coded(coloured((255, 0, 0, 128), "RGBA"), "PNG")) == (255, 127, 127)
    assert colour(coded(coloured((0, 255), "LA"), "PNG")) == (0, 0, 0)
    first = np.asarray(open_rgb(small_png(8, 0, chunk(b"tRNS", b"\0\0"))))[0, :2, 0]
    assert first.tolist() == [255, 1]
    deep = np.asarray(open_rgb(small_png(16, 0, chunk(b"tRNS", b"\0\1"))))[0, :2, 0]
    assert deep.tolist() == [255, 2]  # the samples 0x0001 and 0x0203


def test_palettes_are_looked_up_and_grey_is_repeated() -> None:
    palette = chunk(b"PLTE", bytes([9, 8, 7, 6, 5, 4] * 128))
    assert np.asarray(open_rgb(small_png(8, 3, palette)))[0, :2].tolist() == [[9, 8, 7], [6, 5, 4]]
    assert colour(coded(coloured(77, "L"), "PNG")) == (77, 77, 77)
    assert colour(coded(Image.new("1", (9, 9), 1), "PNG")) == (255, 255, 255)


@pytest.mark.parametrize("value", range(1, 9))
def test_pictures_are_set_upright_unless_training_code_is_imitated(value: int) -> None:
    data = with_exif(PHOTO, tiff(value))
    stored = Image.open(io.BytesIO(data))
    upright = ImageOps.exif_transpose(stored)
    assert open_rgb(data).tobytes() == upright.tobytes()
    assert open_rgb(data).size == upright.size
    assert open_rgb(data, upright=False).tobytes() == stored.tobytes()


def test_a_broken_orientation_is_taken_as_upright() -> None:
    assert open_rgb(with_exif(PHOTO, tiff(9))).tobytes() == open_rgb(PHOTO).tobytes()


def test_the_first_of_several_views_is_shown() -> None:
    views = coded(SCENE, "MPO", save_all=True, append_images=[SCENE.rotate(90)])
    assert open_rgb(views).tobytes() == open_rgb(coded(SCENE, "JPEG")).tobytes()


@given(st.binary(max_size=80))
def test_exif_of_any_bytes_has_an_orientation_or_is_broken(data: bytes) -> None:
    for body in (data, b"II*\0\x08\0\0\0" + data, b"MM\0*\0\0\0\x08" + data):
        try:
            found = orientation_of(body)
        except ValueError:
            continue
        assert found is None or 1 <= found <= 8

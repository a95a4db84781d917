"""Every image file has one stated disposition, found in bounded memory, and any bytes have one."""

import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFile

from imagewikiqa.builders.imagesets.dispositions import (
    DISPOSITIONS,
    REJECTED,
    USABLE,
    UnusableImageError,
    is_usable,
    reason_of,
)
from imagewikiqa.builders.imagesets.inspect import MAX_BYTES, inspect
from imagewikiqa.builders.imagesets.pixels import open_rgb

from .bad_images import BadImage, corpus
from .image_bytes import chunk, chunks, coded, png, scene, small_png, tiff, with_exif
from .usable_images import FORMATS, INK_TRAIN, INK_VAL, PLAIN, PNG_BY_CONTENT

CORPUS = corpus()
MODES = ("deep", "grey", "transparent", "palette", "interlaced", "swollen")
PNGS = [
    one
    for one in CORPUS
    if one.kind in MODES and one.name.endswith(".png") and len(one.data) < 20_000
]
REPO = Path(__file__).resolve().parents[3]
MAKE = """
from tests.builders.imagesets.image_bytes import coded
from PIL import Image
large = Image.new("RGB", (10_000, 5_000), "red")
for kind, options in (("PNG", {"compress_level": 1}), ("JPEG", {"progressive": True})):
    with open(f"{FOLDER}/{kind}", "wb") as stream:
        stream.write(coded(large, kind, **options))
"""
LOOK = """
from pathlib import Path
from tests.builders.imagesets.bad_images import corpus
from imagewikiqa.builders.imagesets.inspect import inspect
for one in corpus():
    inspect(one.data, one.name)
for path in sorted(Path(FOLDER).iterdir()):
    print(path.name, inspect(path.read_bytes()).disposition)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def run(code: str, folder: Path) -> list[str]:
    text = f"FOLDER = {str(folder)!r}\n{code}"
    ended = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, cwd=REPO, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_the_corpus_is_as_large_and_as_varied_as_it_claims() -> None:
    assert len(CORPUS) > 300
    assert len({one.kind for one in CORPUS}) > 30
    paths = Counter(f"{one.kind}/{one.name}" for one in CORPUS)
    assert [path for path, count in paths.items() if count > 1] == []
    assert {one.disposition for one in CORPUS} == set(DISPOSITIONS) - {
        "bad_name",
        "link_out",
        "not_a_file",
        "no_access",
        "too_many_bytes",
    }  # fmt: skip - of those there are no bytes


def test_the_corpus_is_made_of_the_same_bytes_each_time() -> None:
    assert corpus() == CORPUS


@pytest.mark.parametrize("kind", sorted({one.kind for one in CORPUS}))
def test_each_file_of_the_corpus_has_its_exact_disposition(kind: str) -> None:
    files = [one for one in CORPUS if one.kind == kind]
    expected = {one.name: one.disposition for one in files}
    assert {one.name: inspect(one.data, one.name).disposition for one in files} == expected


def test_the_words_are_closed_and_each_has_a_meaning() -> None:
    assert set(USABLE) & set(REJECTED) == set()
    assert all(len(meaning.split()) >= 2 for meaning in DISPOSITIONS.values())
    assert {word for word in DISPOSITIONS if is_usable(word)} == set(USABLE)
    assert len({reason_of(word) for word in DISPOSITIONS}) == len(DISPOSITIONS)
    with pytest.raises(KeyError):
        is_usable("fine")


def test_the_24_odd_files_of_imagenet_are_told_by_content() -> None:
    named = {one.name: one for one in CORPUS}
    found = inspect(named[PNG_BY_CONTENT].data, PNG_BY_CONTENT)
    assert (found.disposition, found.format, found.mode) == ("ok_renamed", "PNG", "RGB")
    assert len(INK_TRAIN) == 22
    for name in (*(f"{stem}.JPEG" for stem in INK_TRAIN), INK_VAL):
        found = inspect(named[name].data, name)
        assert (found.disposition, found.format, found.mode) == ("ok_cmyk", "JPEG", "CMYK")


def test_an_inspection_tells_what_the_bytes_tell() -> None:
    data = with_exif(coded(scene(40, 30).convert("L"), "JPEG"), tiff(8))
    found = inspect(data, "a.png")
    assert found.model_dump() == {
        "disposition": "ok_grey", "also": ("ok_rotated", "ok_renamed"), "format": "JPEG",
        "mode": "L", "width": 40, "height": 30, "frames": 1, "exif_orientation": 8, "detail": "",
    }  # fmt: skip
    two = next(one for one in CORPUS if one.name == "three.jpg")
    assert inspect(two.data).frames == 3


def test_a_rejected_image_keeps_what_its_header_says_and_why_it_is_rejected() -> None:
    large = inspect(png(10_000, 5_001, 8, 0, zlib.compress(b"\0")))
    assert (large.width, large.height, large.format) == (10_000, 5_001, "PNG")
    assert (large.mode, large.detail) == (None, "10000 x 5001")
    assert inspect(bytes(MAX_BYTES + 1)).disposition == "too_many_bytes"


def test_what_is_said_of_a_file_never_differs_between_runs() -> None:
    told = [inspect(one.data).detail for one in CORPUS]
    assert [inspect(one.data).detail for one in CORPUS] == told
    assert not any("0x" in detail for detail in told)


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_cut_of_any_file_is_usable(suffix: str) -> None:
    data = PLAIN[suffix]
    step = max(1, len(data) // 300)
    lengths = [*range(1, 80), *range(80, len(data), step), *range(len(data) - 30, len(data))]
    found = {inspect(data[:length]).disposition for length in lengths}
    assert found == {"truncated"}
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@given(st.data())
def test_no_changed_bit_of_a_png_passes(data: st.DataObject) -> None:
    whole = small_png(8, 2, chunk(b"tEXt", b"a\0b"))
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed = bytearray(whole)
    changed[at // 8] ^= 1 << at % 8
    assert inspect(bytes(changed)).disposition in REJECTED


CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)))


def with_changes(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for at, value in changes:
        if changed:
            changed[at % len(changed)] = value
    return bytes(changed)


def check_both(data: bytes, name: str) -> None:
    """Inspecting and opening say the same of any bytes."""
    found = inspect(data, name)
    assert found.disposition in DISPOSITIONS
    if is_usable(found.disposition):
        assert open_rgb(data).mode == "RGB"
    else:
        with pytest.raises(UnusableImageError) as caught:
            open_rgb(data)
        assert (caught.value.disposition, caught.value.detail) == (found.disposition, found.detail)


@settings(max_examples=300)
@given(st.sampled_from(CORPUS), CHANGES)
def test_any_bytes_have_a_disposition(one: BadImage, changes: list[tuple[int, int]]) -> None:
    check_both(with_changes(one.data[:20_000], changes), one.name)


@settings(max_examples=300)
@given(st.sampled_from(PNGS), st.data())
def test_any_chunks_with_true_checksums_have_a_disposition(
    one: BadImage, draw: st.DataObject
) -> None:
    parts = draw.draw(st.lists(st.sampled_from(chunks(one.data)), max_size=8))
    changed = [(kind, with_changes(body, draw.draw(CHANGES))) for kind, body in parts]
    check_both(one.data[:8] + b"".join(chunk(kind, body) for kind, body in changed), one.name)


@given(st.binary(max_size=200))
def test_noise_is_never_usable(data: bytes) -> None:
    assert inspect(data).disposition in REJECTED


def test_bombs_and_the_largest_images_stay_below_512_megabytes(tmp_path: Path) -> None:
    run(MAKE, tmp_path)
    *found, peak = run(LOOK, tmp_path)
    assert found == ["JPEG ok", "PNG ok"]
    assert int(peak) < 512 * 1024


def test_a_second_header_of_an_unknown_colour_type_is_damage() -> None:
    one = next(one for one in PNGS if one.name == "0.png" and one.kind == "deep")
    second = bytearray(one.data[16:29])
    second[9] = 1
    data = one.data[:33] + chunk(b"IHDR", bytes(second)) + one.data[33:]
    found = inspect(data, one.name)
    assert not is_usable(found.disposition)

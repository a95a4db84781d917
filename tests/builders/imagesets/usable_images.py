"""Image files that can be used after a stated conversion, each with its exact disposition."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms

from .image_bytes import (
    canvas,
    chunk,
    coded,
    rebuilt,
    riff,
    scene,
    segments,
    seven_passes,
    small_png,
    tiff,
    webp_parts,
    with_exif,
    without,
)

# The odd files of ImageNet: one PNG under another name, 22 + 1 in ink colours.
PNG_BY_CONTENT = "n02105855_2933.JPEG"
INK_TRAIN = """n01739381_1309 n02077923_14822 n02447366_23489 n02492035_15739 n02747177_10752
n03018349_4028 n03062245_4620 n03347037_9675 n03467068_12171 n03529860_11437 n03544143_17228
n03633091_5218 n03710637_5125 n03961711_5286 n04033995_2932 n04258138_17003 n04264628_27969
n04336792_7448 n04371774_5854 n04596742_4225 n07583066_647 n13037406_4650""".split()
INK_VAL = "ILSVRC2012_val_00019877.JPEG"

SCENE = scene()
PHOTO = coded(SCENE, "JPEG", quality=90)
SCANS = coded(SCENE, "JPEG", quality=90, progressive=True)
PLAIN = {
    "jpg": PHOTO,
    "png": coded(SCENE, "PNG"),
    "webp": coded(SCENE, "WEBP"),
    "gif": coded(SCENE, "GIF"),
}
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
THUMBNAIL = coded(SCENE.resize((16, 12)), "JPEG")
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PROFILE = _SRGB[:24] + bytes(12) + _SRGB[36:]  # without the date on which it was made
PALETTE = chunk(b"PLTE", bytes(range(256)) * 3)
Named = tuple[str, bytes, str]  # file name, bytes, disposition


def imagenet_ink() -> Iterator[Named]:
    for at, name in enumerate(INK_TRAIN):
        yield f"{name}.JPEG", coded(scene(40 + at, 30).convert("CMYK"), "JPEG"), "ok_cmyk"
    yield INK_VAL, coded(scene(70, 30).convert("CMYK"), "JPEG"), "ok_cmyk"


def imagenet_png() -> Iterator[Named]:
    yield PNG_BY_CONTENT, PLAIN["png"], "ok_renamed"


def renamed() -> Iterator[Named]:
    for suffix, data in PLAIN.items():
        for other in {"jpg", "png", "webp", "gif", "bmp"} - {suffix}:
            # A palette matters more to who uses the image than its name.
            yield f"{suffix}.{other}", data, "ok_palette" if suffix == "gif" else "ok_renamed"


def ink() -> Iterator[Named]:
    for quality in (50, 95):
        plain = coded(SCENE.convert("CMYK"), "JPEG", quality=quality)
        yield f"adobe_{quality}", plain, "ok_cmyk"
        yield f"plain_{quality}", without(plain, 0xEE), "ok_cmyk"
        parts = [(c, b[:-1] + b"\2" if c == 0xEE else b) for c, b in segments(plain)]
        yield f"ycck_{quality}", rebuilt(plain, parts), "ok_cmyk"
    yield "progressive", coded(SCENE.convert("CMYK"), "JPEG", progressive=True), "ok_cmyk"


def rotated() -> Iterator[Named]:
    for value in range(1, 9):
        word = "ok" if value == 1 else "ok_rotated"
        yield f"little_{value}", with_exif(PHOTO, tiff(value)), word
        yield f"big_{value}", with_exif(PHOTO, tiff(value, order=">")), word
    yield "png.png", small_png(8, 2, chunk(b"eXIf", tiff(6))), "ok_rotated"
    yield (
        "w.webp",
        riff(canvas(64, 48, 8), *webp_parts(PLAIN["webp"]), (b"EXIF", tiff(3))),
        ("ok_rotated"),
    )


def broken_exif() -> Iterator[Named]:
    whole = tiff(6)
    for name, body in {
        "noise": bytes(range(40)),
        "cut_header": whole[:6],
        "cut_directory": whole[:14],
        "zero": tiff(0),
        "nine": tiff(9),
        "long_type": tiff(6, kind=4),
        "many": tiff(6, count=2),
        "too_many_entries": tiff(6, entries=900),
        "offset_out": whole[:4] + b"\xff\xff\xff\xff" + whole[8:],
        "no_mark": b"XX" + whole[2:],
    }.items():
        yield name, with_exif(PHOTO, body), "ok_bad_exif"
    yield "empty", with_exif(PHOTO, b""), "ok_bad_exif"


def deep() -> Iterator[Named]:
    for colours in (0, 2, 4, 6):
        yield f"{colours}.png", small_png(16, colours), "ok_16bit"
    yield "clear.png", small_png(16, 0, chunk(b"tRNS", b"\0\7")), "ok_16bit"


def grey() -> Iterator[Named]:
    for bits in (1, 2, 4, 8):
        yield f"grey_{bits}.png", small_png(bits, 0), "ok_grey"
    yield "g1.jpg", coded(SCENE.convert("L"), "JPEG"), "ok_grey"
    yield "g2.jpg", coded(SCENE.convert("L"), "JPEG", progressive=True), "ok_grey"


def transparent() -> Iterator[Named]:
    clear = SCENE.convert("RGBA")
    clear.putalpha(SCENE.convert("L"))
    yield "rgba.png", coded(clear, "PNG"), "ok_alpha"
    yield "la.png", small_png(8, 4), "ok_alpha"
    yield "colour.png", small_png(8, 2, chunk(b"tRNS", bytes(6))), "ok_alpha"
    yield "shade.png", small_png(8, 0, chunk(b"tRNS", bytes(2))), "ok_alpha"
    yield "bit.png", small_png(1, 0, chunk(b"tRNS", bytes(2))), "ok_alpha"
    yield "palette.png", small_png(8, 3, PALETTE + chunk(b"tRNS", bytes(200))), "ok_alpha"
    yield "lossy.webp", coded(clear, "WEBP"), "ok_alpha"
    yield "exact.webp", coded(clear, "WEBP", lossless=True), "ok_alpha"
    hole = Image.new("P", (9, 9), 3)
    hole.putpalette(bytes(range(48)))
    yield "hole.gif", coded(hole, "GIF", transparency=3, optimize=False), "ok_alpha"


def palette() -> Iterator[Named]:
    for bits in (1, 2, 4, 8):
        yield f"p{bits}.png", small_png(bits, 3, PALETTE), "ok_palette"
    yield "p.gif", PLAIN["gif"], "ok_palette"
    yield "ordered_greys.gif", coded(SCENE.convert("L"), "GIF"), "ok_palette"


def stereo() -> Iterator[Named]:
    views = [SCENE.rotate(turn) for turn in (1, 2)]
    yield "two.jpg", coded(SCENE, "MPO", save_all=True, append_images=views[:1]), "ok_mpo"
    yield "three.jpg", coded(SCENE, "MPO", save_all=True, append_images=views), "ok_mpo"


def good() -> Iterator[Named]:
    for quality in (1, 30, 100):
        yield f"q{quality}.jpg", coded(SCENE, "JPEG", quality=quality), "ok"
        yield f"s{quality}.jpg", coded(SCENE, "JPEG", quality=quality, subsampling=0), "ok"
        yield f"p{quality}.jpg", coded(SCENE, "JPEG", quality=quality, progressive=True), "ok"
        yield f"w{quality}.webp", coded(SCENE, "WEBP", quality=quality), "ok"
    yield "motion.jpg", without(PHOTO, 0xC4), "ok"  # as cameras of video store: default tables
    yield "restarts.jpg", coded(SCENE, "JPEG", restart_marker_blocks=2), "ok"
    yield "lossless.webp", coded(SCENE, "WEBP", lossless=True), "ok"
    yield "plain.png", PLAIN["png"], "ok"


def thumbnails() -> Iterator[Named]:
    """Yield files with another whole file inside a segment: its end mark is not theirs."""
    for name, code, start in (("exif", 0xE1, b"Exif\0\0"), ("jfxx", 0xE0, b"JFXX\0\x10"),
                              ("photoshop", 0xED, b"Photoshop 3.0\0")):  # fmt: skip
        note = start + (tiff(1) if code == 0xE1 else b"") + THUMBNAIL
        yield name, rebuilt(PHOTO, [(code, note), *segments(PHOTO)]), "ok"
    yield "png.png", small_png(8, 2, chunk(b"prVt", PLAIN["png"])), "ok"


def profiled() -> Iterator[Named]:
    """Yield files with a colour profile, good and bad; none is applied."""
    for name, profile in {"good": PROFILE, "cut": PROFILE[:99], "noise": b"no profile"}.items():
        yield f"{name}.jpg", coded(SCENE, "JPEG", icc_profile=profile), "ok"
        yield f"{name}.webp", coded(SCENE, "WEBP", icc_profile=profile), "ok"
        yield f"{name}.png", coded(SCENE, "PNG", icc_profile=profile), "ok"


def interlaced() -> Iterator[Named]:
    for width, height in ((1, 1), (5, 3), (64, 48)):
        data = seven_passes(np.asarray(SCENE)[:height, :width])
        yield f"{width}x{height}.png", data, "ok"


def thin() -> Iterator[Named]:
    for suffix, kind in FORMATS.items():
        word = "ok_palette" if suffix == "gif" else "ok"
        yield f"dot.{suffix}", coded(SCENE.resize((1, 1)), kind), word
        if suffix != "webp":  # has at most 16,383 pixels a side
            yield f"high.{suffix}", coded(SCENE.resize((1, 50_000)), kind), word
            yield f"wide.{suffix}", coded(SCENE.resize((50_000, 1)), kind), word


def garbage_after_the_end() -> Iterator[Named]:
    for suffix, data in PLAIN.items():
        word = "ok_palette" if suffix == "gif" else "ok"
        for name, more in {"zeros": bytes(999), "zip": b"PK\3\4" * 50, "page": b"<html>"}.items():
            yield f"{name}.{suffix}", data + more, word


def decoders_cannot_see() -> Iterator[Named]:
    """Yield damage without a trace in the format; sha256 is what tells it from the true image."""
    middle = len(PHOTO) * 3 // 4
    yield "ended_early.jpg", PHOTO[:middle] + b"\xff\xd9", "ok"
    yield "zeroed_scan.jpg", PHOTO[:middle] + bytes(40) + PHOTO[middle + 40 :], "ok"


USABLE_KINDS = (
    imagenet_ink, imagenet_png, renamed, ink, rotated, broken_exif, deep, grey, transparent,
    palette, stereo, good, thumbnails, profiled, interlaced, thin, garbage_after_the_end,
    decoders_cannot_see,
)  # fmt: skip

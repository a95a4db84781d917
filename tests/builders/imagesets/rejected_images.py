"""Files that are no usable image, each with its exact disposition."""

import base64
import gzip
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from .image_bytes import (
    canvas,
    chunk,
    coded,
    coloured,
    gif,
    lossless_start,
    png,
    rebuilt,
    riff,
    rows,
    segments,
    seven_passes,
    small_png,
    tiff,
    webp_parts,
    with_frame,
    with_wrong_check,
    without,
    zeros,
)
from .usable_images import PALETTE, PHOTO, PLAIN, SCANS, SCENE, THUMBNAIL, Named, thumbnails


def empty() -> Iterator[Named]:
    for name in ("a.jpg", "a.png", "a.webp", "a.gif", "bare"):
        yield name, b"", "empty"


def noise() -> Iterator[Named]:
    for name, data in {
        "zero": b"\0",
        "zeros": bytes(5000),
        "text": b"404 Not Found\n",
        "json": b'{"error": "gone"}',
        "git_lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "xml": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        "mat": b"MATLAB 5.0 MAT-file" + bytes(200),
        "gzip": b"\x1f\x8b\x08" + bytes(50),
        "headless": PHOTO[2:],
        "riff": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
    }.items():
        yield name, data, "not_an_image"


def web_page() -> Iterator[Named]:
    for name, data in {
        "doctype": b"<!DOCTYPE html><html><body>404</body></html>",
        "bare": b"<html><img src='a.jpg'></html>",
        "upper": b"<HTML><HEAD></HEAD></HTML>",
        "blank": b"\r\n\t  <html>",
        "bom": b"\xef\xbb\xbf<!doctype html>",
        "xhtml": b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"/>',
        "comment": b"<!-- cached --><html></html>",
        "script": b"<script>location='/login'</script>",
        "inline_svg": b"<html><svg></svg></html>",
    }.items():
        yield name, data, "html"


def foreign() -> Iterator[Named]:
    for kind in ("BMP", "TIFF", "ICO", "EPS", "PPM", "JPEG2000", "AVIF", "DDS", "QOI"):
        yield kind, coded(SCENE, kind), "unsupported_format"
    for name, data in {
        "fits": b"SIMPLE  =                    T" + bytes(2850),
        "pdf": b"%PDF-1.4\n" + bytes(60),
        "psd": b"8BPS\0\1" + bytes(60),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
        "svg_xml": b'<?xml version="1.0"?><!-- x --><svg width="9">',
        "heic": b"\0\0\0\x18ftypheic" + bytes(40),
        "video": b"\0\0\0\x18ftypisom" + bytes(40),
        "jxl": b"\xff\x0a" + bytes(40),
        "big_tiff": b"MM\0+" + bytes(40),
    }.items():
        yield name, data, "unsupported_format"


def odd_jpeg() -> Iterator[Named]:
    yield "bits_12", with_frame(PHOTO, bits=12), "unsupported_format"
    for code in (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF):
        yield f"sof_{code:x}", with_frame(PHOTO, code), "unsupported_format"


def cut() -> Iterator[Named]:
    for suffix, data in {**PLAIN, "scans.jpg": SCANS}.items():
        name = suffix if "." in suffix else f"cut.{suffix}"
        for step in range(1, 13):
            length = len(data) * step // 13
            yield f"{step}_{name}", data[:length], "truncated"
        for less in (1, 2, 5, 13):
            yield f"less_{less}_{name}", data[:-less], "truncated"


def cut_behind_a_thumbnail() -> Iterator[Named]:
    for name, data, _ in thumbnails():
        start = data.index(THUMBNAIL) if THUMBNAIL in data else data.index(PLAIN["png"])
        for at in (start + len(THUMBNAIL), start + len(THUMBNAIL) + 40, len(data) - 2):
            yield f"{at}_{name}", data[:at], "truncated"


def wrapped() -> Iterator[Named]:
    """Yield whole images in another coat, as servers and scripts leave them."""
    for suffix, data in PLAIN.items():
        for name, coat in {
            "gzip": gzip.compress(data, mtime=0),
            "base64": base64.b64encode(data),
            "url": b"data:image/jpeg;base64," + base64.b64encode(data),
            "http": b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + data,
            "blank": b"\r\n" + data,
            "text": data.decode("latin-1").encode(),  # read as text and written as UTF-8
        }.items():
            if name != "text" or suffix in ("jpg", "png"):  # the others begin with plain letters
                yield f"{name}.{suffix}", coat, "not_an_image"
    yield "lines.png", PLAIN["png"].replace(b"\r\n", b"\n"), "not_an_image"


def first_bytes() -> Iterator[Named]:
    for start in (b"\xff", b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF\4\0\0\0WE"):
        yield f"head{len(start)}{start[:1].hex()}", start, "truncated"


def bombs() -> Iterator[Named]:
    yield "zeros.png", png(13_500, 13_500, 8, 2, zeros(547)), "too_many_pixels"  # 182 MP, 528 KiB
    for width, height in (
        (60_000, 60_000),
        (10_000, 5_001),
        (2**31 - 1, 1),
        (2**31 - 1, 2**31 - 1),
    ):
        data = png(width, height, 8, 0, zlib.compress(b"\0"))
        yield f"png{width}x{height}", data, "too_many_pixels"
    yield "big.jpg", with_frame(PHOTO, width=65_500, height=65_500), "too_many_pixels"
    yield "big.gif", gif(65_535, 65_535, b"\2\x84\x51"), "too_many_pixels"
    wide = gif(4, 4, b"\2\x84\x51").replace(
        b"," + struct.pack("<HHHH", 0, 0, 4, 4), b"," + struct.pack("<HHHH", 60_000, 60_000, 4, 4)
    )
    yield "far.gif", wide, "too_many_pixels"
    yield "canvas.webp", riff(canvas(2**24, 2**24), *webp_parts(PLAIN["webp"])), "too_many_pixels"
    yield "side.webp", riff((b"VP8L", lossless_start(16_383, 16_383))), "too_many_pixels"


def greedy() -> Iterator[Named]:
    yield "still.webp", riff((b"VP8L", lossless_start(6_000, 5_000))), "too_much_memory"
    ink = with_frame(
        coded(SCENE.convert("CMYK"), "JPEG", progressive=True), width=10_000, height=5_000
    )
    yield "scans.jpg", ink, "too_much_memory"


def swollen() -> Iterator[Named]:
    five, one = zlib.compress(bytes(5_000_000)), zlib.compress(bytes(1_000_000))
    for name, extra in {
        "iccp": chunk(b"iCCP", b"x\0\0" + five),
        "ztxt": chunk(b"zTXt", b"x\0\0" + five),
        "itxt": chunk(b"iTXt", b"x\0\1\0\0\0" + five),
        "texts": b"".join(chunk(b"zTXt", b"k%d\0\0" % at + one) for at in range(70)),
        "chunks": chunk(b"tEXt", b"a\0b") * 10_001,
        "private": chunk(b"prVt", bytes(17_000_000)),
    }.items():
        yield f"{name}.png", small_png(8, 2, extra), "too_complex"
    last = SCANS[SCANS.rindex(b"\xff\xda") : -2]
    yield "scans", SCANS[:-2] + last * 101 + b"\xff\xd9", "too_complex"
    yield "segments", rebuilt(PHOTO, [(0xE5, b"")] * 10_001 + segments(PHOTO)), "too_complex"
    notes = b"!\xfe" + (b"\xff" + b"c" * 255) * 4000 + b"\0"
    yield "comments.gif", gif(4, 4, b"\2\x84\x51", extra=notes), "too_complex"


def animated() -> Iterator[Named]:
    for suffix, kind in (("gif", "GIF"), ("png", "PNG"), ("webp", "WEBP")):
        for count in (2, 3):
            more = [SCENE.rotate(9 * turn) for turn in range(1, count)]
            data = coded(SCENE, kind, save_all=True, append_images=more)
            yield f"frames_{count}.{suffix}", data, "animated"
    more = [SCENE.rotate(turn) for turn in (9, 18)]
    data = coded(SCENE, "PNG", save_all=True, append_images=more, default_image=True)
    yield "hidden.png", data, "animated"


def damaged_png() -> Iterator[Named]:
    paletted = small_png(8, 3, PALETTE + chunk(b"tEXt", b"a\0b"))
    for kind in (b"IHDR", b"PLTE", b"tEXt", b"IDAT", b"IEND"):
        yield f"check_{kind.decode()}.png", with_wrong_check(paletted, kind), "damaged"
    for name, data in {
        "hollow": png(10_000, 5_000, 8, 0, zlib.compress(b"\0")),
        "half_the_rows": png(10, 8, 8, 0, rows(10, 4, 8, 1)),
        "cut_stream": png(10, 8, 8, 2, rows(10, 8, 8, 3)[:-9]),
        "noise": png(10, 8, 8, 0, bytes(range(50))),
        "filter": png(3, 2, 8, 0, zlib.compress(b"\7\0\0\0" * 2)),
        "colour_type": png(3, 2, 8, 1, zlib.compress(b"\0\0\0\0" * 2)),
        "depth": png(3, 2, 3, 0, zlib.compress(b"\0\0\0\0" * 2)),
        "no_size": png(0, 2, 8, 0, zlib.compress(b"\0")),
        "no_palette": small_png(8, 3),
    }.items():
        yield f"{name}.png", data, "damaged"
    start = PLAIN["png"][:8]
    yield "passes.png", seven_passes(np.asarray(SCENE), lost=99), "damaged"
    yield "no_header.png", start + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "damaged"
    yield "nothing.png", small_png(8, 2).replace(b"IDAT", b"IDAX"), "damaged"


def damaged_otherwise() -> Iterator[Named]:
    yield "no_tables.jpg", without(PHOTO, 0xDB), "damaged"
    yield "no_frame.jpg", without(PHOTO, 0xC0), "damaged"
    yield "no_height.jpg", with_frame(PHOTO, height=0), "damaged"
    yield "no_scan.jpg", PHOTO[: PHOTO.index(b"\xff\xda")] + b"\xff\xd9", "damaged"
    yield "codes.gif", gif(100, 100, b"\4\xff\xff\xff\xff"), "damaged"
    yield "early.gif", gif(100, 100, b"\2\x2c\0"), "damaged"
    yield "block.gif", b"GIF89a" + bytes(7) + b"Z;", "damaged"
    yield "frameless.gif", gif(4, 4, b"")[:13] + bytes(12) + b";", "damaged"
    yield "hollow.webp", riff((b"VP8L", lossless_start(60, 50))), "damaged"
    yield "blank.webp", riff((b"EXIF", tiff(1))), "damaged"
    yield "chunk.webp", riff((b"VP8 ", b"")).replace(b"VP8 \0", b"VP8 \xff"), "damaged"
    narrow = coded(coloured(9).resize((70, 50), Image.Resampling.NEAREST), "WEBP")
    yield "canvas.webp", riff(canvas(10, 10), *webp_parts(narrow)), "damaged"


REJECTED_KINDS = (
    empty, noise, web_page, foreign, odd_jpeg, cut, cut_behind_a_thumbnail, wrapped, first_bytes,
    bombs, greedy, swollen, animated, damaged_png, damaged_otherwise,
)  # fmt: skip

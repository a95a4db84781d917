"""Bytes of images of every kind, good and bad, made the same on each call."""

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

JPEG_EXIF = b"\xff\xe1"


@cache
def scene(width: int = 64, height: int = 48) -> Image.Image:
    """Return a picture with smooth parts, an edge and noise, so that coders have work."""
    down, across = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(7).integers(0, 40, (height, width))
    bands = [across * 3 + noise, down * 4 + noise // 2, (across > width // 2) * 180 + noise]
    return Image.fromarray(np.clip(np.stack(bands, axis=-1), 0, 255).astype(np.uint8))


def coded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return an image as the bytes of a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def coloured(colour: tuple[int, ...] | int, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (16, 12), colour)


# PNG by hand


def chunk(kind: bytes, body: bytes, check: int | None = None) -> bytes:
    crc = zlib.crc32(kind + body) if check is None else check
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def png(
    width: int, height: int, bits: int, colours: int, pixels: bytes, *, extra: bytes = b""
) -> bytes:
    """Return a PNG of given IHDR and of a zlib stream; `extra` stands before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def rows(width: int, height: int, bits: int, channels: int) -> bytes:
    """Return the zlib stream of a small PNG: unfiltered rows of rising bytes."""
    length = (width * bits * channels + 7) // 8
    return zlib.compress(
        b"".join(
            b"\0" + bytes((row * 7 + at) % 256 for at in range(length)) for row in range(height)
        )
    )


def small_png(bits: int, colours: int, extra: bytes = b"") -> bytes:
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colours]
    return png(10, 8, bits, colours, rows(10, 8, bits, channels), extra=extra)


def seven_passes(pixels: npt.NDArray[np.uint8], lost: int = 0) -> bytes:
    """Return an interlaced PNG of RGB pixels, without the last `lost` bytes of its rows."""
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    passes = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2),
              (0, 1, 1, 2))  # fmt: skip
    seen = [pixels[top::down, left::right] for left, right, top, down in passes]
    body = b"".join(b"\0" + row.tobytes() for part in seen for row in part if row.size)
    stream = zlib.compress(body[: len(body) - lost])
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", stream), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def zeros(count: int) -> bytes:
    """Return a zlib stream of `count` million zero bytes without compressing them all."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    million = squeezer.compress(bytes(1_000_000)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    check = struct.pack(">HH", count * 1_000_000 % 65521, 1)  # adler32 of zeros
    return b"\x78\xda" + million * count + b"\x03\x00" + check


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks of a PNG."""
    found, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def with_wrong_check(data: bytes, name: bytes) -> bytes:
    """Return a PNG whose chunk of this name has another checksum."""
    return data[:8] + b"".join(
        chunk(kind, body, 0x12345678 if kind == name else None) for kind, body in chunks(data)
    )


# JPEG by hand


def segments(data: bytes) -> list[tuple[int, bytes]]:
    """Return the segments of a JPEG before its first scan, as marker and body."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


def rebuilt(data: bytes, parts: list[tuple[int, bytes]]) -> bytes:
    """Return a JPEG with other segments before its first scan."""
    scan = data.index(b"\xff\xda")
    head = b"".join(
        bytes((0xFF, code)) + struct.pack(">H", len(body) + 2) + body for code, body in parts
    )
    return b"\xff\xd8" + head + data[scan:]


def with_frame(data: bytes, code: int | None = None, **fields: int) -> bytes:
    """Return a JPEG whose frame header has another marker, bits, height or width."""
    parts = []
    for marker, body in segments(data):
        if marker in (0xC0, 0xC1, 0xC2):
            bits, high, wide = struct.unpack(">BHH", body[:5])
            now = {"bits": bits, "height": high, "width": wide, **fields}
            body = struct.pack(">BHH", now["bits"], now["height"], now["width"]) + body[5:]
            marker = code or marker
        parts.append((marker, body))
    return rebuilt(data, parts)


def without(data: bytes, code: int) -> bytes:
    """Return a JPEG without its segments of one marker."""
    return rebuilt(data, [part for part in segments(data) if part[0] != code])


def with_exif(data: bytes, exif: bytes) -> bytes:
    """Return a JPEG with an EXIF segment of these bytes (after the name of the segment)."""
    return rebuilt(data, [(0xE1, b"Exif\0\0" + exif), *segments(data)])


def tiff(value: int, *, order: str = "<", kind: int = 3, count: int = 1, entries: int = 1) -> bytes:
    """Return an EXIF body whose first directory holds an orientation."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 0x0112, kind, count, value, 0)
    return mark + struct.pack(f"{order}IH", 8, entries) + entry + bytes(4)


# GIF and WebP by hand


def gif(width: int, height: int, blocks: bytes, *, code_size: int = 2, extra: bytes = b"") -> bytes:
    """Return a GIF of one frame with four colours and these LZW blocks."""
    screen = struct.pack("<HHBBB", width, height, 0x81, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + bytes((code_size,))
    palette = bytes((0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 255, 255))
    return b"GIF89a" + screen + palette + extra + frame + blocks + b"\0;"


def riff(*parts: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        kind + struct.pack("<I", len(part)) + part + bytes(len(part) % 2) for kind, part in parts
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_parts(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    """Return the VP8X chunk of a WebP."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes((flags, 0, 0, 0)) + size


def lossless_start(width: int, height: int) -> bytes:
    """Return the first bytes of a VP8L chunk."""
    return b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(20)

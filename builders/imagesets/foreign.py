"""Names what a file is that is no JPEG, PNG, WebP or GIF: a web page, another format, neither."""

import re

from imagewikiqa.builders.imagesets.dispositions import UnusableImageError

LOOKED_AT = 4096  # bytes in which a page shows what it is
_STARTS = (
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"SIMPLE  =", "FITS"),
    (b"8BPS", "PSD"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0", "CUR or TGA"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"%PDF", "PDF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"gimp xcf", "XCF"),
    (b"\x8aMNG\r\n\x1a\n", "MNG"),
    (b"\x8bJNG\r\n\x1a\n", "JNG"),
)
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF"}
_PORTABLE = re.compile(rb"P[1-7]\s")
_SVG = re.compile(rb"<svg[\s>]", re.I)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|script|meta|div)\b", re.I)


def refuse_foreign(data: bytes) -> UnusableImageError:
    """Return the error that names what the bytes are; they begin as no supported format."""
    name = _format_of(data)
    if name:
        return UnusableImageError("unsupported_format", name)
    text = data[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        page, drawing = _HTML.search(text), _SVG.search(text)
        if drawing and not (page and page.start() < drawing.start()):
            return UnusableImageError("unsupported_format", "SVG")
        if page:
            return UnusableImageError("html")
    return UnusableImageError("not_an_image", f"begins with {data[:8].hex(' ')}")


def _format_of(data: bytes) -> str:
    for start, name in _STARTS:
        if data.startswith(start):
            return name
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "ISO media")
    return "PNM" if _PORTABLE.match(data) else ""

"""The orientation that EXIF gives an image, read from the first directory alone."""

HEADER = b"Exif\0\0"
UPRIGHT = 1
_ORIENTATION = 0x0112
_SHORT = 3


def orientation_of(exif: bytes) -> int | None:
    """Return the orientation (1 to 8), None where EXIF states none; ValueError if it is broken.

    Only EXIF's own tag counts, as in browsers: XMP may repeat it, and is not read.
    Source: CIPA DC-008 (Exif 2.32), sections 4.5 and 4.6.
    """
    body = exif.removeprefix(HEADER)
    if body[:4] == b"II*\0":
        return _first_directory(body, "little")
    if body[:4] == b"MM\0*":
        return _first_directory(body, "big")
    raise ValueError("EXIF does not begin with a TIFF header")


def _first_directory(body: bytes, order: str) -> int | None:
    def number(at: int, size: int) -> int:
        part = body[at : at + size]
        if len(part) < size:
            raise ValueError("EXIF ends inside its first directory")
        return int.from_bytes(part, "little" if order == "little" else "big")

    start = number(4, 4)
    found: int | None = None
    for entry in range(number(start, 2)):
        at = start + 2 + 12 * entry
        number(at + 8, 4)  # the whole entry has to be there
        if number(at, 2) == _ORIENTATION and found is None:
            found = _checked(number(at + 2, 2), number(at + 4, 4), number(at + 8, 2))
    return found


def _checked(kind: int, count: int, value: int) -> int:
    if (kind, count) != (_SHORT, 1) or not 1 <= value <= 8:
        raise ValueError(f"EXIF has the orientation {value}, of type {kind}, {count} times")
    return value

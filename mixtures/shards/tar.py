"""Canonical ustar members: the same names and bytes give the same archive, on any machine.

No clock, user, host or extension reaches a header, so a header is a function of a name and a size.
"""

from imagewikiqa.core.errors import ToolkitError

BLOCK = 512
END = bytes(2 * BLOCK)  # what ends an archive
LARGEST = 8**11 - 1  # bytes of a member: its size has eleven octal digits
LONGEST_NAME = 100  # bytes; a key has no folder, so the header's second name field stays empty

_BEFORE_SIZE = b"0000644\x000000000\x000000000\x00"  # mode, user, group
_TIME = b"00000000000\x00"
_AFTER_SUM = b"0" + bytes(100) + b"ustar\x0000"  # a plain file, no link
_REST = bytes(BLOCK - 100 - len(_BEFORE_SIZE) - 12 - len(_TIME) - 8 - len(_AFTER_SUM))
_FIXED_SUM = sum(_BEFORE_SIZE) + sum(_TIME) + 8 * ord(" ") + sum(_AFTER_SUM)


def header(name: str, size: int) -> bytes:
    """Return the 512 bytes before a member's content.

    Raises ToolkitError for a name of more than 100 bytes or 8 GiB of content, which ustar lacks.
    """
    encoded, digits = name.encode("ascii"), b"%011o\x00" % size
    if len(encoded) > LONGEST_NAME:
        raise ToolkitError(
            f"the file name {name} is longer than {LONGEST_NAME} bytes, which a shard cannot hold:"
            " give its sample a shorter key"
        )
    if size > LARGEST:
        raise ToolkitError(
            f"the file {name} has {size:,} bytes, and a shard holds files of less than 8 GiB:"
            " leave its sample out"
        )
    checksum = b"%06o\x00 " % (_FIXED_SUM + sum(encoded) + sum(digits))
    first = encoded.ljust(100, b"\x00")
    return b"".join((first, _BEFORE_SIZE, digits, _TIME, checksum, _AFTER_SUM, _REST))


def padded(size: int) -> int:
    """Return the bytes that a content of `size` takes: whole blocks."""
    return -(-size // BLOCK) * BLOCK


def padding(size: int) -> bytes:
    """Return the zeros after a content of `size` bytes."""
    return bytes(-size % BLOCK)

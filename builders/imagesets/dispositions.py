"""What can be said of an image file: a closed list of words, each with what a user of it must do.

Exactly one word is the disposition of a file; further words that hold of a usable image are named
beside it. An image set is never repaired: bytes stay as they are, `pixels.open_rgb` converts.
"""

from imagewikiqa.core.errors import ToolkitError

# In order of precedence: of several words that hold, the first one is the disposition.
USABLE = {
    "ok_cmyk": "ink colours (CMYK or YCCK); converted to RGB without a colour profile",
    "ok_16bit": "16 bits a sample; the high byte is taken",
    "ok_alpha": "transparent parts; laid on white",
    "ok_palette": "colours from a palette; looked up",
    "ok_grey": "grey or black and white; the grey is repeated for red, green and blue",
    "ok_mpo": "a JPEG followed by further views of a stereo or phone camera; the first is taken",
    "ok_rotated": "EXIF says that the picture lies on its side or is mirrored; it is set upright",
    "ok_bad_exif": "EXIF is broken; its orientation is taken as upright",
    "ok_renamed": "the suffix of the name promises another format; the content decides",
    "ok": "three bytes a pixel; nothing to do",
}
REJECTED = {
    "bad_name": "the file name is not UTF-8",
    "link_out": "a link that leads out of the set",
    "not_a_file": "a folder, a named pipe, a device or a link to nothing",
    "no_access": "the system does not let the file be read",
    "empty": "no byte at all",
    "too_many_bytes": "more bytes than any image may have; not read",
    "html": "a web page, as servers send in place of a lost image",
    "not_an_image": "begins as no image format does",
    "unsupported_format": "an image of another format or coding than JPEG, PNG, WebP or GIF",
    "truncated": "ends before the end mark of its format",
    "too_many_pixels": "more pixels than any image may have by its header; not decoded",
    "too_much_memory": "decoding would need more memory than any image may take; not decoded",
    "too_complex": "more segments, scans or compressed notes than a picture has use for",
    "animated": "several frames",
    "damaged": "has its end mark, but its content cannot be decoded or fails its checksum",
}
DISPOSITIONS = {**USABLE, **REJECTED}
_REASONS = {  # the words of the readers, who judge an entry before there are bytes
    "bad_name": "file name is not UTF-8",
    "link_out": "link out of the folder",
    "no_access": "unreadable file",
}


def is_usable(disposition: str) -> bool:
    """Say whether an image of this disposition can be shown; KeyError for a word not listed."""
    if disposition not in DISPOSITIONS:
        raise KeyError(disposition)
    return disposition in USABLE


def reason_of(disposition: str) -> str:
    """Return the reason of a reject row: the words of a disposition, as in "too many pixels"."""
    return _REASONS.get(disposition, disposition.replace("_", " "))


class UnusableImageError(ToolkitError):
    """An image that cannot be shown: one of REJECTED, and a detail."""

    def __init__(self, disposition: str, detail: str = "") -> None:
        super().__init__(
            f"the image cannot be used, it is {reason_of(disposition)}"
            f"{f' ({detail})' if detail else ''}: leave it out or get it again"
        )
        self.disposition = disposition
        self.detail = detail

    def __reduce__(self) -> tuple[type["UnusableImageError"], tuple[str, str]]:
        """Let the error leave a worker process: by default only the sentence would travel."""
        return type(self), (self.disposition, self.detail)

"""What is done to the bytes of an image before it enters a shard."""

import hashlib
import io
import os

from imagewikiqa.builders.imagesets.dispositions import UnusableImageError
from imagewikiqa.builders.imagesets.pixels import open_rgb
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe import ImagePolicy
from imagewikiqa.mixtures.records import ShardFile, Span

_BEGINS = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png", b"RIFF": "webp"}


def image_file(span: Span, policy: ImagePolicy, planned: str | None = None) -> ShardFile:
    """Return the image of a sample as the recipe wants it: its own bytes, or new ones.

    Kept bytes stay where they lie. An image of another kind than JPEG, PNG or WebP (a GIF, a BMP)
    becomes a JPEG under any policy, as loaders of shards read none of these. Raises ToolkitError
    for one that cannot be read, or that is new and not made from the bytes `planned` (a sha256);
    kept bytes are compared where the shard is hashed.
    """
    found = extension(span) if policy.policy == "keep" else None
    if found is not None:
        return ShardFile(extension=found, content=span)
    return ShardFile(extension="jpg", content=_reencoded(span, policy, planned))


def extension(span: Span) -> str | None:
    """Return jpg, png or webp by the first bytes of an image; None for anything else."""
    head = _read(span, 4)
    return next((name for mark, name in _BEGINS.items() if head.startswith(mark)), None)


def _reencoded(span: Span, policy: ImagePolicy, planned: str | None) -> bytes:
    content = _read(span, span.length)
    if planned is not None and hashlib.sha256(content).hexdigest() != planned:
        raise ToolkitError(
            f"the image {span.path} is not the one that was planned: restore it, or make the index"
            " again and build to another --out"
        )
    try:
        picture = open_rgb(content)
    except UnusableImageError as error:
        raise ToolkitError(f"the image {span.path} cannot be used any more: {error}") from error
    short, long = min(picture.size), max(picture.size)
    scale = 1.0
    if policy.side is not None:
        scale = policy.side / (short if policy.policy == "short_side" else long)
    if scale < 1:  # never larger: that would only add bytes
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), resample=3)  # bicubic
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=policy.quality)
    return stream.getvalue()


def _read(span: Span, length: int) -> bytes:
    try:
        descriptor = os.open(span.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, length, span.offset)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ToolkitError(
            f"the image {span.path} cannot be read ({error.strerror}): put it back, or make the"
            " index again and build to another --out"
        ) from error

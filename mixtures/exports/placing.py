"""A file at a second place: the same bytes on disk where the file system can, a copy elsewhere."""

import errno
import hashlib
import os
from pathlib import Path

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, published, sync_folder

_PIECE = 1 << 20
_NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS})


def place(source: Path, target: Path, sha256: str) -> None:
    """Make `target` a hard link to `source`, or a copy; what stands there rightly stays.

    Raises ToolkitError when the bytes copied are not those of `sha256`, or the disk refuses.
    """
    source = source.resolve()  # a link to a symbolic link would be one
    with explained(target, "write"):
        if target.exists():
            if target.samefile(source) or file_digest(target) == sha256:
                return
            target.unlink()
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            _copy(source, target, sha256)
        else:
            sync_folder(target.parent)


def _copy(source: Path, target: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with source.open("rb") as reading, published(target) as writing:
        while piece := reading.read(_PIECE):
            digest.update(piece)
            writing.write(piece)
        if digest.hexdigest() != sha256:
            raise ToolkitError(
                f"{source} has other bytes than its mixture says: build the mixture again"
            )

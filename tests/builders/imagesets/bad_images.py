"""The corpus of bad images: over 300 files of over 30 kinds, each with its exact disposition."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .rejected_images import REJECTED_KINDS
from .usable_images import PHOTO, USABLE_KINDS


class BadImage(NamedTuple):
    """One file of the corpus."""

    kind: str
    name: str
    data: bytes
    disposition: str


def corpus() -> list[BadImage]:
    """Return all files, with distinct names, in a fixed order."""
    found = []
    for make in (*USABLE_KINDS, *REJECTED_KINDS):
        kind = make.__name__
        for name, data, disposition in make():
            shown = name if "." in name else f"{name}.jpg"
            found.append(BadImage(kind, shown, data, disposition))
    return found


def write_corpus(folder: Path) -> dict[str, str]:
    """Write a folder for each kind; return the disposition of each file by its path in there.

    A file of rights that forbid to read it is left to who may be forbidden: not to root.
    """
    table = {}
    for one in corpus():
        path = folder / one.kind / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
        table[f"{one.kind}/{one.name}"] = one.disposition
    for name, disposition in _write_no_files(folder / "no_file", folder.parent):
        table[f"no_file/{name}"] = disposition
    return table


def _write_no_files(folder: Path, outside: Path) -> Iterator[tuple[str, str]]:
    folder.mkdir()
    (outside / "stranger.jpg").write_bytes(PHOTO)
    (folder / "folder.jpg").mkdir()
    yield "folder.jpg", "not_a_file"
    os.mkfifo(folder / "pipe.jpg")
    yield "pipe.jpg", "not_a_file"
    (folder / "out.jpg").symlink_to(outside / "stranger.jpg")
    yield "out.jpg", "link_out"
    (folder / "device.jpg").symlink_to("/dev/zero")
    yield "device.jpg", "link_out"
    with (folder / "long.jpg").open("wb") as stream:
        stream.truncate(200_000_001)  # takes no room on the disk
    yield "long.jpg", "too_many_bytes"
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.jpg")).write_bytes(PHOTO)
    yield "\\udcff\\udcfe.jpg", "bad_name"

"""Where the images of a published layout lie: files of folders, and members of plain tars.

An index names images by their address in the set, which in some layouts is not their path; tars are
read in place. The places of all rows are found once, from listings and tar headers alone.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imagewikiqa.builders.imagesets.archives import TarPart, is_compressed, plain
from imagewikiqa.builders.imagesets.entries import FolderPart, names_in
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.builders.imagesets.tars import members
from imagewikiqa.builders.imagesets.units import EntryUnit, NotesUnit
from imagewikiqa.builders.imagesets.verdicts import Place
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish
from imagewikiqa.core.parquet import arrow_bytes
from imagewikiqa.mixtures.recipe import SourceSettings
from imagewikiqa.mixtures.records import Span

_COLUMNS = pa.schema([("path", pa.string()), ("offset", pa.int64()), ("length", pa.int64())])
_FILE = -1  # length of what is a whole file: the file itself tells it


@dataclass(slots=True)
class _Found:
    """What a layout holds: address, container, offset and length of every image."""

    ids: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    lengths: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, name: str, path: str, offset: int, length: int) -> None:
        self.ids.append(name)
        self.paths.append(path)
        self.offsets.append(offset)
        self.lengths.append(length)


def write_places(settings: SourceSettings, ids: pa.Array, path: Path) -> None:
    """Publish an Arrow file with the place of every row of an index, null where there is none.

    Raises ToolkitError for a layout whose images lie in no file or plain tar.
    """
    found = _found(settings)
    rows = pc.index_in(ids, value_set=pa.array(found.ids, pa.string()))
    numbers = (np.frombuffer(one, np.int64) for one in (found.offsets, found.lengths))
    columns = (found.paths, *numbers)
    table = pa.table(
        [
            pa.array(column, kind.type).take(rows)
            for column, kind in zip(columns, _COLUMNS, strict=True)
        ],
        schema=_COLUMNS,
    )
    publish(path, arrow_bytes(table.to_batches(), _COLUMNS))


def packed_span(settings: SourceSettings, path: Path, row: int, size: int) -> Span:
    """Return the place of the image of a row; ToolkitError when it is not there as indexed."""
    table = opened_places(path)
    container = table["path"][row].as_py()
    if container is not None:
        length = table["length"][row].as_py()
        try:
            there = Path(container).stat().st_size
        except OSError:
            there = -1
        offset = table["offset"][row].as_py()
        if there == size if length == _FILE else length == size and offset + size <= there:
            return Span(path=container, offset=offset, length=size)
    raise ToolkitError(
        f"the image of row {row} of source {settings.name} is not in {settings.images} as its index"
        " says: make the index again and build to another --out"
    )


@lru_cache(maxsize=8)
def opened_places(path: Path) -> pa.Table:
    """Return the places in a file of `write_places`, mapped into memory."""
    return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()


def _found(settings: SourceSettings) -> _Found:
    found = _Found()
    for unit in open_image_set(f"{settings.layout}:{settings.images}").units():
        if isinstance(unit, NotesUnit):
            continue
        part = unit.part if isinstance(unit, EntryUnit) else None
        if not isinstance(unit, EntryUnit) or not isinstance(part, FolderPart | TarPart):
            raise _unreadable(settings, unit.id)
        if isinstance(part, TarPart) and (part.archive.inner or is_compressed(part.archive.path)):
            raise _unreadable(settings, part.archive.name)
        for name, path, offset, length in _places(part):
            place = unit.labels.of(name)
            if isinstance(place, Place):
                found.add(place.source_id, path, offset, length)
    return found


def _unreadable(settings: SourceSettings, where: str) -> ToolkitError:
    return ToolkitError(
        f"the images of source {settings.name} lie packed in {where}, where none can be read alone:"
        " unpack it, index the folder, and name that"
    )


def _places(part: FolderPart | TarPart) -> Iterator[tuple[str, str, int, int]]:
    """Yield name, container, offset and length of everything in a part."""
    if isinstance(part, FolderPart):
        for name in names_in(part.folder)[part.start : part.stop]:
            yield f"{part.prefix}{name}", f"{part.folder}/{name}", 0, _FILE
        return
    path = str(part.archive.path)
    with part.archive.open(part.start, part.limit) as stream:
        for member in members(stream, part.stop):
            if not member.problem and member.header not in part.repeated:
                name = f"{part.prefix}{plain(member.name).removeprefix(part.below)}"
                yield name, path, member.data, member.size

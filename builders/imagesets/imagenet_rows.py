"""ImageNet as the parquet files of `datasets`: image {bytes, path} and label, by row groups."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imagewikiqa.builders.imagesets.entries import CHUNK, MAX_BYTES, file_stamp, names_in
from imagewikiqa.builders.imagesets.imagenet_labels import ValLabels, train_place
from imagewikiqa.builders.imagesets.protocol import ImageSample, Split, Unit
from imagewikiqa.builders.imagesets.root import Root
from imagewikiqa.builders.imagesets.units import labels_digest
from imagewikiqa.builders.imagesets.verdicts import Place, Refusal, reject
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Reject

_NAME = re.compile(r"(train|validation|val|test)-[0-9]{5}-of-[0-9]{5}\.parquet")
_BATCH = 32  # rows in memory at a time
SPLITS: dict[str, Split] = {"train": "train", "validation": "val", "val": "val", "test": "test"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsUnit:
    """Some row groups of one parquet file."""

    path: Path
    groups: tuple[int, ...]
    first: int  # row of the file that the first group begins with
    split: Split
    labels: ValLabels

    @property
    def id(self) -> str:
        """Return the file name and the first row."""
        return f"{self.path.name}#{self.first:07d}"

    @property
    def stamp(self) -> str:
        """Return a digest of the labels, and of size and time of the file."""
        return digest([labels_digest(self.labels), *file_stamp(self.path), self.groups])

    def read(self) -> Iterator[ImageSample | Reject]:
        """Yield every row as an image with its bytes untouched, or as a reject row."""
        seen: set[str] = set()
        for number, row in enumerate(_rows(self.path, self.groups), self.first):
            row_id = f"{self.path.name}#{number:07d}"
            image = row["image"] or {}
            place = self._place(row_id, image.get("path"), row["label"])
            if isinstance(place, Place) and place.source_id in seen:
                place = Refusal("same name again in the file", place.source_id)
            data = checked_bytes(image.get("bytes"))
            if isinstance(place, Refusal):
                yield reject(row_id, place)
            elif isinstance(data, Refusal):
                yield reject(row_id, data)
            else:
                seen.add(place.source_id)
                yield place.sample(data)

    def _place(self, row_id: str, path: str | None, label: int | None) -> Place | Refusal:
        wnids = self.labels.wnids
        if self.split == "test" or label is None or not 0 <= label < len(wnids):
            return Refusal("no label for this row", "test images have none")
        file = (path or "").rpartition("/")[2]
        if not file:  # without a name the row is the address
            return Place(row_id, wnids[label], self.split)
        if self.split == "train":
            return train_place(file, wnids[label])
        return self.labels.place(file, wnids[label])


def checked_bytes(data: bytes | None) -> bytes | Refusal:
    """Return the bytes of an image column, or why there are none to use."""
    if data is None:
        return Refusal("no bytes in the row")
    return Refusal("too many bytes", str(len(data))) if len(data) > MAX_BYTES else data


def parquet_units(root: Root, labels: ValLabels) -> list[Unit]:
    """Return the units of train-*, validation-* and test-*.parquet in the folder or its data/.

    Raises ToolkitError for a file that is no parquet, or has other columns.
    """
    units: list[Unit] = []
    for folder in (root.images("data"), root.folder):
        for name in names_in(folder) if folder else []:
            match = _NAME.fullmatch(name)
            if folder and match:
                units += _file_units(folder / name, SPLITS[match[1]], labels)
        if units:
            break
    return units


def _file_units(path: Path, split: Split, labels: ValLabels) -> Iterator[Unit]:
    with _opened(path) as file:
        meta = file.metadata
        sizes = [meta.row_group(number).num_rows for number in range(meta.num_row_groups)]
        _check_columns(path, file.schema_arrow)
    groups: list[int] = []
    first = rows = 0
    for number, size in enumerate(sizes):
        if groups and rows + size > CHUNK:
            yield RowsUnit(path=path, groups=tuple(groups), first=first, split=split, labels=labels)
            groups, first, rows = [], first + rows, 0
        groups.append(number)
        rows += size
    if groups:
        yield RowsUnit(path=path, groups=tuple(groups), first=first, split=split, labels=labels)


def _check_columns(path: Path, schema: pa.Schema) -> None:
    image = schema.field("image").type if "image" in schema.names else pa.null()
    label = schema.field("label").type if "label" in schema.names else pa.null()
    inner = {field.name for field in image} if pa.types.is_struct(image) else set()
    if not {"bytes", "path"} <= inner or not pa.types.is_integer(label):
        raise ToolkitError(
            f"{path.name} has not the columns image {{bytes, path}} and label of ImageNet's"
            " parquet files; open it as datasets:DIR"
        )


def _rows(path: Path, groups: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    with _opened(path) as file:
        try:
            for batch in file.iter_batches(
                batch_size=_BATCH, row_groups=list(groups), columns=["image", "label"]
            ):
                yield from batch.to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from error


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ToolkitError:
    what = str(error).partition("\n")[0][:200].replace(str(path), path.name)
    return ToolkitError(
        f"the parquet file {path.name} is cut or damaged ({what}); download it again"
    )

"""Image sets of the `datasets` library: a local folder or a Hub id, streamed shard by shard.

The image bytes are taken as stored, never decoded here, and no code of a set is run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewikiqa.builders.imagesets.entries import CHUNK, MAX_BYTES, file_stamp, is_inside
from imagewikiqa.builders.imagesets.image_folder import SPLITS
from imagewikiqa.builders.imagesets.imagenet_rows import checked_bytes
from imagewikiqa.builders.imagesets.naming import ClassNames
from imagewikiqa.builders.imagesets.protocol import ImageSample, Unit
from imagewikiqa.builders.imagesets.units import LayoutSet
from imagewikiqa.builders.imagesets.verdicts import Place, Refusal, reject
from imagewikiqa.core.classes import slug
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.records import ClassEntry, Reject

# Readers of `datasets` that run no code of the set: its pandas reader, for one, unpickles.
SAFE = ("arrow", "imagefolder", "parquet", "webdataset")
LABELS = ("label", "labels", "fine_label")
_SAVED = ("dataset_dict.json", "state.json")  # what `save_to_disk` leaves


@dataclass(frozen=True, slots=True)
class Source:
    """What `datasets` opens: an id or folder, and the name of a configuration."""

    ref: str
    config: str | None

    @property
    def local(self) -> Path | None:
        """Return the folder, None for a set of the Hub."""
        return Path(self.ref) if Path(self.ref).exists() else None

    def splits(self) -> dict[str, Any]:
        """Return every split, streaming; raise ToolkitError where `datasets` cannot open them."""
        library = _library()
        try:
            if self.local and any((self.local / name).exists() for name in _SAVED):
                return _saved(library, self.local)
            builder = library.load_dataset_builder(self.ref, self.config)
            reader = type(builder).__module__.rpartition(".")[2]
            if reader not in SAFE:
                raise ToolkitError(
                    f"the image set {self.ref} is stored as {reader!r}, which is not read for"
                    f" safety; convert it to one of {', '.join(SAFE)}"
                )
            return dict(builder.as_streaming_dataset())
        except ToolkitError:
            raise
        except Exception as error:  # the library's errors have no common type
            what = str(error).partition("\n")[0][:300]
            raise ToolkitError(
                f"the image set {self.ref} cannot be opened ({type(error).__name__}: {what}); give"
                " a folder or Hub id that datasets.load_dataset opens, as in"
                " datasets:ID_OR_DIR#CONFIG"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns hold image and label, and the class id of each label."""

    image: str
    label: str
    class_ids: Mapping[int | str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardUnit:
    """One shard of one split, numbered from 0."""

    source: Source
    split: str
    shard: int
    shards: int
    columns: Columns
    files: str  # digest of sizes and times of the files of a local set

    @property
    def id(self) -> str:
        """Return split and shard."""
        return f"{self.split}/{self.shard:05d}-of-{self.shards:05d}"

    @property
    def stamp(self) -> str:
        """Return a digest of the columns and, of a local set, of its files' sizes and times."""
        ids = sorted((str(key), value) for key, value in self.columns.class_ids.items())
        return digest([self.columns.image, self.columns.label, ids, self.files])

    def read(self) -> Iterator[ImageSample | Reject]:
        """Yield every row as an image with its bytes untouched, or as a reject row."""
        image = _library().Image(decode=False)
        rows = self.source.splits()[self.split].cast_column(self.columns.image, image)
        split = SPLITS.get(self.split, "all")
        for number, row in enumerate(rows.shard(num_shards=self.shards, index=self.shard)):
            row_id = f"{self.id}#{number:07d}"
            class_id = self.columns.class_ids.get(row[self.columns.label])
            data = _bytes(row[self.columns.image] or {}, self.source.local)
            if isinstance(data, Refusal):
                yield reject(row_id, data)
            elif class_id is None:
                yield reject(row_id, Refusal("no class for this label", _label(row, self.columns)))
            else:
                yield Place(row_id, class_id, split).sample(data)


def open_datasets(ref: str, classes: Sequence[ClassEntry] | None = None) -> LayoutSet:
    """Open "ID_OR_DIR" or "ID_OR_DIR#CONFIG"; labels become classes of their own, or of a list.

    Raises ToolkitError for a set without one image column and one label column of class names.
    """
    place, _, config = ref.partition("#")
    source = Source(place, config or None)
    units: list[Unit] = []
    files = _files_digest(source.local)
    entries = tuple(classes or ())
    for name, split in sorted(source.splits().items()):
        features = _features(source, split)
        image, label = _image_column(source, features), _label_column(source, features)
        names = getattr(features[label], "names", None)
        if classes is None:
            own = _entries(source, label, names)
            if entries and own != entries:
                raise ToolkitError(
                    f"the splits of {source.ref} name different classes; give a list"
                )
            entries = own
        columns = Columns(image=image, label=label, class_ids=_class_ids(names, entries))
        shards = _shards(split)
        units += [
            ShardUnit(
                source=source,
                split=str(name),
                shard=n,
                shards=shards,
                columns=columns,
                files=files,
            )
            for n in range(shards)
        ]
    return LayoutSet(name="datasets", classes=entries, found=tuple(units))


def _files_digest(folder: Path | None) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder else []
    return digest([file_stamp(path) for path in files])


def _library() -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("datasets", "images") from None
    return datasets


def _saved(library: Any, folder: Path) -> dict[str, Any]:
    found = library.load_from_disk(str(folder))
    return dict(found) if isinstance(found, dict) else {"all": found}


def _shards(split: Any) -> int:
    """Return in how many shards a split is read: its files, or slices of a table on disk."""
    return int(getattr(split, "num_shards", None) or -(-len(split) // CHUNK) or 1)


def _features(source: Source, split: Any) -> Mapping[str, Any]:
    features: Mapping[str, Any] | None = split.features
    if features is None:
        raise ToolkitError(
            f"the image set {source.ref} states no column types; save it with a label column of"
            " datasets.ClassLabel and an image column of datasets.Image"
        )
    return features


def _image_column(source: Source, features: Mapping[str, Any]) -> str:
    images = [name for name, kind in features.items() if isinstance(kind, _library().Image)]
    if len(images) != 1:
        raise _unclear(source, "image column of datasets.Image", images, features)
    return images[0]


def _label_column(source: Source, features: Mapping[str, Any]) -> str:
    labels = [name for name, kind in features.items() if isinstance(kind, _library().ClassLabel)]
    texts = [name for name in LABELS if getattr(features.get(name), "dtype", "") == "string"]
    named = [name for name in LABELS if name in labels]
    if len(labels) != 1 and not named and len(texts) != 1:
        raise _unclear(source, "label column of datasets.ClassLabel", labels, features)
    return (named or labels or texts)[0]


def _unclear(
    source: Source, what: str, found: list[str], features: Mapping[str, Any]
) -> ToolkitError:
    return ToolkitError(
        f"the image set {source.ref} has {len(found)} columns that may be the {what} (its columns:"
        f" {', '.join(sorted(map(str, features)))}); save it with one"
    )


def _entries(source: Source, label: str, names: list[str] | None) -> tuple[ClassEntry, ...]:
    if names is None:
        raise ToolkitError(
            f"the labels in the column {label!r} of {source.ref} are texts; give the class list"
            " that they name"
        )
    ids = [slug(name) for name in names]
    if not all(ids) or len(set(ids)) < len(ids):
        ids = [f"class-{number:05d}" for number in range(len(names))]
    folded = [name.casefold() for name in names]
    if len(set(folded)) < len(folded):
        twice = next(name for name in names if folded.count(name.casefold()) > 1)
        raise ToolkitError(
            f"two labels of {source.ref} have the name {twice!r}; give a class list with distinct"
            " names"
        )
    pairs = enumerate(zip(ids, names, strict=True))
    return tuple(ClassEntry(id=i, name=name, index=index) for index, (i, name) in pairs)


def _class_ids(
    names: list[str] | None, entries: Sequence[ClassEntry]
) -> dict[int | str, str | None]:
    """Return the class id of each label: a number where the set names its classes, else a text."""
    known = ClassNames.of(entries)
    if names is not None:
        return {number: known.id_of(name) for number, name in enumerate(names)}
    return {text: entry.id for entry in entries for text in (entry.name, *entry.synonyms, entry.id)}


def _label(row: Mapping[str, Any], columns: Columns) -> str:
    return f"{columns.label} = {row[columns.label]!r}"[:200]


def _bytes(image: Mapping[str, Any], folder: Path | None) -> bytes | Refusal:
    data: bytes | None = image.get("bytes")
    path = Path(str(image.get("path") or ""))
    if data is None and folder is not None and path.is_file():
        if not is_inside(path, folder.resolve()):
            return Refusal("link out of the folder")
        if path.stat().st_size > MAX_BYTES:
            return Refusal("too many bytes", str(path.stat().st_size))
        data = path.read_bytes()
    return checked_bytes(data)

"""Builds each image set small, in the exact layout and file formats of its publication."""

import io
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

from imagewikiqa.builders.imagesets.protocol import ImageSample, ImageSet, Unit
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.records import Reject

Files = dict[str, bytes]


@dataclass(frozen=True)
class Whole:
    """All that a set gives: its images by address, and its reject rows."""

    images: dict[str, tuple[str, str, bytes]]  # class id, split, bytes
    rejects: list[Reject]

    @property
    def reasons(self) -> dict[str, str]:
        return {row.input: row.reason for row in self.rejects}

    @property
    def splits(self) -> Counter[str]:
        return Counter(split for _, split, _ in self.images.values())


def read_all(image_set: ImageSet, root: Path) -> Whole:
    """Read every unit as a worker would, and check what holds of every set."""
    units = list(image_set.units())
    assert len({unit.id for unit in units}) == len(units)
    assert [unit.id for unit in image_set.units()] == [unit.id for unit in units]
    images: dict[str, tuple[str, str, bytes]] = {}
    rejects: list[Reject] = []
    known = {entry.id for entry in image_set.classes}
    for unit in map(sent, units):
        assert str(root) not in unit.id
        for row in unit.read():
            if isinstance(row, Reject):
                rejects.append(row)
                continue
            assert isinstance(row, ImageSample)
            assert row.source_id not in images, row.source_id
            assert row.class_id in known, row.class_id
            images[row.source_id] = (row.class_id, row.split, row.data)
    assert all(str(root) not in row.model_dump_json() for row in rejects)
    assert all(row.stage == "images" and row.reason for row in rejects)
    assert len({row.id for row in rejects}) == len(rejects)
    return Whole(images, sorted(rejects, key=lambda row: row.id))


def sent(unit: Unit) -> Unit:
    """Return a unit as it arrives in a worker process."""
    packed = bytes(ForkingPickler.dumps(unit))
    assert len(packed) < 2_000_000
    arrived: Unit = ForkingPickler.loads(packed)
    return arrived


@cache
def _jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), "green").save(stream, "JPEG")
    return stream.getvalue()


def picture(name: str) -> bytes:
    """Return a JPEG of its own for every name: decoders pass over what follows its end."""
    return _jpeg() + name.encode()


def pictures(names: Iterable[str]) -> Files:
    return {name: picture(name) for name in names}


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def tarred(files: Mapping[str, bytes], folders: Sequence[str] = ()) -> bytes:
    """Return a plain tar with folder members before the files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in folders:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def tgz(files: Mapping[str, bytes], folders: Sequence[str] = ()) -> bytes:
    import gzip

    return gzip.compress(tarred(files, folders), 1, mtime=0)


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def mat(variables: dict[str, Any], compressed: bool = True) -> bytes:
    """Return a MATLAB 5 file."""
    stream = io.BytesIO()
    target: Any = stream  # scipy takes streams, its types do not say so
    savemat(target, variables, do_compression=compressed)
    return stream.getvalue()


def cell(texts: Sequence[str]) -> Any:
    """Return texts as MATLAB's 1 x N cell array."""
    array = np.empty((1, len(texts)), dtype=object)
    array[0, :] = texts
    return array


def struct(fields: Sequence[str], rows: Sequence[Sequence[Any]], column: bool = False) -> Any:
    """Return rows as MATLAB's 1 x N (or N x 1) struct array, numbers as 1 x 1 arrays."""
    array = np.empty(len(rows), dtype=[(field, object) for field in fields])
    for number, row in enumerate(rows):
        array[number] = tuple(np.array([[v]]) if isinstance(v, np.generic) else v for v in row)
    return array.reshape((-1, 1) if column else (1, -1))


# Flowers102


def flower_notes(labels: Sequence[int], splits: Mapping[str, Sequence[int]]) -> Files:
    """Return imagelabels.mat (1 x N, uint8) and setid.mat (three 1 x N, uint16)."""
    sets = {name: np.array([numbers], dtype=np.uint16) for name, numbers in splits.items()}
    return {
        "imagelabels.mat": mat({"labels": np.array([labels], dtype=np.uint8)}),
        "setid.mat": mat(sets),
    }


def flower_images(count: int) -> Files:
    return pictures(f"jpg/image_{number:05d}.jpg" for number in range(1, count + 1))


# Stanford Cars

BOX = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


def car_names() -> list[str]:
    """Return the 196 official names: the year is last."""
    names = [entry.name for entry in load_classes("stanford_cars")]
    return [" ".join([*name.split()[1:], name.split()[0]]) for name in names]


def car_meta(names: Sequence[str]) -> bytes:
    return mat({"class_names": cell(names)})


def _box() -> tuple[np.uint16, ...]:
    return tuple(np.uint16(value) for value in (39, 116, 569, 375))


def car_half(labels: Sequence[int] | None, count: int = 0) -> bytes:
    """Return cars_train_annos.mat or its test twin; without labels cars_test_annos.mat."""
    if labels is None:
        rows = [(*_box(), f"{n:05d}.jpg") for n in range(1, count + 1)]
        return mat({"annotations": struct((*BOX, "fname"), rows)})
    named = [(*_box(), np.uint8(c), f"{n:05d}.jpg") for n, c in enumerate(labels, 1)]
    return mat({"annotations": struct((*BOX, "class", "fname"), named)})


def car_whole(labels: Sequence[tuple[int, bool]], names: Sequence[str]) -> bytes:
    """Return cars_annos.mat: one list for both halves, and the class names."""
    fields = ("relative_im_path", *BOX, "class", "test")
    rows = [
        (f"car_ims/{number:06d}.jpg", *_box(), np.uint8(label), np.uint8(test))
        for number, (label, test) in enumerate(labels, 1)
    ]
    return mat({"annotations": struct(fields, rows), "class_names": cell(names)})


# Oxford-IIIT Pets


def pet_list(rows: Iterable[tuple[str, int]], header: bool = False) -> bytes:
    """Return list.txt (with its comments), trainval.txt or test.txt."""
    lines = ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids"] if header else []
    lines += [f"{name} {label} {2 - name[0].isupper()} {label}" for name, label in rows]
    return "\n".join([*lines, ""]).encode()


# ImageNet


def devkit_ids() -> dict[str, int]:
    """Return class numbers 1 to 1,000 in an order that is not the label order, as published."""
    wnids = [entry.id for entry in load_classes("imagenet")]
    return {wnid: number for number, wnid in enumerate(sorted(wnids, key=lambda w: w[::-1]), 1)}


def devkit_meta() -> bytes:
    """Return meta.mat: an N x 1 struct array of the 1,000 classes and some inner nodes."""
    fields = ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children")
    fields += ("wordnet_height", "num_train_images")  # type: ignore[assignment]
    empty = np.zeros((0, 0))
    rows: list[tuple[Any, ...]] = []
    for wnid, number in devkit_ids().items():
        leaf = (np.float64(number), wnid, "words", "gloss", np.float64(0), empty)
        rows.append((*leaf, np.float64(0), np.float64(1300)))
    for number in range(1001, 1011):
        children = np.array([[1.0, 2.0]])
        inner = (np.float64(number), f"n{number:08d}", "words", "gloss", np.float64(2), children)
        rows.append((*inner, np.float64(1), np.float64(0)))
    return mat({"synsets": struct(fields, rows, column=True)})


DEVKIT = "ILSVRC2012_devkit_t12"


def devkit(labels: Sequence[str]) -> Files:
    """Return the development kit's files for the wnids of the validation images in order."""
    ids = devkit_ids()
    truth = "".join(f"{ids[label]}\n" for label in labels).encode()
    return {
        f"{DEVKIT}/readme.txt": b"read me",
        f"{DEVKIT}/data/meta.mat": devkit_meta(),
        f"{DEVKIT}/data/ILSVRC2012_validation_ground_truth.txt": truth,
    }


def solution(labels: Sequence[str]) -> bytes:
    """Return Kaggle's LOC_val_solution.csv: wnid and a box, repeated for each object."""
    rows = [
        f"ILSVRC2012_val_{number:08d},{wnid} 85 1 499 272 {wnid} 1 2 3 4 \n"
        for number, wnid in enumerate(labels, 1)
    ]
    return ("ImageId,PredictionString\n" + "".join(reversed(rows))).encode()

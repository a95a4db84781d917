"""Image sets without files: cheap images with distinct bytes, and programs that index them."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from imagewikiqa.builders.imagesets.index import build_index
from imagewikiqa.builders.imagesets.merge import IMAGES, REJECTS, REPORT
from imagewikiqa.builders.imagesets.protocol import ImageSample, Split, Unit
from imagewikiqa.core.records import ClassEntry, Reject
from imagewikiqa.core.runs import finish_run, open_run

from .image_bytes import coded, scene


@cache
def _base() -> bytes:
    return coded(scene(16, 12), "JPEG")


def photo(mark: str) -> bytes:
    """Return a small JPEG with a comment of its own, so that its bytes are its own."""
    comment = mark.encode()
    size = (len(comment) + 2).to_bytes(2, "big")
    return _base()[:2] + b"\xff\xfe" + size + comment + _base()[2:]


@dataclass(frozen=True, slots=True)
class FakeUnit:
    """Some numbered images of one class: each 7th is cut, each 10th the one before it again."""

    number: int
    images: int
    stamp: str = ""

    @property
    def id(self) -> str:
        return f"train/c{self.number:05d}"

    def read(self) -> Iterator[ImageSample | Reject]:
        name = f"c{self.number:05d}"
        yield Reject(id=f"images:{name}/x", stage="images", input=f"{name}/x", reason="system file")
        for at in range(self.images):
            mark = f"{self.number}-{at - (at % 10 == 9)}{self.stamp}"
            data = photo(mark)[: -9 if at % 7 == 6 else None]
            split: Split = "val" if at % 5 == 4 else "train"
            yield ImageSample(
                source_id=f"{self.id}/{at}.jpg", class_id=name, split=split, data=data
            )


@dataclass(frozen=True, slots=True)
class ListedUnit:
    """Given samples and rejects."""

    id: str
    found: tuple[ImageSample | Reject, ...]
    fails: bool = False

    def read(self) -> Iterator[ImageSample | Reject]:
        yield from self.found
        if self.fails:
            raise PermissionError(13, "Permission denied", self.id)


@dataclass(frozen=True, slots=True)
class FakeSet:
    """A set of given units."""

    found: tuple[Unit, ...]
    class_ids: tuple[str, ...]
    name: str = "fake"

    @property
    def classes(self) -> Sequence[ClassEntry]:
        return [ClassEntry(id=one, name=one) for one in self.class_ids]

    def units(self) -> Sequence[Unit]:
        return self.found


def fake_set(units: int, images: int) -> FakeSet:
    return FakeSet(
        tuple(FakeUnit(number, images) for number in range(units)),
        tuple(f"c{number:05d}" for number in range(units)),
    )


def main() -> None:
    """Index --units of --images each with --workers processes into a run folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--units", type=int, default=3)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    made = fake_set(options.units, options.images)
    settings = {"out": str(options.out), "workers": options.workers}
    with open_run(options.out, settings, {"set": "0" * 64}, settings) as run:
        build_index(made, run.path, workers=options.workers)
        finish_run(run, {}, [run.path / name for name in (IMAGES, REJECTS, REPORT)])


if __name__ == "__main__":
    main()

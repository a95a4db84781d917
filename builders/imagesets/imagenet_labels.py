"""What the names and places of ImageNet's files say: the class of each, and a common address.

The addresses are the same in every layout: "train/n01440764/n01440764_36.JPEG" and
"val/ILSVRC2012_val_00000001.JPEG".
"""

import re
from array import array
from dataclasses import dataclass

from imagewikiqa.builders.imagenet_val import ValLabel, val_label_of
from imagewikiqa.builders.imagesets.verdicts import Place, Refusal

_TRAIN = re.compile(r"(n[0-9]{8})_([0-9]+)(?:_(n[0-9]{8}))?\.(?:jpe?g|png|webp)", re.I)
_TRAILER = re.compile(r"_(n[0-9]{8})\.[A-Za-z]+$")


@dataclass(frozen=True, slots=True)
class TrainLabels:
    """Class by folder, which the file name must repeat."""

    wnids: frozenset[str]

    def of(self, name: str) -> Place | Refusal:
        """Return the place of "train/WNID/WNID_NUMBER.JPEG"."""
        _, wnid, file = name.split("/", 2) if name.count("/") > 1 else ("", "", name)
        if wnid not in self.wnids:
            return Refusal("no class for this folder", wnid)
        return train_place(file, wnid)


@dataclass(frozen=True, slots=True)
class ValLabels:
    """Class by a ground truth, or by folder where the images lie in class folders.

    Without a ground truth of the user's the packaged table decides, which leaves 168 of the 50,000
    images without a class: its source cannot tell two classes of one name apart.
    """

    wnids: tuple[str, ...]  # in label order
    truth: bytes = b""  # class indices as 16-bit numbers, in the order of the images
    repeated: frozenset[str] = frozenset()  # names in class folders that another folder has first

    def of(self, name: str) -> Place | Refusal:
        """Return the place of "val/NAME" or "val/WNID/NAME"."""
        folder, _, file = name.rpartition("/")
        wnid = folder.rpartition("/")[2] if "/" in folder else None
        if name in self.repeated:
            return Refusal("same name in another class folder")
        return self.place(file, wnid)

    def place(self, file: str, wnid: str | None) -> Place | Refusal:
        """Return the place of a file; a `wnid` says what its folder or row claims."""
        image = val_label_of(file)
        if image is None:
            return Refusal("not an image of the set", "images are ILSVRC2012_val_NNNNNNNN.JPEG")
        if wnid is not None and wnid not in self.wnids:
            return Refusal("no class for this folder", wnid)
        classes = [self.wnids[index] for index in self._indices(image)]
        trailer = _TRAILER.search(file)
        claims = {claim for claim in (wnid, trailer and trailer[1]) if claim}
        if claims:
            classes = [one for one in classes if claims == {one}]
            if not classes:
                return Refusal("label and ground truth disagree", " and ".join(sorted(claims)))
        elif not self.truth and image.label is not None:
            classes = [self.wnids[image.label]]
        if len(classes) > 1:
            return Refusal("ambiguous label", f"one of {', '.join(classes)}")
        return Place(f"val/{image.name}", classes[0], "val")

    def _indices(self, image: ValLabel) -> tuple[int, ...]:
        if not self.truth:
            return image.candidates
        return (memoryview(self.truth).cast("h")[image.number - 1],)


def train_place(file: str, wnid: str) -> Place | Refusal:
    """Return the place of a training file that its folder, tar or row puts into a class."""
    match = _TRAIN.fullmatch(file)
    if match is None:
        return Refusal("not an image of the set", "images are WNID_NUMBER.JPEG")
    if {match[1], match[3] or wnid} != {wnid}:
        return Refusal("label and file name disagree", f"{match[1]} in {wnid}")
    plain = file if match[3] is None else f"{wnid}_{match[2]}.JPEG"
    return Place(f"train/{wnid}/{plain}", wnid, "train")


def packed_truth(indices: list[int]) -> bytes:
    """Return class indices as the bytes that ValLabels holds: 100 kB to take to each worker."""
    return array("h", indices).tobytes()

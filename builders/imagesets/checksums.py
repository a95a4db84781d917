"""MD5 sums of the archives and annotation files, as their sources or torchvision publish them."""

import hashlib
from pathlib import Path

from imagewikiqa.builders.imagesets.root import STEPS
from imagewikiqa.core.errors import ToolkitError

# Looked up in torchvision's readers; a file without a published sum is not in the table.
MD5 = {
    "ILSVRC2012_img_train.tar": "1d675b47d978889d74fa0da5fadfb00e",
    "ILSVRC2012_img_val.tar": "29b22e2961454d5413ddabcf34fc5622",
    "ILSVRC2012_devkit_t12.tar.gz": "fa75699e90414af021442c21a62c3abf",
    "102flowers.tgz": "52808999861908f626f3c1f4e79d11fa",
    "imagelabels.mat": "e0620be6f572b9609742df49c70aed4d",
    "setid.mat": "a5357ecc9cb78c4bef273ce3793fc85c",
    "cars_train.tgz": "065e5b463ae28d29e77c1b4b166cfe61",
    "cars_test.tgz": "4ce7ebf6a94d07f1952d94dd34c4d501",
    "car_devkit.tgz": "c3b158d763b6e2245038c8ad08e45376",
    "cars_test_annos_withlabels.mat": "b0a2b23655a3edd16d84508592a98d10",
    "101_ObjectCategories.tar.gz": "b224c7392d521a49829488ab0f1120d9",
    "caltech-101.zip": "3138e1922a9193bfa496528edbbc45d0",
    "images.tar.gz": "5c4f3ee8e5d25df40f4fd59a7f44e54c",
    "annotations.tar.gz": "95a8c909bbe2e81eed6a22bccdf3f68f",
    "food-101.tar.gz": "85eeb15f3717b99a5da872d97d918f87",
}
PUBLISHED = {
    "imagenet": (
        "ILSVRC2012_img_train.tar",
        "ILSVRC2012_img_val.tar",
        "ILSVRC2012_devkit_t12.tar.gz",
    ),
    "flowers102": ("102flowers.tgz", "imagelabels.mat", "setid.mat"),
    "stanford_cars": (
        "cars_train.tgz",
        "cars_test.tgz",
        "car_devkit.tgz",
        "cars_test_annos_withlabels.mat",
    ),
    "caltech101": ("101_ObjectCategories.tar.gz", "caltech-101.zip"),
    "oxford_pets": ("images.tar.gz", "annotations.tar.gz"),
    "food101": ("food-101.tar.gz",),
}


def verify(kind: str, folder: Path) -> tuple[str, ...]:
    """Hash the files of a set whose checksum is published; return their names.

    Raises ToolkitError for the first file with another sum, and where there is none to hash.
    """
    steps = ("", *STEPS.get(kind, ()))
    wanted = [f"{step}/{name}".lstrip("/") for step in steps for name in PUBLISHED.get(kind, ())]
    names = [name for name in wanted if (folder / name).is_file()]
    if not names:
        have = ", ".join(PUBLISHED.get(kind, ())) or "none"
        raise ToolkitError(
            f"nothing in {folder} has a published checksum (for {kind}: {have}); put the archives"
            " as downloaded beside the images, or open the set without verifying"
        )
    for name in names:
        found = _md5(folder / name)
        published = MD5[name.rpartition("/")[2]]
        if found != published:
            raise ToolkitError(
                f"{folder / name} is not the published file: its MD5 is {found}, not {published};"
                " download it again"
            )
    return tuple(names)


def _md5(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
    except OSError as error:
        raise ToolkitError(
            f"{path} cannot be hashed ({error.strerror}); give a readable file"
        ) from error
    return digest.hexdigest()

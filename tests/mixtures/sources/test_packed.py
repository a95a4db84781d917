"""Images in plain tars, and in layouts whose addresses are no paths, are read in place."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from imagewikiqa.builders.imagesets.index import build_index
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe import SourceSettings
from imagewikiqa.mixtures.sources.open import open_source
from imagewikiqa.mixtures.sources.protocol import Source
from tests.builders.imagesets.fake_set import photo

WNIDS = ("n01440764", "n01443537")


def tar_of(members: dict[str, bytes]) -> bytes:
    """Return a plain tar."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def photos(wnid: str) -> dict[str, bytes]:
    return {f"{wnid}_{at}.JPEG": photo(f"{wnid}-{at}") for at in range(3)}


def indexed(folder: Path) -> Source:
    """Index ImageNet in whichever layout lies in FOLDER/images and open it as a source."""
    build_index(open_image_set(f"imagenet:{folder / 'images'}"), folder / "index")
    fields = {"name": "imagenet", "read": f"images:{folder / 'index'}", "classes": "imagenet"}
    fields |= {"images": str(folder / "images"), "layout": "imagenet"}
    return open_source(SourceSettings.model_validate(fields), folder / "work")


def contents(source: Source) -> dict[str, str]:
    """Return the digest of the bytes that each row's span holds; it is that of the index."""
    index = source.index()
    found = {}
    for row in index.usable.tolist():
        said, span = source.sample(row, "name_object", 0)
        assert span is not None
        with Path(span.path).open("rb") as stream:
            stream.seek(span.offset)
            sha256 = hashlib.sha256(stream.read(span.length)).hexdigest()
        assert bytes.fromhex(sha256) == index.image_sha256[row].as_py()
        found[said["source_id"]] = sha256
    return found


def test_the_published_tar_of_tars_and_kaggles_tree_give_the_same_images(tmp_path: Path) -> None:
    packed, tree = tmp_path / "packed", tmp_path / "tree"
    (packed / "images").mkdir(parents=True)
    inner = {f"{wnid}.tar": tar_of(photos(wnid)) for wnid in WNIDS}
    (packed / "images/ILSVRC2012_img_train.tar").write_bytes(tar_of(inner))
    for wnid in WNIDS:
        (tree / "images/ILSVRC/Data/CLS-LOC/train" / wnid).mkdir(parents=True)
        for name, data in photos(wnid).items():
            (tree / "images/ILSVRC/Data/CLS-LOC/train" / wnid / name).write_bytes(data)
    from_tar, from_tree = contents(indexed(packed)), contents(indexed(tree))
    assert from_tar == from_tree and len(from_tar) == 6


def test_images_that_have_moved_are_found_where_the_recipe_says_now(tmp_path: Path) -> None:
    place = tmp_path / "images/train" / WNIDS[0]
    place.mkdir(parents=True)
    for name, data in photos(WNIDS[0]).items():
        (place / name).write_bytes(data)
    before = contents(indexed(tmp_path))
    (tmp_path / "images").rename(tmp_path / "moved")
    fields = {"name": "imagenet", "read": f"images:{tmp_path / 'index'}", "classes": "imagenet"}
    fields |= {"images": str(tmp_path / "moved"), "layout": "imagenet"}
    source = open_source(SourceSettings.model_validate(fields), tmp_path / "work")
    assert contents(source) == before and len(before) == 3


def test_an_image_that_is_gone_is_left_out_and_a_cut_archive_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "images/train" / WNIDS[0]
    folder.mkdir(parents=True)
    for name, data in photos(WNIDS[0]).items():
        (folder / name).write_bytes(data)
    source = indexed(tmp_path)
    (folder / f"{WNIDS[0]}_1.JPEG").unlink()
    assert source.index().left_out() == {"image missing": 1}
    (folder / f"{WNIDS[0]}_2.JPEG").write_bytes(b"x")
    with pytest.raises(ToolkitError, match="the image of row 2 of source imagenet is not in"):
        source.sample(2, "name_object", 0)

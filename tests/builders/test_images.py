"""Images are found in both layouts and decoded in full; each bad file is rejected with a reason."""

import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from imagewikiqa.builders.imagenet_val import unresolved_val_images, val_labels, valid_val_images
from imagewikiqa.builders.images import load_images
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

IMAGENET = load_classes("imagenet")
OWN = (ClassEntry(id="cat", name="cat"), ClassEntry(id="dog", name="dog"))


def picture(kind: str = "JPEG", colour: str = "red", frames: int = 1, mode: str = "RGB") -> bytes:
    images = [Image.new(mode, (16, 12), colour) for _ in range(frames)]
    if frames > 1:
        images[1].paste("white", (0, 0, 5, 5))
    stream = io.BytesIO()
    images[0].save(
        stream, kind, **({"save_all": True, "append_images": images[1:]} if frames > 1 else {})
    )
    return stream.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG whose header claims a size that its few bytes of pixels do not hold."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def reasons(root: Path, classes: tuple[ClassEntry, ...] = OWN) -> dict[str, str]:
    refs, rejects = load_images(f"folder:{root}", classes)
    assert all(reject.stage == "images" for reject in rejects)
    assert refs == sorted(refs, key=lambda ref: ref.id)
    assert len({reject.id for reject in rejects}) == len(rejects)
    return {reject.input: reject.reason for reject in rejects}


def test_none_gives_no_images() -> None:
    assert load_images("none", OWN) == ([], [])


def test_validation_images_are_named_without_pixels_and_only_where_the_label_holds() -> None:
    some = (IMAGENET[292], IMAGENET[836])
    refs, rejects = load_images("imagenet-val", some)
    assert rejects == [] and all(ref.sha256 is None for ref in refs)
    by_class = {entry.id: {r.id for r in refs if r.class_id == entry.id} for entry in some}
    for index, entry in ((292, some[0]), (836, some[1])):
        assert by_class[entry.id] == {f"images/{name}" for name in valid_val_images(index)}
    assert len(refs) == len(valid_val_images(292)) + 2 > 20
    assert [ref.id for ref in refs] == sorted(ref.id for ref in refs)


def test_a_subset_of_imagenet_may_have_positions_of_its_own() -> None:
    moved = IMAGENET[292].model_copy(update={"index": 0})
    assert load_images("imagenet-val", [moved]) == load_images("imagenet-val", [IMAGENET[292]])


def test_validation_images_are_refused_for_other_classes() -> None:
    with pytest.raises(ToolkitError, match="'cat' is none of them; use --images folder:DIR"):
        load_images("imagenet-val", [IMAGENET[0], *OWN])


@pytest.mark.parametrize("spec", ["", "folder", "folder:", "index:", "imagenet", "dir:x", "none:"])
def test_an_unknown_source_is_refused_with_those_there_are(spec: str) -> None:
    with pytest.raises(ToolkitError, match="have: none, imagenet-val, folder:DIR, index:DIR"):
        load_images(spec, OWN)


def test_a_folder_per_class_gives_its_images_with_their_digests(tmp_path: Path) -> None:
    kinds = {"b.png": "PNG", "a.JPEG": "JPEG", "c.webp": "WEBP", "d.gif": "GIF"}
    for name, kind in kinds.items():
        put(tmp_path / "cat" / name, picture(kind))
    put(
        tmp_path / "dog" / "e.jpg", picture("PNG", "blue")
    )  # as n02105855_2933.JPEG: a PNG by content
    put(tmp_path / "dog" / "f.jpg", picture("JPEG", mode="CMYK", colour="#000000"))
    refs, rejects = load_images(f"folder:{tmp_path}", OWN)
    assert rejects == []
    names = ["cat/a.JPEG", "cat/b.png", "cat/c.webp", "cat/d.gif", "dog/e.jpg", "dog/f.jpg"]
    assert [ref.id for ref in refs] == names
    for ref in refs:
        assert ref.class_id == ref.id.split("/")[0]
        assert ref.sha256 == hashlib.sha256((tmp_path / ref.id).read_bytes()).hexdigest()


def test_bad_files_are_rejected_one_by_one(tmp_path: Path) -> None:
    whole = picture("JPEG")
    files = {
        "cat/cut.jpg": whole[:-40],
        "cat/empty.png": b"",
        "cat/page.jpg": b"<html>404</html>",
        "cat/notes.txt": b"hello",
        "cat/old.bmp": picture("BMP"),
        "cat/moving.gif": picture("GIF", frames=2),
        "cat/moving.png": picture("PNG", frames=2),
        "cat/moving.webp": picture("WEBP", frames=2),
        "cat/large.png": png_of_size(10_000, 5_001),
        "cat/huge.png": png_of_size(60_000, 60_000),
        "cat/hollow.png": png_of_size(10_000, 5_000),
        "cat/inner/a.jpg": whole,
        "bird/a.jpg": whole,
        "a.jpg": whole,
        "cat/good.jpg": whole,
    }
    for name, data in files.items():
        put(tmp_path / name, data)
    assert reasons(tmp_path) == {
        "cat/cut.jpg": "truncated",
        "cat/empty.png": "empty",
        "cat/page.jpg": "html",
        "cat/notes.txt": "not an image",
        "cat/old.bmp": "unsupported format",
        "cat/moving.gif": "animated",
        "cat/moving.png": "animated",
        "cat/moving.webp": "animated",
        "cat/large.png": "too many pixels",
        "cat/huge.png": "too many pixels",
        "cat/hollow.png": "damaged",
        "cat/inner": "folder inside a class folder",
        "bird": "no class for this folder",
        "a.jpg": "no class for this file",
    }


def test_two_runs_give_the_same_rows(tmp_path: Path) -> None:
    for name, colour in {"cat/b": "red", "cat/a": "blue", "dog/a": "green", "x/y": "red"}.items():
        put(tmp_path / f"{name}.jpg", picture(colour=colour))
    put(tmp_path / "dog" / "bad.jpg", b"bad")
    once = load_images(f"folder:{tmp_path}", OWN)
    assert once == load_images(f"folder:{tmp_path}", OWN)
    assert (len(once[0]), len(once[1])) == (3, 2)


def test_cut_files_are_never_filled_with_grey(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "good.jpg", picture())
    put(tmp_path / "cat" / "cut.jpg", picture()[:-40])
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert reasons(tmp_path) == {"cat/cut.jpg": "truncated"}
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_links_lead_nowhere_outside_the_folder(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(root / "cat" / "a.jpg", picture())
    put(outside / "b.jpg", picture())
    (root / "cat" / "inside.jpg").symlink_to(root / "cat" / "a.jpg")
    (root / "cat" / "outside.jpg").symlink_to(outside / "b.jpg")
    (root / "cat" / "loop.jpg").symlink_to(root / "cat" / "loop.jpg")
    (root / "cat" / "broken.jpg").symlink_to(root / "cat" / "gone.jpg")
    (root / "dog").symlink_to(outside)
    found = reasons(root)
    loop = found.pop("cat/loop.jpg")
    assert loop in {"link out of the folder", "not a file"}  # Python 3.13 resolves loops
    assert found == {
        "cat/outside.jpg": "link out of the folder",
        "cat/broken.jpg": "not a file",
        "cat/inside.jpg": "same picture again",
        "dog": "link out of the folder",
    }
    refs, _ = load_images(f"folder:{root}", OWN)
    assert [ref.id for ref in refs] == ["cat/a.jpg"]


def test_the_same_bytes_are_one_picture_and_none_where_two_classes_claim_them(
    tmp_path: Path,
) -> None:
    for name in ("cat/b.jpg", "cat/a.jpg", "cat/c.jpg"):
        put(tmp_path / name, picture(colour="red"))
    for name in ("cat/d.jpg", "dog/a.jpg", "cat/e.jpg"):
        put(tmp_path / name, picture(colour="blue"))
    put(tmp_path / "dog" / "b.jpg", picture(colour="green"))
    refs, rejects = load_images(f"folder:{tmp_path}", OWN)
    assert [ref.id for ref in refs] == ["cat/a.jpg", "dog/b.jpg"]
    again, claimed = "same picture again", "same picture in two classes"
    assert [(one.input, one.reason, one.detail) for one in rejects] == [
        ("cat/b.jpg", again, "cat/a.jpg"),
        ("cat/c.jpg", again, "cat/a.jpg"),
        ("cat/d.jpg", claimed, "dog/a.jpg"),
        ("cat/e.jpg", claimed, "dog/a.jpg"),
        ("dog/a.jpg", claimed, "cat/d.jpg"),
    ]


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "a.jpg", picture())
    os.mkfifo(tmp_path / "cat" / "pipe.jpg")
    assert reasons(tmp_path) == {"cat/pipe.jpg": "not a file"}


def test_a_file_name_that_is_not_utf8_is_rejected(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "a.jpg", picture())
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "cat") + b"/b\xff.jpg")).write_bytes(picture())
    except OSError:
        pytest.skip("this file system refuses names that are not UTF-8")
    assert reasons(tmp_path) == {"cat/b\\udcff.jpg": "file name is not UTF-8"}


def test_flat_validation_images_get_their_classes_from_the_label_table(tmp_path: Path) -> None:
    good = [i for i in val_labels() if i.valid and i.label is not None][:3]
    disputed = next(i for i in val_labels() if i.label is not None and not i.valid)
    for image, colour in zip((*good, disputed), ("red", "blue", "green", "grey"), strict=True):
        put(tmp_path / image.name, picture(colour=colour))
    put(tmp_path / unresolved_val_images()[0], picture())
    put(tmp_path / "ILSVRC2012_val_00050001.JPEG", picture())
    refs, rejects = load_images(f"folder:{tmp_path}", IMAGENET)
    wnids = [IMAGENET[image.label].id for image in good if image.label is not None]
    assert [ref.class_id for ref in refs] == wnids
    assert {reject.input: reject.reason for reject in rejects} == {
        disputed.name: "disputed label",
        unresolved_val_images()[0]: "ambiguous label",
        "ILSVRC2012_val_00050001.JPEG": "no class for this file",
    }
    asked = [entry for entry in IMAGENET if entry.id == wnids[0]]
    refs, rejects = load_images(f"folder:{tmp_path}", asked)
    assert {ref.class_id for ref in refs} == {wnids[0]}
    assert {r.reason for r in rejects} >= {"class not asked for", "ambiguous label"}


def test_validation_images_in_class_folders_are_held_to_the_label_table_too(tmp_path: Path) -> None:
    tiger = IMAGENET[292].id
    put(tmp_path / tiger / valid_val_images(292)[0], picture())
    put(tmp_path / tiger / valid_val_images(0)[0], picture())
    put(tmp_path / tiger / "n02129604_1.JPEG", picture(colour="blue"))
    assert reasons(tmp_path, IMAGENET) == {f"{tiger}/{valid_val_images(0)[0]}": "disputed label"}


def test_files_of_own_classes_may_bear_any_name(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "ILSVRC2012_val_00000001.JPEG", picture())
    assert reasons(tmp_path) == {}


def test_a_missing_empty_or_useless_folder_is_refused_with_the_layouts(tmp_path: Path) -> None:
    layouts = r"DIR/CLASS_ID/\* or DIR/ILSVRC2012_val_\*.JPEG"
    with pytest.raises(ToolkitError, match=f"does not exist; .*{layouts}"):
        load_images(f"folder:{tmp_path / 'gone'}", OWN)
    with pytest.raises(ToolkitError, match=f"is empty; .*{layouts}"):
        load_images(f"folder:{tmp_path}", OWN)
    put(tmp_path / "val" / "cat" / "a.jpg", picture())
    with pytest.raises(ToolkitError, match="1 of 1 entries: no class for this folder, as in val"):
        load_images(f"folder:{tmp_path}", OWN)
    with pytest.raises(ToolkitError, match="is not a folder"):
        load_images(f"folder:{tmp_path / 'val/cat/a.jpg'}", OWN)

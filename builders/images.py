"""The images that may illustrate each class: found, checked and hashed, never changed."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.builders.imagenet_val import ValLabel, val_label_of, valid_val_images
from imagewikiqa.builders.imagesets.dispositions import is_usable, reason_of
from imagewikiqa.builders.imagesets.indexed import AGAIN, CLAIMED, indexed_images
from imagewikiqa.builders.imagesets.inspect import MAX_BYTES, inspect
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, ImageRef, Reject

HAVE = "have: none, imagenet-val, folder:DIR, index:DIR"
LAYOUTS = "DIR/CLASS_ID/* or DIR/ILSVRC2012_val_*.JPEG"


class _BadImageError(Exception):
    """One file that cannot be used: a short countable reason, and a detail."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The classes asked for, by their own ids and by ImageNet's label order."""

    ids: frozenset[str]
    wnids: tuple[str, ...]  # all 1,000, in label order


def load_images(spec: str, classes: Sequence[ClassEntry]) -> tuple[list[ImageRef], list[Reject]]:
    """Return the usable images of the classes and one reject per unusable file, both by path.

    `none` gives nothing; `imagenet-val` names the validation images whose ReaL labels contain
    their class, without reading pixels; `folder:DIR` decodes every image below DIR, laid out as
    DIR/CLASS_ID/* or as flat ILSVRC2012_val_*.JPEG, and takes the bytes of a picture once: never
    where two classes claim them; `index:DIR` takes the usable images of an index that was made
    over an image set, by the same rules, without reading a pixel. Raise ToolkitError if there is
    no image.
    """
    asked = _Asked(
        ids=frozenset(entry.id for entry in classes),
        wnids=tuple(entry.id for entry in load_classes("imagenet")),
    )
    kind, _, folder = spec.partition(":")
    if spec == "none":
        return [], []
    if spec == "imagenet-val":
        return _from_labels(asked), []
    if kind == "folder" and folder:
        return _from_folder(Path(folder), asked)
    if kind == "index" and folder:
        return _from_index(Path(folder), asked)
    raise ToolkitError(f"there is no image source {spec!r}; {HAVE}")


def _from_labels(asked: _Asked) -> list[ImageRef]:
    strangers = sorted(asked.ids - set(asked.wnids))
    if strangers:
        raise ToolkitError(
            f"--images imagenet-val knows only ImageNet classes, and {strangers[0]!r} is none of"
            " them; use --images folder:DIR with one folder per class, or --images none"
        )
    refs = [
        ImageRef(id=f"images/{name}", class_id=wnid)
        for index, wnid in enumerate(asked.wnids)
        if wnid in asked.ids
        for name in valid_val_images(index)
    ]
    return sorted(refs, key=lambda ref: ref.id)


def _from_index(folder: Path, asked: _Asked) -> tuple[list[ImageRef], list[Reject]]:
    """Take what an index offers; its validation images are held to ImageNet's label table too."""
    offered, rejects = indexed_images(folder, asked.ids)
    refs: list[ImageRef] = []
    for ref in offered:
        try:
            _refuse_disputed(Path(ref.id).name, ref.class_id, asked)
            refs.append(ref)
        except _BadImageError as bad:
            rejects.append(_reject(ref.id, bad))
    if not refs:
        raise ToolkitError(
            f"the index {folder} holds no usable image of the {len(asked.ids)} classes asked for:"
            " give the class list of the indexed set, or another index"
        )
    return refs, sorted(rejects, key=lambda reject: reject.id)


def _from_folder(root: Path, asked: _Asked) -> tuple[list[ImageRef], list[Reject]]:
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise ToolkitError(f"the image folder {root} {what}; give one laid out as {LAYOUTS}")
    refs: list[ImageRef] = []
    rejects: list[Reject] = []
    for path, class_id in _files(root, asked.ids):
        inside = path.relative_to(root).as_posix()
        shown = inside.encode("utf-8", "backslashreplace").decode()
        try:
            if shown != inside:
                raise _BadImageError("file name is not UTF-8")
            if not _is_inside(path, root):
                raise _BadImageError("link out of the folder")
            label = _class_of(path, class_id, asked)
            refs.append(ImageRef(id=inside, class_id=label, sha256=_checked_digest(path)))
        except _BadImageError as bad:
            rejects.append(_reject(shown, bad))
    refs, repeated = _once(sorted(refs, key=lambda ref: ref.id))
    rejects += repeated
    _refuse_nothing(root, refs, rejects)
    return refs, sorted(rejects, key=lambda reject: reject.id)


def _once(refs: Sequence[ImageRef]) -> tuple[list[ImageRef], list[Reject]]:
    """Keep the first file of the same bytes, and none where they lie in two classes."""
    same: dict[str | None, list[ImageRef]] = defaultdict(list)
    for ref in refs:
        same[ref.sha256].append(ref)
    kept: list[ImageRef] = []
    rejects: list[Reject] = []
    for ref in refs:
        first = same[ref.sha256][0]
        other = next((one for one in same[ref.sha256] if one.class_id != ref.class_id), None)
        if other is not None:
            rejects.append(_reject(ref.id, _BadImageError(CLAIMED, other.id)))
        elif ref is not first:
            rejects.append(_reject(ref.id, _BadImageError(AGAIN, first.id)))
        else:
            kept.append(ref)
    return kept, rejects


def _reject(name: str, bad: _BadImageError) -> Reject:
    return Reject(
        id=f"images:{name}", stage="images", input=name, reason=bad.reason, detail=bad.detail
    )


def _refuse_nothing(root: Path, refs: list[ImageRef], rejects: list[Reject]) -> None:
    if refs:
        return
    if not rejects:
        raise ToolkitError(f"the image folder {root} is empty; fill it as {LAYOUTS}")
    reason, count = Counter(reject.reason for reject in rejects).most_common(1)[0]
    raise ToolkitError(
        f"the image folder {root} holds no usable image of the classes ({count} of"
        f" {len(rejects)} entries: {reason}, as in {rejects[0].input}); lay it out as {LAYOUTS}"
    )


def _files(root: Path, ids: frozenset[str]) -> Iterator[tuple[Path, str | None]]:
    """Yield every entry to judge, and the class whose folder holds it (None at the top)."""
    for entry in _entries(root):
        if entry.name in ids and entry.is_dir() and _is_inside(entry, root):
            yield from ((path, entry.name) for path in _entries(entry))
        else:
            yield entry, None


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise ToolkitError(
            f"the image folder {folder} cannot be listed ({error.strerror}); give a readable one"
        ) from error


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a link to itself leads nowhere
        return False


def _class_of(path: Path, class_id: str | None, asked: _Asked) -> str:
    """Return the class that a file shows, by its folder or by ImageNet's label table."""
    if class_id is None and path.is_dir():
        raise _BadImageError("no class for this folder")
    if class_id is None:
        image = val_label_of(path.name)
        if image is None:
            raise _BadImageError("no class for this file")
        class_id = _label(image, asked)
    _refuse_disputed(path.name, class_id, asked)
    return class_id


def _refuse_disputed(name: str, class_id: str, asked: _Asked) -> None:
    """Refuse a validation image of ImageNet in which annotators did not see the class."""
    image = val_label_of(name)
    if image is None or class_id not in asked.wnids:
        return
    if asked.wnids.index(class_id) not in image.real:
        raise _BadImageError("disputed label", f"ReaL sees {_names(image.real, asked)}")


def _label(image: ValLabel, asked: _Asked) -> str:
    if image.label is None:
        raise _BadImageError("ambiguous label", f"one of {_names(image.candidates, asked)}")
    wnid = asked.wnids[image.label]
    if wnid not in asked.ids:
        raise _BadImageError("class not asked for", wnid)
    return wnid


def _names(indices: Sequence[int], asked: _Asked) -> str:
    return ", ".join(asked.wnids[index] for index in indices) or "no class"


def _checked_digest(path: Path) -> str:
    """Return the sha256 of a file that decodes fully; raise _BadImageError for any other."""
    if path.is_dir():
        raise _BadImageError("folder inside a class folder")
    if not path.is_file():  # also keeps a named pipe from blocking the run
        raise _BadImageError("not a file")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _BadImageError("too many bytes", str(size))
        data = path.read_bytes()
    except OSError as error:
        raise _BadImageError(reason_of("no_access"), error.strerror or "") from error
    found = inspect(data, path.name)
    if not is_usable(found.disposition):
        raise _BadImageError(reason_of(found.disposition), found.detail)
    return hashlib.sha256(data).hexdigest()

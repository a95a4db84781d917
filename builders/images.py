"""The images that may illustrate each class: found, checked and hashed, never changed."""

import hashlib
import io
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from imagewikiqa.builders.imagenet_val import ValLabel, val_label_of, valid_val_images
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, ImageRef, Reject

HAVE = "have: none, imagenet-val, folder:DIR"
LAYOUTS = "DIR/CLASS_ID/* or DIR/ILSVRC2012_val_*.JPEG"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})
MAX_PIXELS = 50_000_000
MAX_BYTES = 200_000_000


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
    where two classes claim them. Raise ToolkitError if there is no image.
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
            rejects.append(_reject(ref.id, _BadImageError("same picture in two classes", other.id)))
        elif ref is not first:
            rejects.append(_reject(ref.id, _BadImageError("same picture again", first.id)))
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
    image = val_label_of(path.name)
    if image is None or (class_id is not None and class_id not in asked.wnids):
        if class_id is None:
            raise _BadImageError("no class for this file")
        return class_id
    if class_id is None:
        class_id = _label(image, asked)
    if asked.wnids.index(class_id) not in image.real:
        raise _BadImageError("disputed label", f"ReaL sees {_names(image.real, asked)}")
    return class_id


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
        raise _BadImageError("unreadable image", error.strerror or "") from error
    _decode(data, known_suffix=path.suffix.lower() in SUFFIXES)
    return hashlib.sha256(data).hexdigest()


def _decode(data: bytes, known_suffix: bool) -> None:
    """Decode all pixels, as a cut file shows its fault only there; size is checked before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # broken EXIF and large sizes, which are judged below
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_header(image)
                image.load()
        except _BadImageError:
            raise
        except Image.DecompressionBombError as error:
            raise _BadImageError("too many pixels", str(error)) from error
        except UnidentifiedImageError as error:
            reason = "unreadable image" if known_suffix else "unsupported format"
            raise _BadImageError(reason, f"not one of {', '.join(FORMATS)}") from error
        except Exception as error:  # decoders of hostile bytes raise any type; it is recorded
            raise _BadImageError("unreadable image", f"{type(error).__name__}: {error}") from error


def _check_header(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _BadImageError("too many pixels", f"{image.width} x {image.height}")
    # MPO is a JPEG from a stereo or phone camera: further frames, but no animation.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise _BadImageError("animated image")

"""Copies of pictures for raters: small, upright, under names that say nothing."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from imagewikiqa.builders.imagesets.dispositions import UnusableImageError
from imagewikiqa.builders.imagesets.pixels import open_rgb
from imagewikiqa.core.digests import digest
from imagewikiqa.core.files import publish
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import Reject
from imagewikiqa.qa.rounds.records import Subject

SIDE = 800  # pixels, the longer side: enough for a laptop, little for a phone
_QUALITY = 88


def stage_pictures(
    subjects: Sequence[Subject], pixels: Path, media: Path, key: str, progress: Progress
) -> tuple[list[Subject], list[Reject]]:
    """Publish a copy of each subject's image and return the subjects that have one.

    A copy has no metadata and a name from `key` and its bytes: neither tells the class. An image
    that is missing, outside `pixels` or unusable makes its subject a reject.
    """
    kept, rejects = [], []
    progress.begin("pictures", len(subjects), 0)
    for subject in subjects:
        try:
            copy = _copy(pixels, subject.image)
        except (OSError, UnusableImageError) as error:
            rejects.append(_reject(subject, error))
        else:
            name = f"{digest([key, hashlib.sha256(copy).hexdigest()])[:20]}.jpg"
            publish(media / name, [copy])
            kept.append(subject.model_copy(update={"media": name}))
        progress.advance(1)
    progress.end()
    return kept, rejects


def _copy(pixels: Path, image: str | None) -> bytes:
    if image is None:
        raise FileNotFoundError("the question has no image")
    path = (pixels / image).resolve()
    if not path.is_relative_to(pixels.resolve()):
        raise FileNotFoundError(f"{image} lies outside the image folder")
    picture = open_rgb(path.read_bytes())
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def _reject(subject: Subject, error: Exception) -> Reject:
    missing = isinstance(error, FileNotFoundError)
    return Reject(
        id=f"prepare:{subject.id}",
        stage="prepare",
        input=subject.id,
        reason="no image to show" if missing else "image cannot be read",
        detail=f"{subject.image or ''} {'' if missing else error}".strip(),
    )

"""`imagewikiqa draft captions`: images of classes to captions that name what they show."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pydantic import Field

from imagewikiqa.builders.images import load_images
from imagewikiqa.builders.imagesets.inspect import inspect
from imagewikiqa.builders.imagesets.pixels import open_rgb
from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.job import LEDGER, class_list
from imagewikiqa.cli.models import ModelAccess, open_client, open_provider, parse_model
from imagewikiqa.cli.output import show
from imagewikiqa.cli.small_job import DECIDING, finish, small_job
from imagewikiqa.core.code import code_digest
from imagewikiqa.core.digests import digest, keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish
from imagewikiqa.core.llm.client import ImagePart
from imagewikiqa.core.llm.images import ImageFiles, media_type_of
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import Caption, ClassEntry, ImageRef, Reject
from imagewikiqa.core.report.summary import Listing, Picture, Summary
from imagewikiqa.core.report.thumbnails import thumbnail
from imagewikiqa.core.runs import Run
from imagewikiqa.core.stages import Outcome, Stage, run_stage
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.captions import Captioner, CaptionSettings, Shot

TABLE = "captions.jsonl"
SHOWN = 48  # pictures on the page
_PLAIN = ("ok", "ok_grey", "ok_palette", "ok_alpha", "ok_renamed", "ok_bad_exif")
_QUALITY = 95
_MOST_BYTES = 3_700_000  # Anthropic takes 5 MB in base64, OpenAI more


class CaptionConfig(Closed):
    """What decides the captions."""

    classes: str = "imagenet"
    images: str = ""
    author: str = ""
    per_class: int | None = Field(None, ge=1)
    tries: int = Field(3, ge=1, le=20)
    most_words: int = Field(60, ge=3)
    max_tokens: int = Field(1024, ge=16)
    temperature: float | None = Field(None, ge=0, le=2)
    seed: int = Field(0, ge=0)

    @property
    def asked(self) -> CaptionSettings:
        """Return how a model is asked."""
        return CaptionSettings(
            **self.model_dump(exclude={"classes", "images", "author", "per_class"})
        )


@dataclass(frozen=True, slots=True)
class CaptionStep:
    """Ask for the caption of one image."""

    captioner: Captioner

    async def __call__(self, shot: Shot) -> Outcome[Caption]:
        """Return one caption, or one reject."""
        made = await self.captioner.caption(shot)
        if made.reject is not None:
            return Outcome(rejects=(made.reject,))
        return Outcome(rows=(made.caption,) if made.caption else ())


def run_captions(
    settings: CaptionConfig,
    out: Path,
    access: ModelAccess,
    progress: Progress,
    *,
    limit: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Ask for the captions and write the report."""
    spec = parse_model(settings.author or "corpus", "--author")
    if spec.is_corpus or spec.kind == "local":
        raise ToolkitError(
            f"--author {settings.author or 'is missing'}: captions need a model that sees: give"
            " openai:MODEL or anthropic:MODEL"
        )
    served = access.settings([spec])
    root = _folder(settings.images)
    classes = class_list(settings.classes)
    refs, rejects = load_images(settings.images, classes)
    chosen = _chosen(refs, settings)[:limit]
    if dry_run:
        most = len(chosen) * settings.tries
        plan = {"images": len(chosen), "calls_at_least": len(chosen), "calls_at_most": most}
        show({"dry_run": True, "out": str(out), **plan}, as_json)
        return
    open_provider(spec, access)  # a missing key is told before anything is made
    inputs = {
        "classes": digest([entry.model_dump(mode="json") for entry in classes]),
        "images": digest([[ref.id, ref.sha256] for ref in refs]),
        "author": spec.script_digest or digest(served),
    }
    bound = ("classes", "images") + (("author",) if spec.script else ())
    with small_job(out, "draft captions", settings, inputs, bound) as run:
        names = {entry.id: entry for entry in classes}
        shots, paths, bad = _shots(chosen, names, root, run.work / "pictures")
        access = access.seeing(ImageFiles(paths))
        report = _ask(run, settings, access, shots, progress)
        late = list(read_table(run.work / "captions.rejects.jsonl", Reject))
        write_table(out / "rejects.jsonl", [*rejects, *bad, *late])
        counts = {
            "images": len(chosen), "captions": report,
            "rejects": dict(sorted(Counter(one.reason for one in (*bad, *late)).items())),
        }  # fmt: skip
        with Ledger(out / LEDGER) as ledger:
            cost = ledger.summary(run.identity)
        finish(
            run, _summary(out, root, counts, [*bad, *late]),
            {"counts": counts, "seed": settings.seed, "models": {"asked": [str(spec)]}},
            [out / TABLE, out / "rejects.jsonl"], cost,
        )  # fmt: skip
    usd = "unknown" if cost["usd"] is None and not as_json else cost["usd"]
    show({"out": str(out), **counts, "calls": cost["calls"], "usd": usd}, as_json)


def _folder(spec: str) -> Path:
    kind, _, name = spec.partition(":")
    if kind != "folder" or not name:
        raise ToolkitError(
            f"--images {spec!r} gives no pixels: captions need folder:DIR with DIR/CLASS_ID/*"
        )
    return Path(name)


def _chosen(refs: Sequence[ImageRef], settings: CaptionConfig) -> list[ImageRef]:
    """Return up to `per_class` images of each class, by key, in the order of their paths."""
    if settings.per_class is None:
        return list(refs)
    order = sorted(refs, key=lambda ref: (keyed_int(settings.seed, "captions", ref.id), ref.id))
    taken = Counter[str]()
    kept: set[str] = set()
    for ref in order:
        taken[ref.class_id] += 1
        if taken[ref.class_id] <= settings.per_class:
            kept.add(ref.id)
    return [ref for ref in refs if ref.id in kept]


def _shots(
    refs: Sequence[ImageRef], names: dict[str, ClassEntry], root: Path, pictures: Path
) -> tuple[list[Shot], dict[str, Path], list[Reject]]:
    """Return what is sent for each image, and where its bytes are by digest.

    Plain JPEG, PNG and WebP go as they are. What its reader must convert (ink colours, a picture
    on its side, GIF) goes as a JPEG of its pixels: a service may not do it.
    """
    shots: list[Shot] = []
    paths: dict[str, Path] = {}
    rejects: list[Reject] = []
    for ref in refs:
        path, sha256 = root / ref.id, ref.sha256 or ""
        data = path.read_bytes()
        plain = inspect(data, path.name).disposition in _PLAIN
        media_type = media_type_of(data) if plain else None
        if media_type is None:
            data = _as_jpeg(data)
            media_type, sent = "image/jpeg", hashlib.sha256(data).hexdigest()
            path = pictures / f"{sent}.jpg"
            publish(path, [data])
        else:
            sent = sha256
        if path.stat().st_size > _MOST_BYTES:
            rejects.append(_reject(ref.id, "picture too large to send", str(path.stat().st_size)))
            continue
        paths[sent] = path
        part = ImagePart(sha256=sent, media_type=media_type)
        shots.append(Shot(entry=names[ref.class_id], image=ref.id, sha256=sha256, part=part))
    return shots, paths, rejects


def _reject(name: str, reason: str, detail: str) -> Reject:
    return Reject(id=f"captions:{name}", stage="captions", input=name, reason=reason, detail=detail)


def _as_jpeg(data: bytes) -> bytes:
    stream = BytesIO()
    open_rgb(data).save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def _ask(
    run: Run, settings: CaptionConfig, access: ModelAccess, shots: list[Shot], progress: Progress
) -> int:
    spec = parse_model(settings.author, "--author")
    with Ledger(run.path / LEDGER) as ledger:
        captioner = Captioner(open_client(spec, access, ledger, run.identity), settings.asked)
        decided = [captioner.fingerprint, spec.script_digest]
        stage: Stage[Shot, Caption] = Stage(
            name="captions",
            version=1,
            settings=digest([decided, code_digest((*DECIDING, "imagewikiqa.qa"))]),
            step=CaptionStep(captioner),
            row=Caption,
            input_digest=Shot.digest,
            in_flight=access.callers,
        )
        return run_stage(
            stage, shots, work=run.work, table=run.path / TABLE, progress=progress
        ).rows


def _summary(out: Path, root: Path, counts: dict[str, Any], rejects: Sequence[Reject]) -> Summary:
    captions = list(read_table(out / TABLE, Caption))
    tries = Counter(f"{one.attempts} tr{'y' if one.attempts == 1 else 'ies'}" for one in captions)
    return Summary(
        title="Captions that name their class",
        eyebrow="Images and words",
        lead=(
            f"{len(captions):,} captions of {counts['images']:,} images. Each names the class of"
            " its image, by its name, a synonym or a plural of one of them."
        ),
        figures={
            "captions": len(captions),
            "classes": len({one.class_id for one in captions}),
            "images without one": len(rejects),
        },
        counts={
            "Captions by tries": tries,
            "Images without a caption": Counter(one.reason for one in rejects),
        },
        pictures=list(_pictures(captions, root)),
        listings=[
            Listing(
                title="Captions",
                heads=("Class", "Image", "Caption", "Model"),
                rows=[
                    (one.class_name, one.image, one.caption, one.author.model) for one in captions
                ],
                file=TABLE,
            ),
            Listing(
                title="Images without a caption",
                heads=("Image", "Why", "What was said"),
                rows=[(one.input, one.reason, one.detail) for one in rejects],
                file="rejects.jsonl",
            ),
        ],
        files={
            TABLE: "every caption: class, image, sha256, model, prompt",
            "rejects.jsonl": "every image without a caption, with its reason",
            LEDGER: "every call to the model",
        },
    )


def _pictures(captions: Sequence[Caption], root: Path) -> Iterator[Picture]:
    for one in captions[:SHOWN]:
        image = thumbnail(root, one.image)
        if image is not None:
            yield Picture(image=image, title=one.class_name, note=one.caption)

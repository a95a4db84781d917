"""Small mixtures of any JSON and any bytes, written as `mix build` writes shards."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from imagewikiqa.core.digests import digest
from imagewikiqa.mixtures.records import ShardFile, ShardSample
from imagewikiqa.mixtures.shards.write import shard_name, write_manifest, write_shard

KINDS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


def picture(number: int = 0, extension: str = "jpg", width: int = 24, height: int = 16) -> bytes:
    """Return an image file; another number gives other bytes."""
    stream = io.BytesIO()
    colour = (number % 7 * 36, number // 7 % 7 * 36, number // 49 % 7 * 36)
    Image.new("RGB", (width, height), colour).save(stream, KINDS[extension])
    return stream.getvalue()


def record(number: int, *said: str, **more: Any) -> dict[str, Any]:
    """Return the JSON of a sample in LLaVA's form: human and gpt in turn say what is given."""
    turns = [
        {"from": ("human", "gpt")[at % 2], "value": value}
        for at, value in enumerate(said or ("<image>\nWhat is it?", "A thing."))
    ]
    facts = {"id": f"{number:032x}", "source": "made", "source_id": f"r{number}"}
    return {**facts, "template": "name_object@0", "conversations": turns, **more}


Made = tuple[dict[str, Any], bytes | None]


def make(folder: Path, shards: Sequence[Sequence[Made]], extension: str = "jpg") -> Path:
    """Write a finished mixture of samples (their JSON, their image) and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number, samples in enumerate(shards):
        names.append(shard_name("made", number))
        write_shard(folder, names[-1], _samples(number, samples, extension), digest(number))
    write_manifest(folder, names, digest("plan"))
    return folder


def _samples(shard: int, samples: Sequence[Made], extension: str) -> list[ShardSample]:
    made = []
    for at, (row, image) in enumerate(samples):
        text = ShardFile(extension="json", content=json.dumps(row).encode())
        files = [text] if image is None else [ShardFile(extension=extension, content=image), text]
        made.append(ShardSample(key=f"k{shard}-{at}", files=tuple(files)))
    return made

"""The datasets library reads a shard, with its images decoded and its JSON parsed."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from imagewikiqa.mixtures.records import ShardFile, ShardSample
from imagewikiqa.mixtures.shards.write import write_shard
from tests.mixtures.shards.made import PLAN

KINDS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


def picture(kind: str, width: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, 8), "olive").save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("extension", [*KINDS, None])
def test_datasets_reads_a_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extension: str | None
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets, a peer")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    made = []
    for number in range(3):
        text = ShardFile(extension="json", content=json.dumps({"id": f"k{number}"}).encode())
        files: tuple[ShardFile, ...] = (text,)
        if extension is not None:
            image = picture(KINDS[extension], number + 8)
            files = (ShardFile(extension=extension, content=image), text)
        made.append(ShardSample(key=f"k{number}", files=files))
    write_shard(tmp_path, "x-000000.tar", made, PLAN)
    found = datasets.load_dataset(
        "webdataset",
        data_files={"train": str(tmp_path / "x-000000.tar")},
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert found["__key__"][:] == ["k0", "k1", "k2"]
    assert [row["id"] for row in found["json"]] == ["k0", "k1", "k2"]
    if extension is not None:
        assert [image.size for image in found[extension]] == [(8, 8), (9, 8), (10, 8)]

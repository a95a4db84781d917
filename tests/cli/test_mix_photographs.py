"""Real photographs, in three wordings and a caption style: every byte arrives, any reader sees."""

import io
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from imagewikiqa.core.cache import user_cache
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.records import Authorship, Caption
from imagewikiqa.core.tables import write_table
from imagewikiqa.mixtures import load
from imagewikiqa.qa.leaks import fold
from tests.cli.conftest import Command, call

PHOTOGRAPHS = user_cache() / "photographs"
pytestmark = pytest.mark.skipif(
    not PHOTOGRAPHS.is_dir(), reason="needs the photographs that .ci/photographs.sh fetches"
)
RECIPE = """
name: photographs
seed: 8
shard: {samples: 60}
sources:
  - name: scenes
    read: images:scenes/index
    images: scenes/pix
    classes: imagenet
    templates: [name_object, name_object_varied, name_object_closed]
    epochs: 3
  - name: animals
    read: images:animals/index
    images: animals/pix
    classes: animals/classes.csv
    templates: [name_object, name_object_varied, name_object_closed]
    labels: 4
    epochs: 1
  - name: said
    read: captions:animals/captions.jsonl
    images: animals/pix
    templates: [caption, caption_varied]
    epochs: 1
"""


def animals() -> Iterator[tuple[str, Path, str]]:
    """Yield name, picture and sentence of each animal whose sentence names it."""
    for picture in sorted((PHOTOGRAPHS / "animals").glob("*.png")):
        lines = picture.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
        name = fold(picture.stem.replace("_", " "))
        if lines and f" {name} " in f" {fold(lines[0]).rstrip('.!')} ":
            yield name, picture, " ".join(lines[0].split())


def lay_out(folder: Path) -> int:
    """Lay pictures out by class, with a class list and captions; return how many there are."""
    wnids = [entry.id for entry in load_classes("imagenet")]
    for picture in sorted((PHOTOGRAPHS / "imagenet").glob("*.jpg")):
        place = folder / "scenes" / "pix" / wnids[int(picture.stem.rpartition("_")[2])]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, place)
    names, captions = ["id,name"], []
    author = Authorship(name="tuxpaint", model="people", prompt="none", seed=0)
    for name, picture, said in animals():
        place = folder / "animals" / "pix" / name.replace(" ", "_")
        place.mkdir(parents=True)
        shutil.copy(picture, place)
        names.append(f"{place.name},{name}")
        captions.append(
            Caption(
                id=f"caption-{place.name}", class_id=place.name, class_name=name,
                image=f"{place.name}/{picture.name}", image_sha256=file_digest(picture),
                caption=said, attempts=1, author=author,
            )
        )  # fmt: skip
    (folder / "animals" / "classes.csv").write_text("\n".join(names) + "\n")
    return write_table(folder / "animals" / "captions.jsonl", captions)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    assert lay_out(folder) > 60
    for name, classes in (("scenes", "imagenet"), ("animals", folder / "animals/classes.csv")):
        said = call("builders", "images", "index", f"folder:{folder / name / 'pix'}",
                    "--classes", classes, "--out", folder / name / "index")  # fmt: skip
        assert said.code == 0, said.err
    (folder / "recipe.yaml").write_text(RECIPE)
    said = call("mix", "build", folder / "recipe.yaml", "--out", folder / "mix")
    assert said.code == 0, said.err
    return folder


def test_every_photograph_is_in_the_shards_as_it_was(built: Path) -> None:
    given = {
        file_digest(path): 0 if path.suffix == ".png" else 3
        for path in built.glob("*/pix/*/*")
        if path.is_file()
    }
    found: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for sample in load(built / "mix", cache=built / "cache", shuffle=False):
        [(_, content)] = sample.files.items()
        copy = built / "copy"
        copy.write_bytes(content)
        found[file_digest(copy)] += 1
        words[sample.record["template"].partition("@")[0]] += 1
    assert found.keys() == given.keys()
    assert all(found[sha256] == times for sha256, times in given.items() if times)
    assert len(words) == 5 and min(words.values()) > 10


def test_captions_stand_beside_the_pictures_that_they_are_of(built: Path) -> None:
    said = {file_digest(picture): words for _, picture, words in animals()}
    for sample in load(built / "mix", cache=built / "cache", shuffle=False):
        if sample.record["source"] == "said":
            (built / "copy").write_bytes(next(iter(sample.files.values())))
            answer = sample.record["conversations"][-1]["value"]
            assert answer == said[file_digest(built / "copy")]


def test_other_readers_find_the_same_samples(built: Path) -> None:
    wds = pytest.importorskip("webdataset", reason="needs webdataset, a peer")
    shards = sorted(map(str, (built / "mix").glob("*.tar")))
    theirs = {
        (row["__key__"], row["json"]["source_id"], row.get("jpg", row.get("png")).size)
        for row in wds.WebDataset(shards, shardshuffle=False).decode("pil")
    }
    ours = {
        (
            one.key,
            one.record["source_id"],
            Image.open(io.BytesIO(next(iter(one.files.values())))).size,
        )
        for one in load(built / "mix", cache=built / "cache")
    }
    assert theirs == ours and len(shards) > 2


def test_they_are_verified_and_inspected_by_their_sources(built: Path, command: Command) -> None:
    assert command("mix", "verify", built / "mix").code == 0
    said = command("mix", "inspect", built / "mix", "--out", built / "seen", "--json")
    assert said.code == 0, said.err
    page = (built / "seen" / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/") >= 20 and "badger" in page
    told = json.loads((built / "mix" / "plan.json").read_text())
    assert said.summary["samples"] == told["samples"]

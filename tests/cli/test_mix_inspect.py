"""`mix inspect`: from a build to a page that shows what is in it, hostile words as words."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from imagewikiqa.builders.llava.index import index_rows
from imagewikiqa.builders.llava.mix import read_mix
from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.mixtures import load
from tests.builders.imagesets.fake_set import photo
from tests.cli.conftest import Command, call
from tests.cli.verify.people import browser
from tests.cli.verify.test_hostile import note
from tests.mixtures.inspect.made import Made, make, picture, record
from tests.mixtures.small_sources import make_images
from tests.qa.rounds.made import HOSTILE

RECIPE = """
name: mixed
seed: 4
shard: {samples: 16}
sources:
  - {name: animals, read: "images:animals/index", images: animals/images, epochs: 3,
     templates: [name_object, name_object_closed], labels: 3}
  - {name: talk, read: "llava:talk/rows.parquet", images: talk/images}
"""


def make_talk(folder: Path) -> None:
    """Write rows whose every word is hostile, with an image and without."""
    (folder / "images").mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    for at, text in enumerate(HOSTILE * 2):
        mark = "<image>\n" if at < len(HOSTILE) else ""
        said = [(f"{mark}{text}", text), (text, f"{text} again")][: 1 + at % 2]
        turns = [
            {"from": who, "value": value}
            for pair in said
            for who, value in zip(("human", "gpt"), pair, strict=True)
        ]
        row: dict[str, Any] = {"id": f"=r{at}<b>", "conversations": turns}
        if mark:
            (folder / "images" / f"{at}.jpg").write_bytes(photo(f"talk-{at}"))
            row["image"] = f"{at}.jpg"
        rows.append(row)
    (folder / "mix.json").write_text(json.dumps(rows))
    index_rows(read_mix(folder / "mix.json"), folder, images=folder / "images")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a mixture of images in classes and of hostile conversations."""
    folder = tmp_path_factory.mktemp("inspected")
    make_images(folder / "animals")
    make_talk(folder / "talk")
    (folder / "recipe.yaml").write_text(RECIPE)
    said = call("mix", "build", folder / "recipe.yaml", "--out", folder / "out", "--json")
    assert said.code == 0, said.err
    return folder / "out"


@pytest.fixture(scope="module")
def inspected(built: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a report, and what the command said."""
    out = tmp_path_factory.mktemp("report") / "inspect"
    classes = out.parent / "classes.csv"
    classes.write_text("id,name,synonyms\nant,ant,\ngrey_fox,grey fox,gray fox\n=x,=1+1,<b>\n")
    said = call("mix", "inspect", built, "--out", out, "--classes", classes, "--json")
    assert said.code == 0, said.err
    return out, said.summary


def test_the_figures_are_those_of_the_mixture(
    built: Path, inspected: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    out, said = inspected
    read = [one.record for one in load(built, shuffle=False, cache=tmp_path / "cache")]
    assert said["samples"] == len(read) == 27 + 2 * len(HOSTILE)
    assert said["by_source"] == Counter(one["source"] for one in read)
    assert said["text_only"] == len(HOSTILE) and said["faulty"] == 0
    assert said["turns"] == sum(len(one["conversations"]) for one in read)
    assert (said["classes_seen"], said["classes_known"]) == (3, 4)
    assert said["tokens_are"] == "estimated" and said["tokens"] > 0
    assert said["report"] == str(out / "report.html")
    assert verify_manifest(out) == []
    assert "than planned" not in (out / "report.md").read_text("utf-8")
    table = pq.read_table(out / "samples.parquet")
    assert table["source_id"].to_pylist() == [one["source_id"] for one in read]
    with (out / "classes.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    seen = Counter(one["class_id"] for one in read if "class_id" in one)
    assert {row["class_id"]: int(row["samples"]) for row in rows if row["samples"] != "0"} == seen
    assert [row["name"] for row in rows if row["class_id"] == "'=x"] == ["'=1+1"]


def test_the_default_folder_disturbs_nothing_of_the_mixture(
    built: Path, tmp_path: Path, command: Command
) -> None:
    folder = Path(shutil.copytree(built, tmp_path / "mix"))
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    assert command("mix", "inspect", folder).code == 0
    assert (folder / "work" / "inspect" / "report.html").is_file()
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before
    assert command("mix", "verify", folder).code == 0
    first = (folder / "work" / "inspect" / "report.html").read_bytes()
    assert command("mix", "inspect", folder, "--workers", 2).code == 0
    assert (folder / "work" / "inspect" / "report.html").read_bytes() == first


def test_counts_unlike_the_plan_are_found(built: Path, tmp_path: Path, command: Command) -> None:
    folder = Path(shutil.copytree(built, tmp_path / "mix"))
    plan = json.loads((folder / "plan.json").read_text())
    plan["sources"][0]["samples"] += 1
    plan["sources"][0]["classes"]["ant"] -= 1
    (folder / "plan.json").write_text(json.dumps(plan))
    said = command("mix", "inspect", folder, "--out", tmp_path / "out")
    assert said.code == 0
    page = (tmp_path / "out" / "report.md").read_text("utf-8")
    assert "sources with another count than planned | 1 | animals" in page
    assert "classes with another count than planned | 1 | ant" in page
    plan["plan"] = "0" * 64
    (folder / "plan.json").write_text(json.dumps(plan))
    said = command("mix", "inspect", folder, "--out", tmp_path / "other")
    assert said.code == 2 and "the plan of another mixture" in said.err


def test_a_tokenizer_counts_tokens_exactly(built: Path, tmp_path: Path, command: Command) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="needs tokenizers, of the extra mix")
    model = tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.enable_truncation(2)  # as many models' files say; a count must not be cut
    made.save(str(tmp_path / "tokenizer.json"))
    said = command("mix", "inspect", built, "--out", tmp_path / "out", "--json", "--tokenizer",
                   tmp_path)  # fmt: skip
    assert said.code == 0, said.err
    read = load(built, shuffle=False, cache=tmp_path / "cache")
    words = [
        sum(
            len(turn["value"].replace("<image>", "").split())
            for turn in one.record["conversations"]
        )
        for one in read
    ]
    assert said.summary["tokens"] == sum(words) and said.summary["tokens_are"] == "counted"
    assert pq.read_table(tmp_path / "out" / "samples.parquet")["tokens"].to_pylist() == words
    (tmp_path / "bad.json").write_text("{}")
    said = command("mix", "inspect", built, "--out", tmp_path / "no", "--tokenizer",
                   tmp_path / "bad.json")  # fmt: skip
    assert said.code == 2 and "no tokenizer.json" in said.err and "Traceback" not in said.err


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("manifest.json", "not finished"),
        ("mixed-000001.tar", "mixed-000001.tar is missing"),
        ("mixed-000001.receipt.json", "has no receipt"),
    ],
)
def test_an_unfinished_mixture_is_refused_in_one_sentence(
    spoil: str, words: str, built: Path, tmp_path: Path, command: Command
) -> None:
    folder = Path(shutil.copytree(built, tmp_path / "mix"))
    (folder / spoil).unlink()
    said = command("mix", "inspect", folder, "--out", tmp_path / "out")
    assert said.code == 2 and words in said.err and len(said.err.splitlines()) == 1
    assert not (tmp_path / "out" / "report.html").exists()


def test_hostile_words_are_words_wherever_they_stand(tmp_path: Path, command: Command) -> None:
    made: list[Made] = []
    for at, text in enumerate(HOSTILE):
        shown = record(at, f"<image>\n{text}", text, source=text, source_id=text, class_id=text,
                       template=text)  # fmt: skip
        made += [(shown, picture(at)), (record(at, text, text, text, text, source=text), None)]
    folder = make(tmp_path / "mix", [made])
    classes = tmp_path / "classes.jsonl"
    listed = [
        {"id": f"c{at}", "name": text} for at, text in enumerate(HOSTILE) if "\u202e" not in text
    ]  # class lists refuse it
    classes.write_text("".join(json.dumps(one) + "\n" for one in listed))
    said = command("mix", "inspect", folder, "--out", tmp_path / "out", "--classes", classes)
    assert said.code == 0, said.err
    assert "Warning" not in said.err
    alerts: list[str] = []
    for width in (1280, 390):
        with browser(width) as chromium:
            chromium.on("dialog", lambda dialog: note(alerts, dialog))
            chromium.goto((tmp_path / "out" / "report.html").as_uri())
            text = chromium.locator("body").inner_text()
            for hostile in HOSTILE:
                visible = hostile.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]")
                assert visible[:300] in text
            assert chromium.evaluate(INSIDE) == [0, 0, 0]
    assert alerts == []


# Links away, scripts, pictures from elsewhere; then whether anything reaches out of the page.
INSIDE = """() => [
    [...document.links].filter(one => one.protocol !== 'file:').length
        + document.scripts.length + document.querySelectorAll('iframe, object').length,
    [...document.images].filter(one => !one.src.startsWith('data:')).length,
    Math.max(0, document.documentElement.scrollWidth - innerWidth),
]"""

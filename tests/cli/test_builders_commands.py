"""`imagewikiqa builders`: each command leaves a whole run folder, and resumes it."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks._llava_rows import write_rows
from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.runs import verify_manifest
from tests.builders.wiki.action_api import Site
from tests.builders.wiki.site_pages import SitePage
from tests.builders.wiki.strict_server import StrictServer
from tests.cli.conftest import Command

CLASSES = [
    {"id": "c1", "name": "tench", "synonyms": ["Tinca tinca"], "hypernyms": ["fish", "animal"],
     "definition": "freshwater fish of Europe and western Asia"},
    {"id": "c2", "name": "crane", "hypernyms": ["wading bird", "bird", "animal"],
     "definition": "large long-necked wading bird of marshes and plains"},
    {"id": "c3", "name": "zzxy", "hypernyms": ["artifact"], "definition": "a thing of no name"},
]  # fmt: skip
PAGES = {
    "Tench": "The '''tench''' (''Tinca tinca'') is a freshwater [[fish]] of Europe and western "
    "Asia.\n[[Category:Freshwater fish of Europe]]",
    "Tinca tinca": "#REDIRECT [[Tench]]",
    "Crane": "'''Crane''' may refer to:\n* [[Crane (bird)]]\n* [[Crane (machine)]]\n"
    "{{disambiguation}}",
    "Crane (bird)": "'''Cranes''' are large, long-legged and long-necked [[bird]]s that wade in "
    "marshes and plains.\n[[Category:Wading birds]]",
    "Crane (machine)": "A '''crane''' is a [[machine]] that lifts loads.\n[[Category:Machines]]",
}  # fmt: skip


def whole(run: Path) -> dict[str, Any]:
    """Return run.json of a folder that holds all that a run folder holds."""
    names = ("config.yaml", "manifest.json", "cost.json", "rejects.jsonl", "report.html")
    assert all((run / name).is_file() for name in (*names, "report.md"))
    assert verify_manifest(run) == []
    lineage: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return lineage


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    file = tmp_path / "classes.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in CLASSES))
    return file


def test_classes_are_resolved_on_a_wiki_and_a_person_settles_the_rest(
    tmp_path: Path, classes: Path, command: Command
) -> None:
    pages = [
        SitePage(page_id=n, title=title, revision_id=100 + n, wikitext=text)
        for n, (title, text) in enumerate(PAGES.items(), 1)
    ]
    out = tmp_path / "run"
    with StrictServer(Site(pages)) as server:
        options = ("builders", "resolve", "--classes", classes, "--wiki-api", server.api,
                   "--cache", tmp_path / "cache", "--out", out, "--json")  # fmt: skip
        said = command(*options, "--contact", "operator@lab.test")
        assert said.code == 0, said.err
        assert server.record.violations == []
        asked = len(server.record.seen)
        assert said.summary["resolved"] == 2
        assert said.summary["to_review"] == 1
        lineage = whole(out)
        assert lineage["counts"]["missing"] == 1
        found = [json.loads(line) for line in (out / "resolutions.jsonl").read_text().splitlines()]
        assert [one["titles"] for one in found] == [["Tench"], ["Crane (bird)"], []]
        review = out / "review.csv"
        rows = list(csv.reader(review.open(newline="")))
        rows[1][-1] = "Crane (machine)"
        filled = tmp_path / "filled.csv"
        with filled.open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
        again = command(*options, "--review", filled)  # nothing more is asked, so no contact
        assert again.code == 0, again.err
        assert again.summary["by_hand"] == 1
        assert command(*options).summary == again.summary  # what was decided stays decided
        assert len(server.record.seen) == asked
    titled = {entry.id: entry.titles for entry in load_classes(str(out / "classes.jsonl"))}
    assert titled == {
        "c1": ("Tench",), "c2": ("Crane (bird)",), "c3": ("Crane (machine)",)
    }  # fmt: skip
    assert whole(out)["counts"]["resolved"] == 3


def test_extracts_and_language_links_come_from_the_wiki(
    tmp_path: Path, classes: Path, command: Command
) -> None:
    text = PAGES["Tench"] + "\n[[de:Schleie]]"
    pages = [SitePage(page_id=1, title="Tench", revision_id=7, wikitext=text)]
    out = tmp_path / "run"
    with StrictServer(Site(pages)) as server:
        options = ("builders", "extracts", "--classes", classes, "--wiki-api", server.api,
                   "--cache", tmp_path / "cache", "--out", out, "--json")  # fmt: skip
        contact = ("--contact", "operator@lab.test")
        assert command(*options, *contact, "--limit", 1).summary["titles"] == 1
        said = command(*options, *contact)
        assert said.code == 0, said.err
        assert server.record.violations == []
    counts = {"extracts": 1, "rejects": 2, "titles": 3}
    assert said.summary == {**counts, "out": str(out)}
    assert whole(out)["counts"] == counts
    [row] = [json.loads(line) for line in (out / "extracts.jsonl").read_text().splitlines()]
    assert (row["title"], row["revision_id"], row["langlinks"]) == ("Tench", 7, {"de": "Schleie"})
    assert row["text"].startswith("The tench (Tinca tinca) is a freshwater fish")
    assert command(*options).summary == said.summary  # from the store: the wiki is gone


def test_a_wrong_review_is_refused_and_nothing_is_lost(
    tmp_path: Path, classes: Path, command: Command
) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "Tench.txt").write_text(PAGES["Tench"])
    out = tmp_path / "run"
    options = ("builders", "resolve", "--classes", classes, "--pages", f"folder:{folder}",
               "--out", out, "--json")  # fmt: skip
    assert command(*options).summary["resolved"] == 1
    text = (out / "review.csv").read_text().replace("c2,crane", "c9,crane")
    (tmp_path / "wrong.csv").write_text(text)
    said = command(*options, "--review", tmp_path / "wrong.csv")
    assert said.code == 2
    assert "there is no class 'c9' in this run" in said.err
    assert command(*options).summary["resolved"] == 1
    whole(out)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for number in range(8):
        file = root / ("cat" if number % 2 else "dog") / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20 + number, 20), (number * 30, 0, 0)).save(file)
    (root / "cat" / "lost.jpg").write_text("<html>not found</html>")
    return root


def test_an_index_of_nothing_is_no_result(tmp_path: Path, pictures: Path, command: Command) -> None:
    options = ("builders", "images", "index", f"folder:{pictures}", "--classes", "flowers102")
    said = command(*options, "--out", tmp_path / "run")
    assert said.code == 2
    assert "no image of folder can be used (most often: no class for this folder, 9)" in said.err
    assert (tmp_path / "run" / "rejects.jsonl").stat().st_size


def test_an_image_set_is_indexed_the_same_by_any_number_of_workers(
    tmp_path: Path, pictures: Path, command: Command
) -> None:
    found = set()
    for workers in (1, 2):
        out = tmp_path / f"run{workers}"
        options = ("builders", "images", "index", f"folder:{pictures}", "--out", out, "--json")
        said = command(*options, "--workers", workers)
        assert said.code == 0, said.err
        assert (said.summary["images"], said.summary["usable"]) == (9, 8)
        assert said.summary["dispositions"] == {"html": 1, "ok": 8}
        assert whole(out)["counts"]["usable"] == 8
        found.add((out / "manifest.json").read_bytes())
        assert command(*options).summary == {**said.summary, "out": str(out)}
    assert len(found) == 1


def test_llava_rows_are_cleaned_and_counted(tmp_path: Path, command: Command) -> None:
    file, out = tmp_path / "mix.json", tmp_path / "run"
    injected = write_rows(file, 400, every=10)
    said = command("builders", "llava", file, "--out", out, "--json")
    assert said.code == 0, said.err
    assert said.summary["repairs"] | said.summary["rejects"] == dict(injected)
    assert whole(out)["counts"]["read"] == 400
    (tmp_path / "moved.json").write_bytes(file.read_bytes())
    moved = command("builders", "llava", tmp_path / "moved.json", "--out", out, "--json")
    assert moved.code == 2  # ids carry the file's name


def rows_about(file: Path, *names: str) -> Path:
    """Write a LLaVA-style file with a row about each image of these names."""
    question = {"from": "human", "value": "<image>\nWhat is it?"}
    rows = [
        {"id": name, "image": name, "conversations": [question, {"from": "gpt", "value": name}]}
        for name in names
    ]
    file.write_text(json.dumps(rows))
    return file


def test_images_that_came_later_are_no_silent_part_of_an_earlier_run(
    tmp_path: Path, pictures: Path, command: Command
) -> None:
    file, out = rows_about(tmp_path / "mix.json", "cat/1.png", "cat/9.png"), tmp_path / "run"
    options = ("builders", "llava", file, "--images", pictures, "--out", out, "--json")
    said = command(*options)
    assert (said.summary["kept"], said.summary["rejects"]) == (1, {"image missing": 1})
    assert command(*options).summary == said.summary
    moved = tmp_path / "moved"
    pictures.rename(moved)
    elsewhere = command(*options[:4], moved, *options[5:])
    assert elsewhere.summary == said.summary  # the same images in another place
    assert command("builders", "llava", file, "--out", out).code == 2
    (moved / "cat" / "9.png").write_bytes((moved / "cat" / "1.png").read_bytes())
    changed = command(*options[:4], moved, *options[5:])
    assert changed.code == 2
    assert "the content of the image folder was" in changed.err
    assert whole(out)["counts"]["kept"] == 1


def test_a_run_folder_among_the_images_is_none_of_them(
    pictures: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    file = rows_about(pictures / "mix.json", "cat/1.png")
    options = ("builders", "llava", file, "--images", ".", "--out", "cat/run", "--json")
    assert command(*options).summary == command(*options).summary


def test_another_share_of_a_mix_is_another_run(tmp_path: Path, command: Command) -> None:
    rows_about(tmp_path / "rows.json", *(f"{n}.jpg" for n in range(9)))
    mix, out = tmp_path / "mix.yaml", tmp_path / "run"
    options = ("builders", "llava", mix, "--data", tmp_path, "--out", out, "--json")
    for strategy, kept in (("first:4", 4), ("first:5", None)):
        mix.write_text(f"datasets: [{{json_path: rows.json, sampling_strategy: '{strategy}'}}]")
        said = command(*options)
        assert said.code == (0 if kept else 2)
    assert "the content of the mix was" in said.err
    assert whole(out)["counts"]["kept"] == 4


def test_first_rows_and_first_classes_are_tried_before_all(
    tmp_path: Path, classes: Path, command: Command
) -> None:
    file = rows_about(tmp_path / "mix.json", *(f"{n}.jpg" for n in range(9)))
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "Tench.txt").write_text(PAGES["Tench"])
    pages = ("--pages", f"folder:{tmp_path / 'pages'}")
    for name, count, *arguments in (
        ("read", 9, "llava", file), ("classes", 3, "resolve", "--classes", classes, *pages),
    ):  # fmt: skip
        options = ("builders", *arguments, "--out", tmp_path / f"run of {name}", "--json")
        assert command(*options, "--limit", 1).summary[name] == 1
        assert command(*options).summary[name] == count


def test_the_config_of_a_run_repeats_it(tmp_path: Path, pictures: Path, command: Command) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert command("builders", "images", "index", f"folder:{pictures}", "--out", first).code == 0
    config = first / "config.yaml"
    assert command("builders", "images", "index", "--config", config, "--out", second).code == 0
    assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["images", "index"], "the setting images is needed"),
        (["images", "index", "cifar:/tmp"], "there is no image set 'cifar:/tmp'"),
        (["images", "index", "folder:nowhere"], "nowhere"),
        (["llava"], "the setting file is needed"),
        (["llava", "nowhere.json"], "there is no file nowhere.json"),
        (["llava", "--set", "file=5"], "the setting file cannot be 5: it is no path"),
        (["llava", "{a,b}.json"], "there is no file a.json"),
        (["resolve", "--pages", "sample", "--review", "no.csv"], "there is no file no.csv: give"),
        (["resolve", "--cache", __file__, "--contact", "a@b.test"], "choose another with --cache"),
        (["resolve", "--classes", "nothing.csv"], "does not exist"),
        (["resolve", "--pages", "pins:x"], "pins are of titles already chosen"),
        (["resolve", "--set", "nothing=1"], "there is no setting nothing"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, command: Command, arguments: list[str], sentence: str
) -> None:
    said = command("builders", *arguments, "--out", tmp_path / "run")
    assert said.code == 2
    assert sentence in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("name", [("resolve",), ("extracts",), ("llava",), ("images", "index")])
def test_every_command_of_the_group_has_the_options_that_all_have(
    command: Command, name: tuple[str, ...]
) -> None:
    told = command("builders", *name, "--help").out
    assert all(option in told for option in ("--out", "--config", "--set", "--dry-run", "--json"))


def test_a_rebuild_takes_its_images_from_an_index(tmp_path: Path, command: Command) -> None:
    root, index, out = tmp_path / "pictures", tmp_path / "index", tmp_path / "run"
    wnids = [entry.id for entry in sample_classes()[:14]]
    for number, wnid in enumerate(wnids):
        for copy in range(3):
            file = root / wnid / f"{wnid}_{copy}.JPEG"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32 + copy, 32), (number * 15, copy * 80, 100)).save(file)
    assert command("builders", "images", "index", f"folder:{root}", "--out", index).code == 0
    rebuild = ("rebuild", "--sample", "--limit", 14, "--out", out, "--json")
    said = command(*rebuild, "--images", f"index:{index}")
    assert said.code == 0, said.err
    items = [json.loads(line) for line in (out / "items.jsonl").read_text().splitlines()]
    assert said.summary["items"] == len(items) >= 30
    assert all(item["image"].startswith(item["class_id"]) for item in items)
    (index / "images.parquet").unlink()
    lost = command(*rebuild, "--images", f"index:{index}")
    assert (lost.code, "there is no finished index" in lost.err) == (2, True)

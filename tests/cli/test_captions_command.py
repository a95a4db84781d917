"""`imagewikiqa draft captions` asks about every picture once, and keeps what names its class."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagewikiqa.core.llm.scripted import Rule
from imagewikiqa.core.runs import verify_manifest
from tests.cli.test_services import BOTH, CANARY
from tests.core.llm.fake_server import FakeModel, _pictures, serving

CLASSES = {"a1": "ant", "v1": "violin"}
Command = Callable[..., Any]


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    file = tmp_path / "classes.csv"
    rows = "".join(f"{one},{name}\n" for one, name in CLASSES.items())
    file.write_text(f"id,name\n{rows}", encoding="utf-8")
    return file


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Make two pictures of each class in formats of all kinds, and one that is none."""
    folder = tmp_path / "pictures"
    for number, (one, name) in enumerate((c, n) for c in CLASSES for n in ("x.jpg", "y.png")):
        (folder / one).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (50 * number, 9, 200)).save(folder / one / name)
    Image.new("RGB", (20, 20), (9, 250, 9)).convert("P").save(folder / "a1" / "z.gif")
    (folder / "v1" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    return folder


def script(folder: Path, reply: str = "A violin on a table.") -> Path:
    file = folder / "script.jsonl"
    rules = [
        {"contains": ["which is ant."], "reply": '"An ant on a leaf."'},
        {"contains": ["which is violin."], "reply": reply},
    ]
    file.write_text("".join(json.dumps(one) + "\n" for one in rules), encoding="utf-8")
    return file


def words(classes: Path, pictures: Path, author: str, out: Path) -> tuple[object, ...]:
    return (
        "draft", "captions", "--classes", classes, "--images", f"folder:{pictures}", "--author",
        author, "--out", out, "--json",
    )  # fmt: skip


def rows(run: Path, name: str = "captions.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / name).read_text(encoding="utf-8").splitlines()]


def test_every_picture_gets_a_caption_or_a_reason(
    tmp_path: Path, classes: Path, pictures: Path, command: Command
) -> None:
    run = tmp_path / "run"
    said = command(*words(classes, pictures, f"scripted:{script(tmp_path)}", run))
    assert said.code == 0, said.err
    assert (said.summary["images"], said.summary["captions"], said.summary["calls"]) == (5, 5, 5)
    assert [one["image"] for one in rows(run)] == [
        "a1/x.jpg", "a1/y.png", "a1/z.gif", "v1/x.jpg", "v1/y.png",
    ]  # fmt: skip
    assert {one["caption"] for one in rows(run)} == {"An ant on a leaf.", "A violin on a table."}
    assert [one["input"] for one in rows(run, "rejects.jsonl")] == ["v1/broken.jpg"]
    assert verify_manifest(run) == []
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "An ant on a leaf." in page and "data:image/jpeg" in page


def test_a_picture_that_is_not_named_is_a_reject_after_three_tries(
    tmp_path: Path, classes: Path, pictures: Path, command: Command
) -> None:
    author = f"scripted:{script(tmp_path, 'A violinist and violins-like things... a viola')}"
    said = command(*words(classes, pictures, author, tmp_path / "run"))
    assert said.summary["captions"] == 5, "violins is a plural, and stands at word bounds"
    author = f"scripted:{script(tmp_path, 'A violinist with a viola.')}"
    said = command(*words(classes, pictures, author, tmp_path / "other"))
    assert said.summary["captions"] == 3 and said.summary["calls"] == 3 + 2 * 3
    assert said.summary["rejects"] == {"class name not in the caption": 2}


def test_the_same_command_asks_nothing_again_and_gives_the_same_bytes(
    tmp_path: Path, classes: Path, pictures: Path, command: Command
) -> None:
    author = f"scripted:{script(tmp_path)}"
    command(*words(classes, pictures, author, tmp_path / "one"))
    first = (tmp_path / "one" / "manifest.json").read_bytes()
    said = command(*words(classes, pictures, author, tmp_path / "one"))
    assert said.summary["calls"] == 5
    assert (tmp_path / "one" / "manifest.json").read_bytes() == first
    command(*words(classes, pictures, author, tmp_path / "two"))
    assert (tmp_path / "two" / "manifest.json").read_bytes() == first


def test_ink_colours_and_turned_pictures_are_sent_as_people_see_them(
    tmp_path: Path, classes: Path, command: Command
) -> None:
    folder = tmp_path / "odd" / "a1"
    folder.mkdir(parents=True)
    Image.new("CMYK", (30, 20), (0, 200, 200, 0)).save(folder / "ink.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (30, 20), (9, 9, 200)).save(folder / "turned.jpg", exif=turned)
    Image.new("RGB", (30, 20), (9, 200, 9)).save(folder / "plain.jpg")
    run = tmp_path / "run"
    said = command(*words(classes, folder.parent, f"scripted:{script(tmp_path)}", run))
    assert said.summary["captions"] == 3, said.err
    made = sorted((run / "work" / "pictures").iterdir())
    sizes = []
    for file in made:
        with Image.open(file) as opened:
            assert (opened.format, opened.mode) == ("JPEG", "RGB")
            sizes.append(opened.size)
    assert sorted(sizes) == [(20, 30), (30, 20)]


@BOTH
def test_both_services_see_the_pictures_alone_and_in_batches(
    service: str, tmp_path: Path, classes: Path, pictures: Path, command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    rules = [
        Rule(contains=(f"which is {name}.",), reply=f"A picture of one {name}.")
        for name in CLASSES.values()
    ]
    with serving(FakeModel(rules=rules, key=CANARY)) as server:
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
            monkeypatch.setenv(name, CANARY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        tables = []
        for name, more in (("alone", ()), ("batched", ("--batch",))):
            server.pictures.clear()
            asked = words(classes, pictures, f"{service}:sees", tmp_path / name)
            said = command(*asked, *more)
            assert said.code == 0, said.err
            assert said.summary["captions"] == 5
            batched = [
                picture
                for made in server.batches.made.values()
                for _, body in made.entries
                for picture in _pictures(body, service == "openai")
            ]
            assert len(batched if more else server.pictures) == 5, name
            tables.append((tmp_path / name / "captions.jsonl").read_bytes())
            assert CANARY.encode() not in (tmp_path / name / "ledger.sqlite").read_bytes()
        assert tables[0] == tables[1]


def test_a_service_that_was_away_is_asked_again_by_the_same_command(
    tmp_path: Path, classes: Path, pictures: Path, command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    asked = (*words(classes, pictures, "openai:sees", tmp_path / "run"), "--limit", 1)
    said = command(*asked, "--base-url", "http://127.0.0.1:9/v1")
    assert (said.code, said.summary["captions"]) == (0, 0)
    assert said.summary["rejects"] == {"no answer": 1}
    assert "1 of 1 inputs failed for reasons that may pass" in said.err
    with serving(FakeModel(rules=[Rule(contains=("ant",), reply="An ant.")])) as server:
        said = command(*asked, "--base-url", f"{server.url}/v1")
        assert (said.summary["captions"], said.summary["rejects"]) == (1, {})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"--author": "corpus"}, "a model that sees"),
        ({"--author": "local:x"}, "a model that sees"),
        ({"--images": "imagenet-val"}, "folder:DIR"),
        ({"--images": "folder:/no/such/place"}, "does not exist"),
        ({"--author": "scripted:/no/such/file"}, "no script"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    change: dict[str, str], says: str, tmp_path: Path, classes: Path, pictures: Path,
    command: Command,
) -> None:  # fmt: skip
    asked = list(words(classes, pictures, f"scripted:{script(tmp_path)}", tmp_path / "run"))
    for name, value in change.items():
        asked[asked.index(name) + 1] = value
    said = command(*asked)
    assert said.code == 2 and says in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "run" / "captions.jsonl").exists()


def test_a_dry_run_counts_and_writes_nothing(
    tmp_path: Path, classes: Path, pictures: Path, command: Command
) -> None:
    asked = words(classes, pictures, f"scripted:{script(tmp_path)}", tmp_path / "run")
    said = command(*asked, "--dry-run", "--per-class", 1)
    assert (said.summary["images"], said.summary["calls_at_most"]) == (2, 6)
    assert not (tmp_path / "run").exists()

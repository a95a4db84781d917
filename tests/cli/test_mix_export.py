"""`mix export`: out to trainers and hubs, and back in by `builders llava`, without a loss."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.mixtures import load
from tests.cli.conftest import Command, call
from tests.mixtures.exports.made import RECIPE, make_sources

BACK = """
name: back
sources:
  - {name: again, read: "llava:ROWS/rows.parquet", images: IMAGES}
"""


@pytest.fixture(scope="module")
def mix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a mixture made by the commands."""
    folder = tmp_path_factory.mktemp("export")
    make_sources(folder)
    (folder / "recipe.yaml").write_text(RECIPE)
    said = call("mix", "build", folder / "recipe.yaml", "--out", folder / "mix")
    assert said.code == 0, said.err
    return folder / "mix"


@pytest.fixture(autouse=True)
def _own_cache(mix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEWIKIQA_CACHE", str(mix.parent / "cache"))


def said_and_shown(folder: Path) -> Counter[str]:
    """Return how often each conversation stands in a mixture with each image."""
    return Counter(
        json.dumps([sample.record["conversations"], *map(_sha256, sample.files.items())])
        for sample in load(folder)
    )


def _sha256(file: tuple[str, bytes]) -> str:
    return f"{file[0]} {hashlib.sha256(file[1]).hexdigest()}"


@pytest.mark.parametrize(
    ("to", "data", "images"),
    [
        ("llava", "data.json", "images"),
        ("messages", "data.jsonl", "."),
        ("sharegpt", "data.jsonl", "."),
    ],
)
def test_a_mixture_comes_back_from_its_rows(
    to: str, data: str, images: str, mix: Path, tmp_path: Path, command: Command
) -> None:
    out, rows = tmp_path / "out", tmp_path / "rows"
    told = command("mix", "export", mix, "--to", to, "--out", out, "--json")
    assert told.code == 0, told.err
    assert (told.summary["rows"], told.summary["images"]) == (24, 22)
    assert Path(told.summary["data"]) == out / data and verify_manifest(out) == []
    read = command("builders", "llava", out / data, "--images", out / images, "--out", rows,
                   "--json")  # fmt: skip
    assert read.code == 0, read.err
    assert (read.summary["kept"], read.summary["text_only"]) == (24, 2)
    assert read.summary["repairs"] == {} and read.summary["rejects"] == {}
    back = BACK.replace("ROWS", str(rows)).replace("IMAGES", str(out / images))
    (tmp_path / "back.yaml").write_text(back)
    built = command("mix", "build", tmp_path / "back.yaml", "--out", tmp_path / "back")
    assert built.code == 0, built.err
    assert said_and_shown(tmp_path / "back") == said_and_shown(mix)


def test_real_conversations_of_text_alone_come_back(
    shared_data: Path, tmp_path: Path, command: Command
) -> None:
    def mixed(data: Path, name: str) -> Path:
        rows, recipe = tmp_path / f"{name}-rows", tmp_path / f"{name}.yaml"
        assert command("builders", "llava", data, "--out", rows).code == 0
        recipe.write_text(BACK.replace("ROWS", str(rows)).replace(", images: IMAGES", ""))
        assert command("mix", "build", recipe, "--out", tmp_path / name).code == 0
        return tmp_path / name

    first = mixed(shared_data / "llava_samples/fastchat_text_only.json", "first")
    for to, data in (("llava", "data.json"), ("messages", "data.jsonl")):
        out = tmp_path / to
        assert command("mix", "export", first, "--to", to, "--out", out).code == 0
        assert not (out / "images.sha256").exists()
        assert said_and_shown(mixed(out / data, f"{to}-again")) == said_and_shown(first)


def test_the_same_command_again_changes_nothing(
    mix: Path, tmp_path: Path, command: Command
) -> None:
    def files() -> dict[str, tuple[bytes, int]]:
        found = (path for path in tmp_path.rglob("*") if path.is_file())
        return {str(path): (path.read_bytes(), path.stat().st_ino) for path in found}

    export = ("mix", "export", mix, "--to", "messages", "--out", tmp_path)
    assert command(*export).code == 0
    before = files()
    assert command(*export, "--workers", 2).code == 0
    after = files()
    assert {name: one for name, (one, _) in after.items()} == {
        name: one for name, (one, _) in before.items()
    }
    assert all(after[name] == one for name, one in before.items() if "/images/" in name)


def test_a_folder_for_a_hub_is_told_in_a_summary(
    mix: Path, tmp_path: Path, command: Command
) -> None:
    refused = command("mix", "export", mix, "--to", "hub", "--out", tmp_path / "hub")
    assert refused.code == 2 and "which licence the images of talk" in refused.err
    said = command("mix", "export", mix, "--to", "hub", "--with-pixels", "--out",
                   tmp_path / "hub", "--json")  # fmt: skip
    assert said.code == 0, said.err
    assert said.summary == {
        "out": str(tmp_path / "hub"), "samples": 24, "files": 19, "with_pixels": True,
        "licence_unknown": "talk",
    }  # fmt: skip
    assert command("mix", "verify", tmp_path / "hub").code == 0
    bare = command("mix", "export", mix, "--to", "hub", "--without-pixels", "--out",
                   tmp_path / "bare", "--json")  # fmt: skip
    assert bare.code == 0 and bare.summary["with_pixels"] is False
    assert verify_manifest(tmp_path / "bare") == []
    assert command("mix", "verify", tmp_path / "bare").code == 0
    (tmp_path / "bare" / "recipe.yaml").write_text("name: other")
    spoilt = command("mix", "verify", tmp_path / "bare")
    assert spoilt.code == 2 and "recipe.yaml has other bytes" in spoilt.out


def test_the_report_says_who_reads_the_rows(mix: Path, tmp_path: Path, command: Command) -> None:
    assert command("mix", "export", mix, "--to", "llava", "--out", tmp_path).code == 0
    assert "--image_folder OUT/images" in (tmp_path / "report.md").read_text().replace("\\", "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--to": "parquet"}, "no form 'parquet'; have: llava, sharegpt, messages, chat, hub"),
        ({"DIR": "nowhere"}, "no mixture"),
        ({"--with-pixels": None}, "are for --to hub"),
    ],
)
def test_mistakes_are_one_sentence(
    change: dict[str, Any], words: str, mix: Path, tmp_path: Path, command: Command
) -> None:
    given = {"--to": "llava", "--out": tmp_path / "out", "DIR": mix, **change}
    place = given.pop("DIR")
    options = [part for pair in given.items() for part in pair if part is not None]
    said = command("mix", "export", place, *options)
    assert said.code == 2 and words in said.err and "Traceback" not in said.err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_or_of_another_form_is_left_alone(
    mix: Path, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("mine")
    said = command("mix", "export", mix, "--to", "llava", "--out", tmp_path / "mine")
    assert said.code == 2 and "no run folder" in said.err
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    assert command("mix", "export", mix, "--to", "llava", "--out", tmp_path / "a").code == 0
    other = command("mix", "export", mix, "--to", "chat", "--out", tmp_path / "a")
    assert other.code == 2 and "to was" in other.err and (tmp_path / "a/manifest.json").exists()
    hub = command("mix", "export", mix, "--to", "hub", "--with-pixels", "--out", tmp_path / "a")
    assert hub.code == 2 and "holds something else" in hub.err

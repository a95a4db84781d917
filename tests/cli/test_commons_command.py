"""`builders images commons` leaves photographs that a rebuild can use and anyone publish."""

import csv
import json
from pathlib import Path

import pytest

from imagewikiqa.core.runs import verify_manifest
from tests.builders.commons.commons_site import CommonsServer, CommonsSite
from tests.builders.commons.world import RULES, article, file
from tests.cli.conftest import Command

CLASSES = [
    {"id": "n02129604", "name": "tiger", "title": "Tiger"},
    {"id": "n02129165", "name": "lion", "title": "Lion"},
    {"id": "none", "name": "nothing", "title": "Nothing"},
]


@pytest.fixture
def options(tmp_path: Path) -> list[object]:
    listed = tmp_path / "classes.jsonl"
    listed.write_text("".join(json.dumps(row) + "\n" for row in CLASSES))
    return ["builders", "images", "commons", "--classes", listed, "--per-class", 2,
            "--cache", tmp_path / "cache", "--json"]  # fmt: skip


def served() -> CommonsServer:
    """Return a server with two articles, their pictures, and one that may not be used."""
    pages = [
        article(1, "Tiger", "'''Tiger'''. [[File:Tiger lead.jpg|thumb]] [[File:Tiger zoo.jpg]]"),
        article(2, "Lion", "'''Lion'''. [[File:Lion lead.jpg]]"),
    ]
    files = [
        file("Tiger lead.jpg", 1),
        file("Tiger zoo.jpg", 2, said={"LicenseShortName": "Fair use", "License": "fairuse"}),
        file("Lion lead.jpg", 3),
    ]
    return CommonsServer(CommonsSite(pages, files), RULES)


def test_photographs_come_with_their_credits_and_are_asked_for_once(
    tmp_path: Path, options: list[object], command: Command
) -> None:
    out = tmp_path / "run"
    with served() as server:
        options += ["--wiki-api", server.api, "--commons-api", server.api, "--out", out]
        said = command(*options, "--contact", "operator@lab.test")
        assert said.code == 0, said.err
        assert server.record.violations == []
    assert (said.summary["photos"], said.summary["classes_without"]) == (2, 1)
    assert sum(said.summary["rejects"].values()) == 1
    credited = list(csv.DictReader((out / "ATTRIBUTION.tsv").open(), delimiter="\t"))
    images = [json.loads(line) for line in (out / "images.jsonl").read_text().splitlines()]
    assert len(credited) == len(images) == 2
    assert all((out / "images" / image["id"]).is_file() for image in images)
    assert verify_manifest(out) == []
    listed = json.loads((out / "manifest.json").read_text())["files"]
    assert {f"images/{image['id']}" for image in images} < set(listed)
    assert "Ann Example" in (out / "report.html").read_text(encoding="utf-8")
    manifest = (out / "manifest.json").read_bytes()
    assert command(*options).summary == said.summary  # the wiki is gone, and nothing is missed
    assert (out / "manifest.json").read_bytes() == manifest


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["--width", 1000], "serves no pictures 1000 pixels wide"),
        (["--per-class", 0], "per_class cannot be 0"),
        (["--commons-api", "ftp://x"], "no address of an action API"),
        ([], "cannot be asked without a contact"),
    ],
)
def test_what_cannot_be_collected_is_one_sentence(
    tmp_path: Path, options: list[object], command: Command, changes: list[object], sentence: str
) -> None:
    said = command(*options, *changes, "--out", tmp_path / "run")
    assert said.code == 2
    assert sentence in said.err
    assert said.err.count("\n") == 1

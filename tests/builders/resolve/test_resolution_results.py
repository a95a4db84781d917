"""The stated precision and coverage are those of the code, and every difference is judged."""

import csv
import shutil
from pathlib import Path

import pytest

from benchmarks import resolution
from benchmarks.resolution import (
    COLUMNS,
    RESULTS,
    VERDICTS,
    Given,
    accepted,
    agrees,
    disagreements,
    map_file,
    read_given,
    read_judged,
    read_map,
    score,
)
from imagewikiqa.builders.resolve.offline import Offline
from imagewikiqa.builders.resolve.records import Resolution
from imagewikiqa.builders.resolve.resolve import resolve

JUDGED = read_judged(RESULTS / "resolution_disagreements.csv")


@pytest.fixture(scope="module")
def given(shared_data: Path) -> Given:
    return read_given(shared_data)


@pytest.fixture(scope="module")
def runs(given: Given) -> dict[bool, list[Resolution]]:
    return {
        widen: resolve(given.classes, Offline(given.listed, given.pages, widen=widen))
        for widen in (False, True)
    }


@pytest.mark.parametrize("widen", [False, True])
def test_what_the_resolver_commits_to_is_right(
    shared_data: Path, given: Given, runs: dict[bool, list[Resolution]], widen: bool
) -> None:
    easy, gold = given.easy, read_map(map_file(shared_data))
    for which, coverage in (("easy", 0.78), ("hard", 0.71)):
        row = score(runs[widen], easy, gold, JUDGED, which)
        assert row["classes"] == {"easy": 512, "hard": 488}[which]
        assert row["precision_judged"] >= 0.97, which
        assert row["precision_map"] >= 0.93, which
        assert row["coverage"] >= coverage, which
        assert row["committed"] + row["ambiguous"] + row["missing"] == row["classes"]


def test_every_difference_from_the_map_is_listed_and_judged(
    shared_data: Path, given: Given, runs: dict[bool, list[Resolution]]
) -> None:
    gold = read_map(map_file(shared_data))
    rows = list(disagreements(runs.values(), given.easy, gold, JUDGED))
    path = RESULTS / "resolution_disagreements.csv"
    assert resolution.table(rows) == path.read_text(encoding="utf-8"), "run it with --write"
    with path.open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert tuple(written[0]) == COLUMNS
    for row in written:
        assert row["verdict"] in VERDICTS, row
        assert len(row["reason"]) > 20, row


def test_the_stated_table_is_what_the_benchmark_prints(
    shared_data: Path, given: Given, runs: dict[bool, list[Resolution]]
) -> None:
    gold = read_map(map_file(shared_data))
    named = {"given lists": runs[False], "with distractors": runs[True]}
    summary = resolution.summarise(named, given.easy, gold, JUDGED)
    stated = (RESULTS / "resolution.md").read_text(encoding="utf-8")
    assert resolution.report(summary, named, given, gold).strip() in stated


def test_what_poorer_class_lists_cost_is_as_stated(shared_data: Path, given: Given) -> None:
    gold = read_map(map_file(shared_data))
    lemmas = (shared_data / "class_lists" / "imagenet_synset_to_lemma_1k.txt").read_text("utf-8")
    first = {line[:9]: line[10:].split(",")[0] for line in lemmas.splitlines()}
    poor = [entry.model_copy(update={"name": first[entry.id]}) for entry in given.classes]
    bare = [e.model_copy(update={"definition": "", "hypernyms": ()}) for e in given.classes]
    stated = " ".join((RESULTS / "resolution.md").read_text(encoding="utf-8").split())
    for classes, words in (
        (poor, "{committed} hard classes are committed and {precision_map:.1%} of them are the"),
        (bare, "Without definitions and hypernyms it is {committed} and {precision_map:.1%}."),
    ):
        found = resolve(classes, Offline(given.listed, given.pages))
        row = score(found, given.easy, gold, JUDGED, "hard")
        assert words.format(**row) in stated


def test_the_resolver_is_handed_nothing_of_the_map(shared_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "imagenet_wiki_map"
    folder.mkdir()
    for path in (shared_data / "imagenet_wiki_map").glob("auto_*.json"):
        shutil.copy(path, folder)
    handed = read_given(tmp_path)  # works without the map
    assert all(entry.title is None for entry in handed.classes)
    assert len(handed.easy) == 512


def test_the_warts_of_the_map_are_read() -> None:
    assert accepted("Shield, Buckler") >= {"shield", "buckler"}
    assert accepted("Rear-view mirror,Wing mirror") >= {"rear view mirror", "wing mirror"}
    assert "orange connecticut" in accepted("Tank, Orange, Connecticut")
    assert accepted("-") == frozenset()
    one = Resolution(id="x", class_name="x", outcome="resolved", titles=("Consommé",), confidence=1)
    assert agrees(one, "Consomme")
    assert not agrees(one, "-")
    assert not agrees(one, "Soup")

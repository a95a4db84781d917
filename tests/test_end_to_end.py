"""The main job on the embedded sample, whole: what comes out is what the acceptance asks for."""

import contextlib
import dataclasses
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.cli import job
from imagewikiqa.cli.main import run
from imagewikiqa.core import stages
from imagewikiqa.core.runs import verify_manifest

Row = dict[str, Any]


def rebuild(out: Path, *options: object) -> Row:
    """Run `imagewikiqa rebuild --out OUT ... --json` in this process; return its summary."""
    said, told = io.StringIO(), io.StringIO()
    line = ["rebuild", "--out", str(out), *map(str, options), "--json"]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
        with pytest.raises(SystemExit) as ended:
            run(line)
    assert ended.value.code == 0, told.getvalue()
    summary: Row = json.loads(said.getvalue().splitlines()[-1])
    return summary


def rows(file: Path) -> list[Row]:
    with file.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def listed(folder: Path) -> Row:
    found: Row = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    return found


@dataclasses.dataclass(frozen=True)
class Made:
    """A finished run: its folder, its summary and its tables."""

    path: Path
    summary: Row

    def table(self, name: str) -> list[Row]:
        return rows(self.path / name)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return the sample run, made by one process."""
    out = tmp_path_factory.mktemp("sample") / "run"
    return Made(out, rebuild(out, "--sample", "--workers", 1))


@pytest.fixture(scope="module")
def questions(made: Made) -> list[Row]:
    return made.table("questions.jsonl")


@pytest.fixture(scope="module")
def items(made: Made) -> list[Row]:
    return made.table("items.jsonl")


@contextlib.contextmanager
def always_spread() -> Iterator[Counter[str]]:
    """Send every stage that may use worker processes to them; count their inputs by stage."""
    used: Counter[str] = Counter()
    real_run, real_spread = stages.run_stage, stages._in_processes

    def run_spread(stage: Any, *given: Any, **named: Any) -> Any:
        return real_run(dataclasses.replace(stage, spread_above=0), *given, **named)

    def spread(stage: Any, records: list[Any], workers: int) -> Any:
        used[stage.name] += len(records)
        return real_spread(stage, records, workers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "run_stage", run_spread)
        patch.setattr(stages, "_in_processes", spread)
        yield used


def test_three_worker_processes_write_the_same_bytes_as_one(made: Made, tmp_path: Path) -> None:
    with always_spread() as used:
        summary = rebuild(tmp_path / "run", "--sample", "--workers", 3)
    assert used == {"pages": 75, "facts": 75, "filter": summary["drafts"]}  # really spread
    assert verify_manifest(tmp_path / "run") == []
    assert listed(tmp_path / "run") == listed(made.path)
    for name in listed(made.path):
        assert (tmp_path / "run" / name).read_bytes() == (made.path / name).read_bytes(), name


def test_the_manifest_lists_every_data_file_and_fits_them(made: Made) -> None:
    assert verify_manifest(made.path) == []
    assert set(listed(made.path)) >= {
        "pages.jsonl", "questions.jsonl", "items.jsonl", "imagewikiqa.jsonl", "ATTRIBUTION.tsv",
        "rejects.jsonl", "audit/audit.json", "audit/findings.jsonl", "hub/README.md",
    }  # fmt: skip
    assert [name for name in listed(made.path) if name.endswith(".parquet")]
    for name in ("config.yaml", "run.json", "cost.json", "report.html", "report.md"):
        assert (made.path / name).stat().st_size > 0, name
    assert len(list((made.path / "plots").iterdir())) >= 3


def test_there_are_enough_questions_over_enough_classes_in_enough_forms(
    questions: list[Row],
) -> None:
    per_class = Counter(row["class_id"] for row in questions)
    forms = Counter(row["author"]["form"] for row in questions)
    assert len(questions) >= 120
    assert len(per_class) >= 30
    assert max(per_class.values()) <= 5
    assert len(forms) >= 12
    assert max(forms.values()) <= 0.15 * len(questions)


def test_the_letters_of_questions_differ_by_at_most_one(questions: list[Row]) -> None:
    letters = Counter(row["answer"] for row in questions)
    assert sorted(letters) == [0, 1, 2, 3]
    assert max(letters.values()) - min(letters.values()) <= 1


@pytest.mark.parametrize("best", [max, min], ids=["longest", "shortest"])
def test_picking_by_length_is_right_at_chance(
    questions: list[Row], best: Callable[..., int]
) -> None:
    share = _share_by_length(questions, best)
    assert abs(share - Fraction(1, 4)) <= Fraction(3, 100), float(share)


def _share_by_length(questions: list[Row], best: Callable[..., int]) -> Fraction:
    """Return how often the longest (or shortest) option is right; a tie of k earns 1/k."""
    total = Fraction(0)
    for row in questions:
        lengths = [len(text) for text in row["choices"]]
        tied = [at for at, length in enumerate(lengths) if length == best(lengths)]
        if row["answer"] in tied:
            total += Fraction(1, len(tied))
    return total / len(questions)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _names(questions: list[Row]) -> dict[str, list[str]]:
    """Return every name of every released class, from the table of classes itself."""
    table = Path(stages.__file__).parent / "data" / "imagenet_classes.jsonl"
    wanted = {row["class_id"] for row in questions}
    entries = {row["id"]: row for row in rows(table) if row["id"] in wanted}
    assert set(entries) == wanted
    return {key: [row["name"], *row["synonyms"]] for key, row in entries.items()}


def test_no_question_or_option_holds_a_name_of_its_class(questions: list[Row]) -> None:
    names = _names(questions)
    leaks = [
        (row["class_name"], name, text)
        for row in questions
        for name in names[row["class_id"]]
        for text in (row["question"], *row["choices"])
        if re.search(rf"(?<!\w){re.escape(_plain(name))}(?!\w)", _plain(text))
    ]
    assert leaks == []
    # The same search finds the name where it belongs, so it can find it.
    named = sum(
        any(_plain(name) in _plain(row["question_named"]) for name in names[row["class_id"]])
        for row in questions
    )
    assert named > 0.9 * len(questions)


def test_every_quote_equals_the_page_at_its_offsets(made: Made, questions: list[Row]) -> None:
    texts = {row["id"]: row["text"] for row in made.table("pages.jsonl")}
    for row in questions:
        evidence = row["evidence"]
        assert evidence["start"] < evidence["end"]
        assert evidence["quote"] == texts[evidence["page"]][evidence["start"] : evidence["end"]]
        assert row["class_id"] in evidence["url"]


def test_every_question_asks_about_this_object_and_has_four_distinct_options(
    questions: list[Row],
) -> None:
    for row in questions:
        assert re.search(r"\b(?:this|these) objects?\b", row["question"], re.I), row["question"]
        assert not re.search(r"\bthis object\b", row["question_named"], re.I)
        assert len({_plain(text) for text in row["choices"]}) == 4
        assert row["question"].endswith("?")
        assert not re.search(
            r"[{}\[\]<>|]|''|==|&\w+;", " ".join([row["question"], *row["choices"]])
        )
        assert all(row["checks"].values())


def test_the_judge_found_each_question_answerable_with_the_name_and_not_without(
    questions: list[Row],
) -> None:
    for row in questions:
        named, blind = row["judge"]["with_name"], row["judge"]["without_name"]
        assert named["right"] / named["trials"] >= 0.9
        assert blind["right"] / blind["trials"] <= 0.35
        assert named["trials"] == len(named["picks"])
        assert named["right"] == sum(pick == row["answer"] for pick in named["picks"])


def test_items_repeat_their_question_and_share_no_image(
    questions: list[Row], items: list[Row]
) -> None:
    by_id = {row["id"]: row for row in questions}
    assert {row["question_id"] for row in items} == set(by_id)
    for row in items:
        asked = by_id[row["question_id"]]
        assert all(row[key] == asked[key] for key in ("question", "choices", "answer", "class_id"))
        assert row["letter"] == "ABCD"[row["answer"]]
    per_question = Counter(row["question_id"] for row in items)
    assert max(per_question.values()) <= 3
    images = [row["image"] for row in items]
    assert len(set(images)) == len(images)
    assert len({row["item_id"] for row in items}) == len(items)


def test_every_draft_is_released_or_has_exactly_one_reason(made: Made) -> None:
    drafts = {row["id"] for row in made.table("work/draft.jsonl")}
    released = {row["id"] for row in made.table("questions.jsonl")}
    rejected = Counter(
        row["input"] for row in made.table("rejects.jsonl") if row["input"] in drafts
    )
    assert released < drafts
    assert set(rejected) == drafts - released
    assert set(rejected.values()) == {1}
    assert all(row["reason"] for row in made.table("rejects.jsonl"))


def test_the_auditor_agrees(made: Made, questions: list[Row], items: list[Row]) -> None:
    audit = json.loads((made.path / "audit" / "audit.json").read_text(encoding="utf-8"))
    assert (audit["rows"], audit["questions"]) == (len(items), len(questions))
    assert audit["classes"] == len({row["class_id"] for row in questions})
    assert audit["images"] == len(items)
    assert audit["images_shared_by_questions"] == 0
    letters = Counter(row["letter"] for row in items)
    assert audit["letters"] == {letter: letters[letter] for letter in "ABCD"}
    for name, best in (("longest_option", max), ("shortest_option", min)):
        figure = audit[name]
        assert figure["accuracy"] == pytest.approx(float(_share_by_length(questions, best)))
        assert figure["low"] < 0.25 < figure["high"]
        assert figure["n"] == len(questions)
    assert audit["surface_model"]["low"] < 0.25 < audit["surface_model"]["high"]
    for name in (
        "name_in_question", "name_in_choice", "name_in_answer", "negated", "all_or_none",
        "placeholder_missing", "duplicate_choices", "duplicate_rows", "conflicting_answers",
        "like_questions_and_choices_across_classes", "near_duplicate_pairs_within_class",
        "evidence_missing", "evidence_not_in_page", "evidence_shared_across_classes",
    ):  # fmt: skip
        assert audit[name] == 0, name
    assert "leak" not in audit["verdicts"].values()


def test_the_summary_counts_what_the_tables_hold(
    made: Made, questions: list[Row], items: list[Row]
) -> None:
    summary = made.summary
    assert summary["out"] == str(made.path)
    assert summary["pages"] == len(made.table("pages.jsonl")) == 75
    assert summary["drafts"] == len(made.table("work/draft.jsonl"))
    assert (summary["questions"], summary["items"]) == (len(questions), len(items))
    assert summary["classes"] == len({row["class_id"] for row in questions})
    assert sum(summary["rejects"].values()) == len(made.table("rejects.jsonl"))
    lineage = json.loads((made.path / "run.json").read_text(encoding="utf-8"))
    assert lineage["counts"] == {k: v for k, v in summary.items() if k != "out"}


def test_the_upstream_rows_read_back_as_the_same_questions(
    made: Made, questions: list[Row], items: list[Row]
) -> None:
    by_id = {row["id"]: row for row in questions}
    upstream = made.table("imagewikiqa.jsonl")
    assert len(upstream) == len(items)
    for row, item in zip(upstream, items, strict=True):
        assert list(row) == ["image", "text", "label", "wiki", "classname"]
        stem, *options, last = row["text"].split("\n")
        asked = by_id[item["question_id"]]
        assert (stem, last) == (asked["question"], "Choose A, B, C, or D.")
        assert options == [f"{a}. {text}" for a, text in zip("ABCD", asked["choices"], strict=True)]
        assert (row["label"], row["wiki"]) == (item["letter"], asked["evidence"]["quote"])
        assert (row["image"], row["classname"]) == (item["image"], asked["class_name"])
        assert re.fullmatch(r"images/ILSVRC2012_val_\d{8}\.JPEG", row["image"])


def test_the_hub_folder_opens_offline_and_holds_the_items(
    made: Made, items: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the package datasets (extra: release)")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    loaded = datasets.load_dataset(str(made.path / "hub"), cache_dir=str(tmp_path))
    assert list(loaded) == ["test"]
    found = loaded["test"].to_list()
    assert len(found) == len(items)
    for row, item in zip(found, items, strict=True):
        assert (row["question_id"], row["question"]) == (item["question_id"], item["question"])
        assert row["choices"] == item["choices"]
        assert row["answer"] == item["answer"]


def test_attribution_names_every_page_that_a_question_quotes(
    made: Made, questions: list[Row]
) -> None:
    header, *lines = (made.path / "ATTRIBUTION.tsv").read_text(encoding="utf-8").splitlines()
    link = header.split("\t").index("permanent_link")
    credited = {line.split("\t")[link] for line in lines}
    assert {row["evidence"]["url"] for row in questions} <= credited


def test_a_limited_run_goes_on_to_the_same_data_without_the_limit(
    made: Made, tmp_path: Path
) -> None:
    first = rebuild(tmp_path / "run", "--sample", "--limit", 14)
    assert 0 < first["questions"] < made.summary["questions"]
    journals = {file: file.read_bytes() for file in (tmp_path / "run" / "work").glob("*.journal")}
    rebuild(tmp_path / "run", "--sample")
    assert listed(tmp_path / "run") == listed(made.path)
    pages = tmp_path / "run" / "work" / "pages.journal"
    assert pages.read_bytes().startswith(journals[pages])  # went on, did not begin again


def test_a_finished_run_repeats_nothing_and_stays_the_same(made: Made) -> None:
    work = made.path / "work"
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in work.glob("*.journal")}
    manifest = (made.path / "manifest.json").read_bytes()
    with always_spread() as used:
        again = rebuild(made.path, "--workers", 2)  # the stored settings: no option needed
    assert not used
    assert again == made.summary
    assert (made.path / "manifest.json").read_bytes() == manifest
    after = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in work.glob("*.journal")}
    assert len(before) == 4
    assert after == before

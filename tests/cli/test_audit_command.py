"""`imagewikiqa audit` on our own runs and on the released half of ImageWikiQA."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONTRACT = (
    "rows", "questions", "classes", "images", "images_shared_by_questions", "images_per_question",
    "letters", "max_frequency_rows", "max_frequency_questions", "longest_option",
    "shortest_option", "surface_model", "name_in_question", "name_in_choice", "name_in_answer",
    "negated", "all_or_none", "placeholder_missing", "duplicate_choices",
    "near_duplicate_pairs_across_classes", "evidence_shared_across_classes",
    "evidence_not_in_page", "wrong_or_disputed_images",
)  # fmt: skip


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def half(shared_data: Path) -> Path:
    return shared_data / "imagewikiqa_half" / "imagewikiqa_half.jsonl"


def test_our_run_folder_has_every_key_and_no_leak(
    finished: Path, command: Callable[..., Any]
) -> None:
    said = command("audit", finished, "--json")
    assert (said.code, said.err, len(said.out.splitlines())) == (0, "", 1)
    figures = said.summary
    assert [key for key in CONTRACT if key not in figures] == []
    asked, shown = rows(finished / "questions.jsonl"), rows(finished / "items.jsonl")
    assert (figures["questions"], figures["rows"]) == (len(asked), len(shown))
    assert figures["letters"] == {x: [r["letter"] for r in shown].count(x) for x in "ABCD"}
    assert figures["name_in_question"] == figures["name_in_choice"] == 0
    assert figures["evidence_not_in_page"] == 0  # the run folder brings its own pages
    assert figures["wrong_or_disputed_images"] is None  # not asked without --real
    for name in ("longest_option", "shortest_option"):
        assert {"accuracy", "low", "high", "n"} <= set(figures[name])
    assert {"accuracy", "low", "high"} <= set(figures["surface_model"])


def test_the_same_figures_are_those_the_run_wrote(
    finished: Path, command: Callable[..., Any]
) -> None:
    own = json.loads((finished / "audit" / "audit.json").read_text(encoding="utf-8"))
    assert command("audit", finished, "--json").summary == own


def test_audit_with_out_alone_audits_the_run_into_its_folder(
    copied: Path, command: Callable[..., Any]
) -> None:
    for file in (copied / "audit").glob("*.*"):
        file.unlink()
    said = command("audit", "--out", copied, "--json")
    assert said.code == 0, said.err
    assert said.summary["report"] == str(copied / "audit" / "report.html")
    assert {"audit.json", "findings.jsonl", "report.html"} <= {
        file.name for file in (copied / "audit").iterdir()
    }


@pytest.mark.parametrize("name", ["imagewikiqa.jsonl", "questions.jsonl", "hub"])
def test_every_layout_that_a_run_exports_can_be_audited_alone(
    name: str, finished: Path, command: Callable[..., Any]
) -> None:
    file = next((finished / "hub").rglob("*.parquet")) if name == "hub" else finished / name
    figures = command("audit", file, "--json").summary
    assert figures["questions"] == len(rows(finished / "questions.jsonl"))
    assert figures["letters_questions"] == Counter(
        "ABCD"[row["answer"]] for row in rows(finished / "questions.jsonl")
    )
    assert [key for key in CONTRACT if key not in figures] == []


def test_a_summary_for_people_names_the_figures(
    finished: Path, command: Callable[..., Any]
) -> None:
    figures = command("audit", finished, "--json").summary
    said = command("audit", finished)
    assert said.code == 0
    what, letters, tally, *checks = said.out.splitlines()
    assert f"{figures['questions']} questions in {figures['rows']} rows" in what
    assert letters.endswith(", ".join(f"{k} {n}" for k, n in figures["letters_questions"].items()))
    assert Counter(line[:11].strip() for line in checks) == Counter(figures["verdicts"].values())
    assert all(
        f"{n} {verdict}" in tally for verdict, n in Counter(figures["verdicts"].values()).items()
    )
    (longest,) = [line for line in checks if "Picking the longest option" in line]
    assert f"{100 * figures['longest_option']['accuracy']:.1f}%" in longest


def test_a_spoiled_answer_key_shows_in_the_figures(
    finished: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    spoiled = []
    for row in rows(finished / "questions.jsonl"):
        row["choices"][row["answer"]] += f", as every {row['class_name']} in the long run shows"
        spoiled.append(row)
    file = tmp_path / "spoiled.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in spoiled), encoding="utf-8")
    figures = command("audit", file, "--json").summary
    assert figures["name_in_answer"] == len(spoiled)
    assert figures["longest_option"]["accuracy"] == 1.0
    assert figures["verdicts"]["longest_option"] == "leak"


def test_the_released_half_has_every_key_and_its_known_flaws(
    half: Path, command: Callable[..., Any]
) -> None:
    figures = command("audit", half, "--json").summary
    assert [key for key in CONTRACT if key not in figures] == []
    released = rows(half)
    assert figures["rows"] == len(released) == 983
    assert figures["classes"] == len({row["classname"] for row in released}) == 266
    assert figures["images"] == len({row["image"] for row in released})
    assert figures["letters"] == Counter(row["label"] for row in released)
    assert figures["longest_option"]["low"] > 0.25
    assert figures["evidence_shared_across_classes"] > 0
    assert figures["name_in_choice"] > 0
    without = {
        (row["classname"], row["text"]) for row in released if "this object" not in row["text"]
    }
    assert figures["placeholder_missing"] <= len(without)


def test_with_real_labels_every_disputed_image_is_counted_and_listed(
    half: Path, shared_data: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    real = shared_data / "imagenet_val_labels" / "imagenet_real_labels.json"
    line = ("audit", half, "--real", real, "--out", tmp_path / "audit", "--json")
    figures = command(*line).summary
    labels = json.loads(real.read_text(encoding="utf-8"))
    bare = [row["image"] for row in rows(half) if labels[int(row["image"][-13:-5]) - 1] == []]
    assert figures["images_without_valid_label"] in (len(bare), len(set(bare)))  # rows or images
    assert figures["wrong_or_disputed_images"] >= figures["images_without_valid_label"] > 0
    listed = rows(tmp_path / "audit" / "findings.jsonl")
    found = Counter(row["check"] for row in listed)
    disputed = [row["detail"] for row in listed if row["check"] == "wrong_or_disputed_images"]
    assert len(disputed) >= figures["wrong_or_disputed_images"]
    assert all(any(image in detail for detail in disputed) for image in bare)
    for check in ("name_in_question", "name_in_choice", "name_in_answer", "negated"):
        assert found[check] == figures[check]
    page = (tmp_path / "audit" / "report.html").read_text(encoding="utf-8")
    assert "<script src" not in page
    assert figures["report"] == str(tmp_path / "audit" / "report.html")


def test_the_questions_of_another_set_are_found_row_by_row(
    finished: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    other = tmp_path / "other.jsonl"
    lines = (finished / "questions.jsonl").read_text(encoding="utf-8").splitlines()[:3]
    other.write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = command("audit", finished, "--against", other, "--out", tmp_path / "out", "--json")
    assert said.code == 0
    assert said.summary["in_other_set"] >= 3
    found = [one for one in rows(tmp_path / "out" / "findings.jsonl")
             if one["check"] == "in_other_set"]  # fmt: skip
    assert {json.loads(line)["id"] for line in lines} <= {one["question_id"] for one in found}
    assert command("audit", finished, "--json").summary["in_other_set"] is None

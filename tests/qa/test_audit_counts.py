"""The auditor's figures for the released half equal a plain computation made here."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.qa.audit import AuditReport, audit

Asked = dict[str, Any]
PATTERN = r"(.*?)\nA\. (.*?)\nB\. (.*?)\nC\. (.*?)\nD\. (.*?)\nChoose A, B, C, or D\."


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[Asked]:
    path = shared_data / "imagewikiqa_half" / "imagewikiqa_half.jsonl"
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        match = re.fullmatch(PATTERN, row["text"], re.DOTALL)
        assert match is not None
        row["question"], *row["options"] = match.groups()
        row["right"] = row["options"]["ABCD".index(row["label"])]
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def questions(rows: list[Asked]) -> list[Asked]:
    first: dict[object, Asked] = {}
    for row in rows:
        key = (row["classname"], row["question"], frozenset(row["options"]))
        first.setdefault(key, row | {"images": set()})["images"].add(row["image"])
    return list(first.values())


@pytest.fixture(scope="module")
def report(shared_data: Path) -> AuditReport:
    return audit(
        shared_data / "imagewikiqa_half" / "imagewikiqa_half.jsonl",
        real=shared_data / "imagenet_val_labels" / "imagenet_real_labels.json",
    )


def test_sizes(report: AuditReport, rows: list[Asked], questions: list[Asked]) -> None:
    got = report.summary
    assert (got.rows, got.classes, got.questions) == (983, 266, 383)
    assert got.rows == len(rows)
    assert got.questions == len(questions)
    assert got.classes == len({row["classname"] for row in rows})
    assert got.images == len({row["image"] for row in rows})
    assert got.unreadable_rows == 0


def test_images_and_letters(report: AuditReport, rows: list[Asked], questions: list[Asked]) -> None:
    got = report.summary
    users = Counter(image for q in questions for image in q["images"])
    assert got.images_shared_by_questions == sum(n > 1 for n in users.values()) > 0
    sizes = Counter(str(len(q["images"])) for q in questions)
    assert got.images_per_question == dict(sizes)
    assert got.letters == dict(Counter(row["label"] for row in rows))
    by_question = Counter(q["label"] for q in questions)
    assert got.letters_questions == dict(by_question)
    assert got.max_frequency_rows == max(got.letters.values()) / len(rows)
    assert got.max_frequency_questions == max(by_question.values()) / len(questions)


@pytest.mark.parametrize(("key", "extreme"), [("longest_option", max), ("shortest_option", min)])
def test_length_rules_with_ties_and_their_intervals(
    report: AuditReport, questions: list[Asked], key: str, extreme: Any
) -> None:
    earned: dict[str, list[float]] = defaultdict(list)
    for q in questions:
        lengths = [len(text) for text in q["options"]]
        hit = len(q["right"]) == extreme(lengths)
        earned[q["classname"]].append(hit / lengths.count(extreme(lengths)))
    n = len(questions)
    mean = sum(map(sum, earned.values())) / n
    got = getattr(report.summary, key)
    assert got.accuracy == pytest.approx(mean)
    assert (got.n, got.chance) == (n, 0.25)
    # A plain sandwich interval: the reported one may differ only by its score form.
    spread = sum(sum(v - mean for v in values) ** 2 for values in earned.values()) ** 0.5 / n
    assert got.low == pytest.approx(mean - 1.97 * spread, abs=0.008)
    assert got.high == pytest.approx(mean + 1.97 * spread, abs=0.008)


def test_the_longest_option_and_the_blind_guesser_leak(report: AuditReport) -> None:
    assert report.summary.longest_option.low > 0.35
    assert report.summary.surface_model.low > 0.38
    assert report.summary.shortest_option.high < 0.25
    for key in ("longest_option", "shortest_option", "surface_model"):
        assert report.summary.verdicts[key] == "leak"


def test_names_in_texts(report: AuditReport, questions: list[Asked]) -> None:
    def named(text: str, name: str) -> bool:
        padded = f" {re.sub(r'[^a-z0-9]+', ' ', text.lower())} "
        return f" {re.sub(r'[^a-z0-9]+', ' ', name.lower()).strip()} " in padded

    in_choice = [q for q in questions if any(named(c, q["classname"]) for c in q["options"])]
    got = report.summary
    assert got.name_in_choice == len(in_choice) == 3
    assert got.name_in_answer == sum(named(q["right"], q["classname"]) for q in questions) == 1
    assert got.name_in_question == sum(named(q["question"], q["classname"]) for q in questions)
    found = [f for f in report.findings if f.check == "name_in_choice"]
    assert len(found) == len(in_choice)
    for item, q in zip(found, in_choice, strict=True):
        assert q["classname"].casefold() in item.detail.casefold()


def test_wording(report: AuditReport, questions: list[Asked]) -> None:
    got = report.summary
    texts = [q["question"] for q in questions]
    assert got.negated == sum(bool(re.search(r"\bnot\b|n't", t.lower())) for t in texts) > 30
    above = [q for q in questions if any(c.startswith("All of the above") for c in q["options"])]
    assert got.all_or_none == len(above) == 2
    held = [t for t in texts if "this object" in t.lower() or "these objects" in t.lower()]
    assert got.placeholder_missing == len(texts) - len(held)
    assert got.duplicate_choices == sum(len({*q["options"]}) < 4 for q in questions) == 0


def test_shared_evidence(report: AuditReport, questions: list[Asked]) -> None:
    users = defaultdict(set)
    for q in questions:
        users[q["wiki"]].add(q["classname"])
    shared = {text for text, names in users.items() if len(names) > 1}
    got = report.summary
    assert got.evidence_shared_across_classes == len(shared) == 4
    citing = [q for q in questions if q["wiki"] in shared]
    assert got.evidence_shared_questions == len(citing)
    found = [f for f in report.findings if f.check == "evidence_shared_across_classes"]
    assert len(found) == len(citing)
    assert got.evidence_missing == 0
    assert got.evidence_not_in_page is None
    assert got.verdicts["evidence_not_in_page"] == "not checked"


def test_like_questions(report: AuditReport, questions: list[Asked]) -> None:
    def grams(q: Asked) -> set[str]:
        text = re.sub(re.escape(q["classname"].lower()), "this object", q["question"].lower())
        text = f" {' '.join(re.findall(r'[a-z0-9é]+', text))} "
        return {text[i : i + 3] for i in range(len(text) - 2)}

    sets = [grams(q) for q in questions]
    pairs = 0
    for i, one in enumerate(sets):
        for j in range(i):
            if questions[i]["classname"] != questions[j]["classname"]:
                pairs += len(one & sets[j]) >= 0.8 * len(one | sets[j])
    assert report.summary.near_duplicate_pairs_across_classes == pairs > 10


def test_wrong_and_disputed_images(
    report: AuditReport, rows: list[Asked], shared_data: Path
) -> None:
    lists = json.loads(
        (shared_data / "class_lists" / "clip_classes_and_templates.json").read_text("utf-8")
    )
    names: list[str] = lists["ImageNet"]["classes"]
    real = json.loads(
        (shared_data / "imagenet_val_labels" / "imagenet_real_labels.json").read_text("utf-8")
    )
    empty = disputed = 0
    for row in rows:
        labels = real[int(row["image"][-13:-5]) - 1]
        valid = {i for i, name in enumerate(names) if name == row["classname"]}
        assert valid, row["classname"]
        empty += not labels
        disputed += bool(labels) and not valid & set(labels)
    got = report.summary
    assert got.images_checked == len(rows)
    assert got.images_without_valid_label == empty > 0
    assert got.wrong_or_disputed_images == empty + disputed > empty
    found = [f for f in report.findings if f.check == "wrong_or_disputed_images"]
    assert len(found) == empty + disputed
    assert all(rows[f.row - 1]["image"] in f.detail for f in found)

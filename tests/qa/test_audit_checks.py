"""Each check counts what was planted, and says 'not checked' where it could not look."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.qa.audit import audit, near
from imagewikiqa.qa.audit.near import (
    LikeTexts,
    grams,
    like_groups,
    like_in_both,
    like_pairs,
)
from imagewikiqa.qa.audit.text import content_words, has_name, masked, normalised

FLAWED = Path(__file__).parent.parent / "data" / "audit" / "flawed.json"
Row = dict[str, Any]
CLASSES = (
    ClassEntry(id="c1", name="snow fox", synonyms=("white fox",), index=0),
    ClassEntry(id="c2", name="oboe", synonyms=("reed",), index=1),
    ClassEntry(id="c3", name="bassoon", index=2),
)


def flawed_items() -> list[Row]:
    questions = json.loads(FLAWED.read_text(encoding="utf-8"))
    return [
        {**q, "question_id": q["id"], "image": image} for q in questions for image in q["images"]
    ]


def written(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_planted_flaws_are_counted_and_listed_once_each(tmp_path: Path) -> None:
    report = audit(written(tmp_path / "x.jsonl", flawed_items()), classes=CLASSES)
    got = report.summary
    expected = {
        "rows": 7, "questions": 6, "classes": 3, "images": 6, "images_shared_by_questions": 1,
        "name_in_question": 1, "name_in_choice": 2, "name_in_answer": 1,
        "synonym_in_question": 1, "synonym_in_choice": 1, "synonym_in_answer": 1,
        "name_word_in_question": 1, "negated": 1, "all_or_none": 2, "placeholder_missing": 2,
        "duplicate_choices": 1, "near_duplicate_pairs_across_classes": 1,
        "near_duplicate_pairs_within_class": 0, "like_questions_and_choices_across_classes": 1,
        "evidence_missing": 1, "evidence_shared_across_classes": 1,
        "evidence_shared_questions": 2, "evidence_without_answer": 1,
        "evidence_not_in_page": None, "wrong_or_disputed_images": None,
        "conflicting_answers": 0, "duplicate_rows": 0, "choices_read_as_missing": None,
    }  # fmt: skip
    assert {key: getattr(got, key) for key in expected} == expected
    assert got.images_per_question == {"1": 5, "2": 1}
    assert got.letters == {"A": 2, "B": 3, "C": 1, "D": 1}
    assert got.letters_questions == {"A": 1, "B": 3, "C": 1, "D": 1}
    per_question = [key for key in expected if key.startswith(("name", "syn", "neg", "all", "dup"))]
    assert len(per_question) == 11
    for key in per_question:
        assert sum(f.check == key for f in report.findings) == expected[key]
    duplicate = next(f for f in report.findings if f.check == "duplicate_choices")
    assert (duplicate.row, duplicate.question_id) == (4, "q3")
    assert duplicate.detail == "Glass | the glass."


def test_rows_that_repeat_or_contradict_are_found(tmp_path: Path) -> None:
    rows = flawed_items()
    rows += [dict(rows[0]), {**rows[1], "answer": 2, "image": "z.jpg"}]
    got = audit(written(tmp_path / "x.jsonl", rows), classes=CLASSES).summary
    assert (got.duplicate_rows, got.conflicting_answers) == (1, 1)


def test_rotated_options_are_one_question_and_no_repetition(tmp_path: Path) -> None:
    row = flawed_items()[0]
    turned = [
        {**row, "choices": row["choices"][k:] + row["choices"][:k], "answer": (0 - k) % 4}
        for k in range(4)
    ]
    got = audit(written(tmp_path / "x.jsonl", turned), classes=CLASSES).summary
    assert (got.rows, got.questions) == (4, 1)
    assert (got.duplicate_rows, got.conflicting_answers) == (0, 0)
    assert got.letters == {"A": 1, "B": 1, "C": 1, "D": 1}


def test_evidence_is_looked_up_in_the_page_it_names(tmp_path: Path) -> None:
    rows = flawed_items()
    rows[3]["evidence"]["start"] = 5  # the oboe's sentence stands at 4
    pages = [
        {"id": "p-c1", "title": "Snow fox", "text": "The fox lives in the\n arctic tundra. It eats "
         "lemmings, and sometimes fish."},
        {"id": "p-c2", "title": "Oboe", "text": "Oh. Most are made of grenadilla wood. Shared "
         "sentence about a double reed."},
        {"id": "p-c3", "title": "Bassoon", "text": "Nothing of the kind."},
    ]  # fmt: skip
    rows[2]["evidence"]["quote"] = "It eats lemmings ... fish."
    report = audit(
        written(tmp_path / "x.jsonl", rows),
        pages=written(tmp_path / "pages.jsonl", pages),
        classes=CLASSES,
    )
    assert report.summary.evidence_not_in_page == 2
    lost = [f.question_id for f in report.findings if f.check == "evidence_not_in_page"]
    assert lost == ["q3", "q5"]


def test_a_run_folder_brings_its_own_pages(tmp_path: Path) -> None:
    row = flawed_items()[0]
    written(tmp_path / "questions.jsonl", [row])
    written(tmp_path / "items.jsonl", [row])
    text = "First. The fox lives in the Arctic tundra."
    written(tmp_path / "pages.jsonl", [{"id": "p-c1", "title": "Fox", "text": text}])
    row["evidence"]["start"] = 7
    written(tmp_path / "questions.jsonl", [row])
    written(tmp_path / "items.jsonl", [row])
    assert audit(tmp_path, classes=CLASSES).summary.evidence_not_in_page == 0
    row["evidence"]["start"] = 6
    written(tmp_path / "items.jsonl", [row])
    assert audit(tmp_path, classes=CLASSES).summary.evidence_not_in_page == 1


def test_real_labels_decide_by_id_then_name_then_synonym(tmp_path: Path) -> None:
    base = {"question": "What is this object?", "choices": ["x", "yy"], "answer": 0}
    rows: list[Row] = [
        {**base, "class_id": "c1", "image": "ILSVRC2012_val_00000001.JPEG"},  # right
        {**base, "class_name": "white fox", "image": "v/ILSVRC2012_val_00000002.JPEG"},  # wrong
        {**base, "class_name": "Oboe", "image": "ILSVRC2012_val_00000003.JPEG"},  # no label
        {**base, "class_name": "unheard of", "image": "ILSVRC2012_val_00000001.JPEG"},
        {**base, "class_name": "oboe", "image": "other.jpg"},
        {**base, "class_name": "oboe", "image": "ILSVRC2012_val_00000099.JPEG"},
    ]
    real = tmp_path / "real.json"
    real.write_text("[[0, 5], [1], []]")
    report = audit(written(tmp_path / "x.jsonl", rows), real=real, classes=CLASSES)
    got = report.summary
    assert (got.images_checked, got.wrong_or_disputed_images) == (3, 2)
    assert got.images_without_valid_label == 1
    assert [f.row for f in report.findings if f.check == "wrong_or_disputed_images"] == [2, 3]


def test_a_name_that_two_classes_bear_is_right_for_either(tmp_path: Path) -> None:
    row = {"question": "What is this object?", "choices": ["x", "yy"], "answer": 0}
    rows: list[Row] = [
        {**row, "class_name": "missile", "image": f"ILSVRC2012_val_0000000{i}.JPEG"}
        for i in (1, 2, 3)
    ]
    real = tmp_path / "real.json"
    real.write_text("[[657], [744], [1]]")
    report = audit(written(tmp_path / "x.jsonl", rows), real=real)  # ImageNet's own table
    assert [f.row for f in report.findings if f.check == "wrong_or_disputed_images"] == [3]


def test_a_plain_file_is_not_checked_for_what_it_does_not_hold(tmp_path: Path) -> None:
    rows: list[Row] = [{"question": f"q{i}?", "choices": ["x", "yy"], "answer": 0} for i in "ab"]
    real = tmp_path / "real.json"
    real.write_text("[[0]]")
    got = audit(written(tmp_path / "x.jsonl", rows), real=real).summary
    unasked = {key for key, verdict in got.verdicts.items() if verdict == "not checked"}
    assert {"name_in_question", "evidence_missing", "wrong_or_disputed_images"} <= unasked
    assert (got.classes, got.images, got.images_per_question) == (0, 0, {"0": 2})


def test_options_that_pandas_drops_are_found_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("index\tquestion\tA\tB\tanswer\n0\tHow many?\tNone\tTwo\tA\n1\tr?\tx\ty\tA\n")
    report = audit(path)
    assert report.summary.choices_read_as_missing == 1
    assert [f.row for f in report.findings if f.check == "choices_read_as_missing"] == [1]


@pytest.mark.parametrize(
    ("option", "names", "found"),
    [
        ("Canis Dingo", ["dingo"], True),
        ("dingoes", ["dingo"], False),
        ("an elephant", ["ant"], False),
        ("T-shirts", ["T-shirt"], False),
        ("a T-shirt.", ["T-shirt"], True),
        ("the  snow\nfox", ["Snow fox"], True),
        ("STRASSE", ["straße"], True),
        ("a.b", ["a+b"], False),
    ],
)
def test_a_name_match_is_word_bounded_and_case_folded(
    option: str, names: list[str], found: bool
) -> None:
    assert (has_name(option, names) is not None) == found


def test_texts_are_compared_without_their_clothes() -> None:
    assert normalised("  The  Glass. ") == normalised("glass")
    assert normalised("1.5") != normalised("15")
    assert content_words("What are the uses of snakes in 1990?") == {"use", "snake", "1990"}
    assert masked("Is the Snow Fox's tail long?", ["snow fox"]) == "is the this object s tail long"


def all_pairs(texts: list[str]) -> list[tuple[int, int]]:
    sets = [grams(text) for text in texts]
    return [
        (i, j)
        for j in range(len(texts))
        for i in range(j)
        if 5 * len(sets[i] & sets[j]) >= 4 * len(sets[i] | sets[j])
    ]


def test_the_pairs_found_are_exactly_those_of_brute_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(near, "BLOCK", 32)
    source = random.Random(3)
    words = "what where which diet habitat of this object is the primary main used for in".split()
    texts = sorted({" ".join(source.choices(words, k=source.randint(0, 9))) for _ in range(400)})
    texts += [text + "s" for text in texts[::7]] + [text[:-1] for text in texts[5::9]]
    texts = sorted(set(texts))
    expected = all_pairs(texts)
    assert len(expected) > 50
    assert sorted(like_pairs(texts)) == sorted(expected)


def test_what_is_like_in_both_texts_is_exactly_what_is_like_in_each() -> None:
    source = random.Random(5)
    words = "what where which diet habitat of this object is the primary main used for in".split()
    stems = [" ".join(source.choices(words, k=7)) for _ in range(6)]
    asked = [source.choice(stems) + source.choice(["", "", " in", " near"]) for _ in range(300)]
    offered = [" ".join(source.choices(words, k=2)) + source.choice(["", "s"]) for _ in asked]
    pairs = zip(like_groups(asked), like_groups(offered), strict=True)
    expected = [first & second for first, second in pairs]
    assert sum(len(like) > 1 for like in expected) > 50
    assert any(like != first for like, first in zip(expected, like_groups(asked), strict=True))
    assert like_in_both(asked, offered) == expected
    assert like_in_both([], []) == []


def test_a_chain_of_likes_is_followed_and_its_ends_stay_apart() -> None:
    words = "amber birch cedar delta ember fjord grove heath inlet jetty knoll lunar marsh oasis"
    asked = [" ".join(f"{words} plain quarry".split()[at : at + 13]) for at in range(4)]
    near = [{0, 1}, {0, 1, 2}, {1, 2, 3}, {2, 3}]
    assert like_groups(asked) == near
    assert like_in_both(asked, ["same"] * 4) == near


def test_pairs_are_counted_across_and_within_classes() -> None:
    texts = ["what does it eat"] * 3 + ["what does it eats", "something else"]
    like = LikeTexts(texts, ["a", "a", "b", "c", "a"])
    assert (like.across, like.within) == (5, 1)
    assert dict(like.partners(across=True))[0] == [2, 3]
    assert dict(like.partners(across=False)) == {0: [1], 1: [0]}


def test_five_thousand_questions_take_seconds(tmp_path: Path) -> None:
    source = random.Random(1)
    nouns = [f"{a}{b}" for a in ("ka", "mo", "ri", "tu", "ze") for b in ("lo", "pin", "sar", "vex")]
    rows: list[Row] = [
        {
            "class_id": f"c{i % 1000}",
            "class_name": f"thing {i % 1000}",
            "question": f"Which {source.choice(nouns)} of this object {source.choice(nouns)} near"
            f" the {source.choice(nouns)} in {source.randint(1, 300)}?",
            "choices": [" ".join(source.sample(nouns, 3)) for _ in range(4)],
            "answer": i % 4,
            "image": f"{i}.jpg",
            "evidence": f"The {source.choice(nouns)} {i}.",
        }
        for i in range(5000)
    ]
    path = written(tmp_path / "x.jsonl", rows)
    start = time.perf_counter()
    got = audit(path).summary
    assert time.perf_counter() - start < 30  # a few seconds; room for a busy machine
    assert got.questions == 5000
    assert got.near_duplicate_pairs_across_classes > 0


@pytest.mark.parametrize("content", ["{}", "[1]", "[[1.5]]", "[[true]]", "not json", None])
def test_wrong_real_labels_are_one_sentence(content: str | None, tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    if content is not None:
        real.write_text(content)
    with pytest.raises(ToolkitError, match=r"real\.json"):
        audit(written(tmp_path / "x.jsonl", flawed_items()), real=real)


@pytest.mark.parametrize("content", ['{"title": "x"}', "{bad", "\n", '{"title": 1, "text": "x"}'])
def test_wrong_pages_are_one_sentence(content: str, tmp_path: Path) -> None:
    pages = tmp_path / "pages.jsonl"
    pages.write_text(content)
    with pytest.raises(ToolkitError, match=r"pages\.jsonl"):
        audit(written(tmp_path / "x.jsonl", flawed_items()), pages=pages)

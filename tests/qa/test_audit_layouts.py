"""The auditor reads every layout into the same questions and names what it cannot read."""

import base64
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.audit.layouts import UnreadableRowError, parse
from imagewikiqa.qa.audit.load import load

FLAWED = Path(__file__).parent.parent / "data" / "audit" / "flawed.json"
QUESTIONS: list[dict[str, Any]] = json.loads(FLAWED.read_text(encoding="utf-8"))
ITEMS = [(q, image) for q in QUESTIONS for image in q["images"]]
Row = dict[str, Any]


def as_lines(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def letter(question: Row) -> str:
    return "ABCD"[int(str(question["answer"]))]


def upstream() -> bytes:
    rows: list[Row] = []
    for q, image in ITEMS:
        options = "".join(f"\n{x}. {c}" for x, c in zip("ABCD", q["choices"], strict=True))
        rows.append(
            {
                "image": image,
                "text": f"{q['question']}{options}\nChoose A, B, C, or D.",
                "label": letter(q),
                "wiki": q["evidence"]["quote"],
                "classname": q["class_name"],
            }
        )
    return as_lines(rows)


def items() -> bytes:
    kept = ("class_id", "class_name", "question", "choices", "answer", "evidence")
    rows = [{**{k: q[k] for k in kept}, "question_id": q["id"], "image": i} for q, i in ITEMS]
    return as_lines(rows)


def array() -> bytes:
    return b"[" + b",".join(items().splitlines()) + b"]"


def delimited(delimiter: str) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow("index question A B C D answer image_path class_name reference".split())
    for n, (q, image) in enumerate(ITEMS):
        writer.writerow(
            [n, q["question"], *q["choices"], letter(q), image, q["class_name"],
             q["evidence"]["quote"]]
        )  # fmt: skip
    return stream.getvalue().encode()


def parquet(answer: Callable[[Row], object], listed: bool) -> bytes:
    rows = []
    for q, image in ITEMS:
        row: Row = {
            "question_id": q["id"],
            "question": q["question"],
            "answer": answer(q),
            "class": q["class_name"],
            "evidence_quote": q["evidence"]["quote"],
            "image": {"bytes": b"\xff\xd8" + image.encode(), "path": image},
        }
        columns = {f"option_{x}": c for x, c in zip("abcd", q["choices"], strict=True)}
        rows.append(row | ({"options": q["choices"]} if listed else columns))
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


LAYOUTS: dict[str, Callable[[], bytes]] = {
    "upstream": upstream,
    "items": items,
    "array": array,
    "tsv": lambda: delimited("\t"),
    "csv": lambda: b"\xef\xbb\xbf" + delimited(","),
    "options and letters": lambda: parquet(letter, True),
    "options and indices": lambda: parquet(lambda q: q["answer"], True),
    "options and index texts": lambda: parquet(lambda q: str(q["answer"]), True),
    "columns and letters": lambda: parquet(letter, False),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_gives_the_same_questions_whatever_the_file_is_called(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / "questions.data"
    path.write_bytes(LAYOUTS[name]())
    loaded = load(path)
    got = [(r.class_name, r.question, r.choices, r.answer, r.image) for r in loaded.rows]
    assert got == [
        (q["class_name"], q["question"], tuple(q["choices"]), q["answer"], image)
        for q, image in ITEMS
    ]
    assert [r.evidence or "" for r in loaded.rows] == [q["evidence"]["quote"] for q, _ in ITEMS]
    assert loaded.unreadable == ()
    assert loaded.class_column in {"class_id", "class_name", "classname", "class"}


def test_a_run_folder_joins_items_with_questions(tmp_path: Path) -> None:
    kept = ("id", "class_id", "class_name", "question", "choices", "answer", "evidence")
    (tmp_path / "questions.jsonl").write_bytes(
        as_lines([{k: q[k] for k in kept} for q in QUESTIONS])
    )
    thin = ("question", "choices", "answer", "class_id")
    rows = [{**{k: q[k] for k in thin}, "question_id": q["id"], "image": i} for q, i in ITEMS[:-1]]
    rows[0]["answer"] = 3
    rows.append({**rows[0], "question_id": "gone"})
    (tmp_path / "items.jsonl").write_bytes(as_lines(rows))
    loaded = load(tmp_path)
    assert len(loaded.rows) == len(rows) + 1
    assert loaded.rows[1].class_name == "snow fox"
    assert loaded.rows[1].evidence == "The fox lives in the Arctic tundra."
    assert loaded.disagreements is not None
    assert [(f.row, f.detail) for f in loaded.disagreements] == [
        (6, "question q6 has no item"),
        (1, "text, options or answer differ"),
        (7, "its question is not in questions.jsonl"),
    ]


def test_pictures_inside_a_table_are_told_apart_and_pointers_are_followed(tmp_path: Path) -> None:
    picture = base64.b64encode(b"\xff\xd8" + b"x" * 200_000).decode()
    lines = ["index\tquestion\tA\tB\tanswer\timage"]
    lines += [f"0\tq?\tx\ty\tA\t{picture}", "1\tr?\tx\ty\tB\t0", "2\ts?\tx\ty\tB\tother"]
    path = tmp_path / "Set.tsv"
    path.write_text("\n".join(lines) + "\n")
    images = [row.image for row in load(path).rows]
    assert str(images[0]).startswith("sha256:")
    assert images[1] == images[0]
    assert images[2] == "other"


def test_a_question_may_hold_lines_and_look_like_options(tmp_path: Path) -> None:
    text = "Is Vitamin A. or B. in it?\nA. no\nreally B. no\nB. yes\nChoose A or B."
    path = tmp_path / "x.jsonl"
    path.write_bytes(as_lines([{"text": text, "label": "B"}]))
    row = load(path).rows[0]
    assert (row.question, row.choices) == (
        "Is Vitamin A. or B. in it?",
        ("no\nreally B. no", "yes"),
    )


GOOD = {"question": "q?", "choices": ["a", "b"], "answer": 1}
BAD_LINES: list[tuple[bytes, str]] = [
    (b'{"question": "q?"', "is not JSON"),
    (b"\xff\xfe{}", "is not UTF-8"),
    (b"[1, 2]", "is no object"),
    (b'{"question": "q?", "choices": ["a", "b"]}', "the field answer is missing"),
    (as_lines([{**GOOD, "answer": 2}]).strip(), "the answer is option 3 of 2"),
    (as_lines([{**GOOD, "answer": True}]).strip(), "no letter, index or option"),
    (as_lines([{**GOOD, "answer": None}]).strip(), "no letter, index or option"),
    (as_lines([{**GOOD, "choices": ["a"]}]).strip(), "the answer is option 2 of 1"),
    (as_lines([{**GOOD, "choices": ["a", " "]}]).strip(), "option B is blank"),
    (as_lines([{**GOOD, "choices": ["a", 2]}]).strip(), "no list of texts"),
    (as_lines([{**GOOD, "choices": "[a"}]).strip(), "no list of texts"),
    (as_lines([{**GOOD, "question": " "}]).strip(), "the question is blank"),
    (as_lines([{**GOOD, "question": 7}]).strip(), "the field question is no text"),
    (b'{"question": ' + b"[" * 100_000, "is not JSON"),
]


def test_a_bad_row_is_a_finding_with_its_line_and_reason(tmp_path: Path) -> None:
    good = as_lines([dict(GOOD)]).strip()
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join([good, b"", *(line for line, _ in BAD_LINES), good]) + b"\n")
    loaded = load(path)
    assert [row.row for row in loaded.rows] == [1, len(BAD_LINES) + 3]
    assert [f.row for f in loaded.unreadable] == list(range(3, len(BAD_LINES) + 3))
    for item, (_, reason) in zip(loaded.unreadable, BAD_LINES, strict=True):
        assert reason in item.detail
        assert item.check == "unreadable_rows"


def test_a_torn_table_row_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    table = b"index\tquestion\tA\tB\tC\tanswer\n0\tq?\tx\ty\t\tA\n1\tq?\tx\n"
    table += b"2\tq?\tx\t\ty\tA\n3\tq\xff?\tx\ty\tz\tB\n4\tq?\tx\ty\tz\tC"
    path.write_bytes(table)
    loaded = load(path)
    assert [(row.row, len(row.choices)) for row in loaded.rows] == [(1, 2), (5, 3)]
    reasons = [f.detail for f in loaded.unreadable]
    assert "3 cells for 6 columns" in reasons[0]
    assert "blank before the last" in reasons[1]
    assert "not UTF-8" in reasons[2]


@pytest.mark.parametrize("label", ["E", "AB", "", None, "1"])
def test_an_upstream_label_is_one_of_the_letters(label: object) -> None:
    fields = {"text": "q?\nA. x\nB. y\nChoose A or B.", "label": label}
    with pytest.raises(UnreadableRowError, match="answer"):
        parse("upstream", 1, fields)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.jsonl", None, "there is no file"),
        ("empty.jsonl", b"  \n", "is empty"),
        ("wrong.jsonl", b'{"prompt": "x", "completion": "y"}\n', "prompt, completion"),
        ("wrong.tsv", b"a\tb\n1\t2\n", "expected are the columns"),
        ("twice.tsv", b"question\tA\tA\tanswer\n", "occurs twice"),
        ("head.tsv", b"index\tquestion\tA\tB\tanswer\n", "no readable row"),
        ("list.json", b"[1, 2", "starts like a JSON list"),
        ("bin.jsonl", b"\x89PNG\0\0", "binary"),
        ("cut.parquet", b"PAR1 and then nothing", "cannot be read as parquet"),
        ("bad.jsonl", b'{"question": "q?", "choices": ["a"], "answer": 0}\n', "none of 1 rows"),
    ],
)
def test_a_file_that_is_no_question_file_is_one_sentence(
    name: str, content: bytes | None, says: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ToolkitError) as raised:
        load(path)
    assert says in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_without_questions_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match=r"no questions\.jsonl"):
        load(tmp_path)

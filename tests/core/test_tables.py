"""A table is published whole and read with the wrong line named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Choice, ImageRef, Reject
from imagewikiqa.core.tables import line_of, read_table, write_table

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
REJECTS = st.lists(
    st.builds(Reject, id=TEXT.filter(bool), stage=TEXT, input=TEXT, reason=TEXT, detail=TEXT),
    unique_by=lambda reject: reject.id,
)


def refs(*names: str) -> list[ImageRef]:
    return [ImageRef(id=name, class_id="n1") for name in names]


@given(REJECTS)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Reject]
) -> None:
    path = tmp_path_factory.mktemp("table") / "rejects.jsonl"
    assert write_table(path, rows) == len(rows)
    assert list(read_table(path, Reject)) == rows
    assert path.read_bytes().count(b"\n") == len(rows)  # no text breaks a line


def test_a_line_holds_the_fields_in_declared_order() -> None:
    (record,) = refs("é.jpg")
    assert line_of(record) == '{"id":"é.jpg","class_id":"n1","sha256":null}\n'.encode()


def test_rows_without_an_id_are_counted_too(tmp_path: Path) -> None:
    rows = [Choice(text="same"), Choice(text="same")]
    assert write_table(tmp_path / "t.jsonl", rows) == 2
    assert list(read_table(tmp_path / "t.jsonl", Choice)) == rows


def test_a_repeated_id_publishes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "images.jsonl"
    write_table(path, refs("old"))
    with pytest.raises(ValueError, match=r"two rows of images\.jsonl have the id b"):
        write_table(path, refs("a", "b", "b"))
    assert [row.id for row in read_table(path, ImageRef)] == ["old"]


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    assert write_table(tmp_path / "t.jsonl", []) == 0
    assert list(read_table(tmp_path / "t.jsonl", ImageRef)) == []


def test_a_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="there is no table .*: run the stage that writes it"):
        list(read_table(tmp_path / "t.jsonl", ImageRef))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "the line: Invalid JSON"),
        (b"\n", "the line: Invalid JSON"),
        (b'{"id":"\xff","class_id":"n1"}\n', "the line: Invalid JSON"),
        (b'{"id":"a"}\n', "class_id: Field required"),
        (b'{"id":"","class_id":"n1"}\n', "id: String should have at least 1 character"),
        (b'{"id":"a","class_id":"n1","color":1}\n', "color: Extra inputs are not permitted"),
        (b"[]\n", "the line: Input should be an object"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: bytes, words: str) -> None:
    path = tmp_path / "images.jsonl"
    path.write_bytes(line_of(refs("good")[0]) + line)
    rows = read_table(path, ImageRef)
    assert next(rows).id == "good"
    with pytest.raises(ToolkitError) as caught:
        next(rows)
    message = str(caught.value)
    assert message.startswith(f"images.jsonl line 2 is not a ImageRef: {words}")
    assert message.endswith("delete the file and run its stage again")

"""A class list with resolved titles reads as any class list does."""

from pathlib import Path

import pytest

from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.builders.resolve.table import summary, titled, write_class_list
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry
from tests.builders.resolve.worlds import CLASSES, World

INDEXED = tuple(e.model_copy(update={"index": i}) for i, e in enumerate(CLASSES))
FOUND = resolve(INDEXED, World())


@pytest.mark.parametrize("name", ["classes.csv", "classes.jsonl"])
def test_the_written_list_loads_with_titles_and_everything_else_as_it_was(
    tmp_path: Path, name: str
) -> None:
    count = write_class_list(tmp_path / name, INDEXED, FOUND)
    loaded = load_classes(str(tmp_path / name))
    assert loaded == titled(INDEXED, FOUND)
    assert count == len(loaded) == 9
    by_id = {entry.id: entry for entry in loaded}
    assert by_id["shield"].titles == ("Shield", "Buckler")
    assert by_id["crane-bird"].title == "Crane (bird)"  # not the one it came with
    assert by_id["grand"].index == 10


def test_a_class_without_an_article_is_left_out_and_not_looked_up_by_name(tmp_path: Path) -> None:
    ids = {entry.id for entry in titled(INDEXED, FOUND)}
    assert {entry.id for entry in INDEXED} - ids == {"sunglass", "scraper"}


def test_the_same_resolutions_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_class_list(tmp_path / name, INDEXED, FOUND)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match=r"name it \.csv or \.jsonl"):
        write_class_list(tmp_path / "classes.txt", INDEXED, FOUND)
    with pytest.raises(ToolkitError, match="no class has an article"):
        write_class_list(tmp_path / "classes.csv", INDEXED, [])
    odd = [ClassEntry(id="crane-bird", name="crane", synonyms=("a; b",))]
    with pytest.raises(ToolkitError, match=r"as \.jsonl"):
        write_class_list(tmp_path / "classes.csv", odd, FOUND)
    assert write_class_list(tmp_path / "classes.jsonl", odd, FOUND) == 1


def test_the_summary_counts_every_class_once() -> None:
    counts = summary(FOUND)
    assert counts["resolved"] + counts["ambiguous"] + counts["missing"] == counts["classes"] == 11
    assert (counts["several_articles"], counts["by_hand"], counts["shared_article"]) == (1, 0, 0)

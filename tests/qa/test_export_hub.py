"""The hub folder opens offline in `datasets`, holds what was released, and never pixels unasked."""

import io
import json
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Item, Page, Question
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.hub import HubInfo, write_hub
from imagewikiqa.qa.hub_card import PARQUET, size_category
from imagewikiqa.qa.hub_card import card as full_card
from imagewikiqa.qa.hub_table import COLUMNS

DATA = Path(__file__).parents[1] / "data" / "export"
QUESTIONS = tuple(read_table(DATA / "questions.jsonl", Question))
ITEMS = tuple(read_table(DATA / "items.jsonl", Item))
PAGES = tuple(read_table(DATA / "pages.jsonl", Page))
INFO = HubInfo()
HOSTILE = "a|b`c`\n---\n# <script>alert(1)</script> [x](javascript:y) ```"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return `datasets`, cut off from the network and caching in the test's own folder."""
    datasets = pytest.importorskip("datasets", reason="needs the package datasets (extra: release)")
    cache = tmp_path / "cache"
    # Both names: `datasets` reads the environment once, and another test may have imported it.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(cache))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return datasets


def jpeg(image: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (len(image), 90, 30)).save(stream, "JPEG")
    return stream.getvalue()


def card(
    questions: Sequence[Question], items: Sequence[Item], pages: Sequence[Page], info: HubInfo
) -> str:
    return full_card(questions, items, pages, info, data_sha256="0" * 64)


def front_matter(text: str) -> dict[str, Any]:
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert found is not None
    block: dict[str, Any] = yaml.safe_load(found[1])
    return block


def test_load_dataset_gives_each_split_its_own_rows(tmp_path: Path, offline: Any) -> None:
    names = ("train", "test")
    classes = sorted({one.class_id for one in QUESTIONS})
    where = {one: names[at % 2] for at, one in enumerate(classes)}
    questions = [one.model_copy(update={"split": where[one.class_id]}) for one in QUESTIONS]
    items = [one.model_copy(update={"split": where[one.class_id]}) for one in ITEMS]
    write_hub(tmp_path / "hub", questions, items, PAGES, INFO)
    loaded = offline.load_dataset(str(tmp_path / "hub"))
    assert set(loaded) == set(names)
    for name in names:
        expected = [one.item_id for one in items if one.split == name]
        assert expected and loaded[name]["item_id"][:] == expected


def test_load_dataset_opens_the_folder_offline_with_every_row(tmp_path: Path, offline: Any) -> None:
    write_hub(tmp_path / "hub", QUESTIONS, ITEMS, PAGES, INFO)
    loaded = offline.load_dataset(str(tmp_path / "hub"))
    assert list(loaded) == ["test"]
    rows = loaded["test"]
    assert rows.column_names == list(COLUMNS)
    assert rows["item_id"][:] == [item.item_id for item in ITEMS]
    for row, item, question in zip(rows, ITEMS, QUESTIONS, strict=True):
        page = next(page for page in PAGES if page.id == question.evidence.page)
        assert tuple(row["choices"]) == item.choices
        assert (row["answer"], row["letter"]) == (item.answer, item.letter)
        assert row["image"] == item.image
        assert row["evidence"] == page.text[row["evidence_start"] : row["evidence_end"]]
        assert (row["page_title"], row["page_revision"]) == (page.title, page.revision_id)
        assert row["question_named"] == question.question_named


def test_two_runs_of_one_size_do_not_share_a_cache(tmp_path: Path, offline: Any) -> None:
    turned = [question.model_copy(update={"class_name": "other"}) for question in QUESTIONS]
    write_hub(tmp_path / "one" / "hub", QUESTIONS, ITEMS, PAGES, INFO)
    write_hub(tmp_path / "two" / "hub", turned, ITEMS, PAGES, INFO)
    names = [
        set(offline.load_dataset(str(tmp_path / run / "hub"), split="test")["class_name"])
        for run in ("one", "two", "one")
    ]
    assert names[0] == names[2] == {"tiger", "pineapple", "banjo", "volcano"}
    assert names[1] == {"other"}


def test_rows_without_image_or_revision_load_too(tmp_path: Path, offline: Any) -> None:
    items = [item.model_copy(update={"image": None, "image_sha256": None}) for item in ITEMS]
    pages = [page.model_copy(update={"revision_id": None}) for page in PAGES]
    questions = [
        question.model_copy(
            update={"evidence": question.evidence.model_copy(update={"revision_id": None})}
        )
        for question in QUESTIONS
    ]
    write_hub(tmp_path / "hub", questions, items, pages, INFO)
    rows = offline.load_dataset(str(tmp_path / "hub"), split="test")
    assert set(rows["image"]) == {None}
    assert rows.features["image"].dtype == "string"
    assert rows.features["page_revision"].dtype == "int64"


def test_pixels_load_as_images_when_they_are_given(tmp_path: Path, offline: Any) -> None:
    write_hub(tmp_path / "hub", QUESTIONS, ITEMS, PAGES, INFO, pixels=jpeg)
    rows = offline.load_dataset(str(tmp_path / "hub"), split="test")
    assert rows[0]["image"].size == (8, 6)
    assert list(rows[0]["choices"]) == list(ITEMS[0].choices)


def test_no_pixels_leave_unasked(tmp_path: Path) -> None:
    write_hub(tmp_path, QUESTIONS, ITEMS, PAGES, INFO)
    table = pq.read_table(tmp_path / PARQUET)
    assert {str(field.type) for field in table.schema} == {
        "string",
        "int64",
        "list<element: string>",
        "list<element: int64>",
    }
    assert "No pixels are included" in card(QUESTIONS, ITEMS, PAGES, HubInfo(images="imagenet-val"))


@pytest.mark.parametrize(
    "name", ["images/ILSVRC2012_val_00000001.JPEG", "n01440764/n01440764_36.JPEG"]
)
def test_pixels_of_imagenet_are_refused(name: str, tmp_path: Path) -> None:
    items = [ITEMS[0].model_copy(update={"image": name})]
    with pytest.raises(ToolkitError, match="ImageNet"):
        write_hub(tmp_path, QUESTIONS, items, PAGES, INFO, pixels=jpeg)
    assert list(tmp_path.rglob("*.parquet")) == []


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_hub(tmp_path / name, list(QUESTIONS), list(ITEMS), list(PAGES), INFO)
    files = sorted(f.relative_to(tmp_path / "a") for f in (tmp_path / "a").rglob("*.*"))
    assert [str(file) for file in files] == ["ATTRIBUTION.tsv", "README.md", PARQUET]
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_an_empty_set_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="run assemble first"):
        write_hub(tmp_path, QUESTIONS, [], PAGES, INFO)


def test_a_question_without_its_page_stops_the_export(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="not among the pages"):
        write_hub(tmp_path, QUESTIONS, ITEMS, PAGES[:3], INFO)
    assert list(tmp_path.iterdir()) == []


def test_the_card_says_licence_size_split_and_task() -> None:
    block = front_matter(card(QUESTIONS, ITEMS, PAGES, INFO))
    assert block["license"] == "cc-by-4.0"
    assert block["size_categories"] == ["n<1K"]
    assert block["task_categories"] == ["visual-question-answering", "multiple-choice"]
    assert block["configs"][0]["data_files"] == [{"split": "test", "path": PARQUET}]


def test_one_share_alike_page_makes_the_card_share_alike() -> None:
    pages = [PAGES[0].model_copy(update={"license": "CC-BY-SA-4.0"}), *PAGES[1:]]
    text = card(QUESTIONS, ITEMS, pages, INFO)
    assert front_matter(text)["license"] == "cc-by-sa-4.0"
    assert "https://creativecommons.org/licenses/by-sa/4.0/" in text
    assert "| CC-BY-4.0 | 3 |\n| CC-BY-SA-4.0 | 1 |" in text


def test_a_page_of_unknown_licence_makes_the_card_warn() -> None:
    pages = [PAGES[0].model_copy(update={"license": "unknown"}), *PAGES[1:]]
    text = card(QUESTIONS, ITEMS, pages, INFO)
    assert front_matter(text)["license"] == "other"
    assert "do not publish this set" in text


def test_the_card_lists_exactly_the_columns_of_the_file_with_their_types(tmp_path: Path) -> None:
    write_hub(tmp_path, QUESTIONS, ITEMS, PAGES, INFO)
    text = (tmp_path / "README.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", text, re.MULTILINE))
    kinds = {
        "list<element: string>": "list of string",
        "list<element: int64>": "list of int64",
    }
    stored = pq.read_table(tmp_path / PARQUET).schema
    assert listed == {field.name: kinds.get(str(field.type), str(field.type)) for field in stored}


def test_the_card_counts_what_is_in_the_set() -> None:
    text = card(QUESTIONS, ITEMS, PAGES, INFO)
    assert "| questions | 12 |" in text
    assert "| classes | 4 |" in text
    assert "| right letter, over questions | A 3, B 3, C 3, D 3 |" in text


@pytest.mark.parametrize(("judges", "said"), [(("corpus",), True), (("openai",), False)])
def test_the_corpus_judge_is_called_self_consistency(judges: tuple[str, ...], said: bool) -> None:
    text = card(QUESTIONS, ITEMS, PAGES, HubInfo(judges=judges))
    assert ("it is not an accuracy of the questions" in text) is said


def test_user_text_cannot_break_out_of_the_card() -> None:
    questions = [
        question.model_copy(update={"class_name": HOSTILE, "question": HOSTILE})
        for question in QUESTIONS
    ]
    items = [item.model_copy(update={"question": HOSTILE}) for item in ITEMS]
    pages = [page.model_copy(update={"license": HOSTILE}) for page in PAGES]
    info = HubInfo(name=HOSTILE, command=HOSTILE, pages=HOSTILE, images=HOSTILE)
    text = card(questions, items, pages, info)
    assert front_matter(text)["pretty_name"] == HOSTILE
    body = text.split("\n---\n\n", 1)[1]
    outside = re.sub(r"^    .*$|`[^`\n]*`|^```.*?^```$", "", body, flags=re.MULTILINE | re.DOTALL)
    assert len(outside) > 1000
    assert "<script>" not in outside
    assert not re.search(r"(?<!\\)\]\(javascript", outside)
    assert not re.search(r"^# <", body, re.MULTILINE)
    shown = re.search(r"## One row\n\n(.*?)\n\n## Columns", body, re.DOTALL)
    assert shown is not None
    assert json.loads(shown[1])["class_name"] == HOSTILE


@pytest.mark.parametrize(
    ("rows", "category"),
    [(999, "n<1K"), (1_000, "1K<n<10K"), (2_000_000, "n>1M")],
)
def test_size_categories_are_the_names_of_the_hub(rows: int, category: str) -> None:
    assert size_category(rows) == category


def test_the_card_says_how_to_build_the_set_again() -> None:
    info = HubInfo(pages="dump", author="openai", judges=("openai", "corpus"), seed=7)
    assert (
        "imagewikiqa rebuild --pages dump:FILE --author openai:MODEL --judge openai:MODEL "
        "--judge corpus --images none --mode strict --seed 7 --out RUN"
    ) in card(QUESTIONS, ITEMS, PAGES, info)
    assert "\nmake rebuild\n" in card(QUESTIONS, ITEMS, PAGES, HubInfo(command="make rebuild"))

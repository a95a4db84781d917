"""LLaVA-style rows are read as they are, repaired where that is known to be right, else refused."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._llava_rows import INJECTED, plain_row, write_rows
from imagewikiqa.builders.llava import stream
from imagewikiqa.builders.llava.defects import DEFECTS, REPAIRS, DefectError
from imagewikiqa.builders.llava.mix import read_mix
from imagewikiqa.builders.llava.row import TOKEN, LlavaRow, Turn, clean_row
from imagewikiqa.builders.llava.rows import iterate_rows
from imagewikiqa.builders.llava.stream import read_raw
from imagewikiqa.core.errors import ToolkitError


def talk(*values: str, **fields: Any) -> dict[str, Any]:
    """Return a row with these questions and answers in turn."""
    speakers = ("human", "gpt")
    turns = [{"from": speakers[n % 2], "value": value} for n, value in enumerate(values)]
    return {"id": "1", "conversations": turns, **fields}


def defect(raw: Any) -> str:
    """Return the reason why a row is refused."""
    with pytest.raises(DefectError) as caught:
        clean_row(raw)
    return caught.value.reason


def test_a_healthy_row_is_kept_word_for_word() -> None:
    row = clean_row(talk("<image>\nWhat is it?", "A bus.", image="coco/train2017/1.jpg"))
    assert row == LlavaRow(
        "1",
        ("coco/train2017/1.jpg",),
        (Turn("human", "<image>\nWhat is it?"), Turn("gpt", "A bus.")),
        (),
    )


@pytest.mark.parametrize("name", sorted(set(INJECTED) & set(DEFECTS)))
def test_each_defect_is_refused_by_its_name(name: str) -> None:
    row = INJECTED[name](plain_row(1))
    if name == "broken character":  # found where the text is first encoded
        return
    assert defect(row) == name


@pytest.mark.parametrize("name", sorted(set(INJECTED) & set(REPAIRS)))
def test_each_repair_is_made_and_named(name: str) -> None:
    row = clean_row(INJECTED[name](plain_row(1)))
    assert row.repairs == (name,)
    assert sum(turn.value.count(TOKEN) for turn in row.turns) == len(row.images)


def test_every_injected_defect_is_counted_exactly(tmp_path: Path) -> None:
    injected = write_rows(tmp_path / "mix.json", 2100, every=7)
    assert set(injected) == {*INJECTED, "duplicate row"}
    seen: dict[str, int] = {}
    kept = 0
    for _, _, found in iterate_rows(read_mix(tmp_path / "mix.json")):
        for name in found.repairs if isinstance(found, LlavaRow) else (found.reason,):
            seen[name] = seen.get(name, 0) + 1
        kept += isinstance(found, LlavaRow)
    assert seen == dict(injected)
    refused = sum(count for name, count in injected.items() if name in DEFECTS)
    assert kept == 2100 - refused


def test_the_real_excerpts_are_read_or_refused_as_they_deserve(shared_data: Path) -> None:
    records = json.loads((shared_data / "llava_samples" / "public_doc_excerpts.json").read_text())
    outcome: list[int | str] = []
    for entry in records:
        try:
            outcome.append(len(clean_row(entry["record"]).images))
        except DefectError as error:
            outcome.append(error.reason)
    assert outcome == [1, 1, "unknown speaker", 1, 0, 5, "malformed turn", "video row"]


def test_real_files_of_every_shape_are_read_whole(shared_data: Path) -> None:
    folder = shared_data / "llava_samples"
    counts = {}
    for name in (
        "fastchat_text_only.json",
        "llamafactory_mllm_demo.json",
        "llamafactory_v1_multimodal_demo.jsonl",
        "coco2014_val_gpt4_qa_30x3.jsonl",
    ):
        found = [row for _, _, row in iterate_rows(read_mix(folder / name))]
        refused = [row.reason for row in found if isinstance(row, DefectError)]
        counts[name] = (len(found), sorted(set(refused)))
    assert counts == {
        "fastchat_text_only.json": (200, []),
        "llamafactory_mllm_demo.json": (6, []),
        "llamafactory_v1_multimodal_demo.jsonl": (24, ["duplicate row"]),
        "coco2014_val_gpt4_qa_30x3.jsonl": (90, []),
    }


def test_chat_messages_with_parts_become_tokens_and_images() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "a.jpg"}}, {"type": "text", "text": "Who?"}]
    row = clean_row(
        {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "Me"}]}
    )
    assert (row.images, row.turns[0].value) == (("a.jpg",), "<image>Who?")


def test_a_caption_with_a_url_gets_the_question_of_the_prompt_library() -> None:
    row = clean_row(
        {"image_url": "https://a.org/b.jpg", "caption": "A red bus.", "transcripts": []}
    )
    assert row.turns[0].value == "<image>\nDescribe this image in detail."
    assert (row.images, row.repairs) == (("https://a.org/b.jpg",), ())


def test_a_caption_without_its_image_is_no_text_only_row() -> None:
    assert defect({"image_url": None, "caption": "A red bus."}) == "image token without image"


def test_an_instruction_is_asked_with_what_it_is_about() -> None:
    row = {"instruction": "Translate.", "input": "Guten Tag", "output": "Good day"}
    assert clean_row(row).turns[0].value == "Translate.\nGuten Tag"
    assert clean_row(row | {"input": " "}).turns[0].value == "Translate."
    assert defect(row | {"input": ["Guten Tag"]}) == "malformed turn"


def test_null_fields_of_a_table_hide_no_other_field() -> None:
    row = talk("<image>\nWhat?", "It.", image=None, images=["a.jpg"])
    row |= {"id": None, "question_id": 7}
    assert (clean_row(row).images, clean_row(row).row_id) == (("a.jpg",), "7")


def test_messages_beside_conversations_are_not_looked_at() -> None:
    assert clean_row(talk("Hello", "Hi", messages=[1, None])).images == ()


def test_the_image_of_an_unanswered_question_is_not_given_to_another() -> None:
    assert defect(talk("What?", "It.", "<image>\nAnd this?", image="a.jpg")) == "no answer"
    kept = clean_row(talk("<image>\nWhat?", "It.", "<image>\nAnd?", image="a.jpg"))
    assert kept.repairs == ("trailing question dropped",)


@pytest.mark.parametrize("name", [["a.jpg", " "], "data:image/png;base64,AAAA", "a" * 5000])
def test_an_image_field_that_names_no_file_is_refused(name: Any) -> None:
    tokens = "<image>" * (len(name) if isinstance(name, list) else 1)
    assert defect(talk(f"{tokens}\nWhat?", "It.", image=name)) == "malformed image"


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../a.jpg", "a/../../b.jpg", "C:\\a.jpg", "a\\..\\b.jpg", "~/x", "a\0b"],
)
def test_an_image_outside_the_folder_is_refused(name: str) -> None:
    assert defect(talk("<image>\nWhat?", "It.", image=name)) == "image path leaves the folder"


def test_dots_inside_a_file_name_are_no_step_up() -> None:
    assert clean_row(talk("<image>\nWhat?", "It.", image="a..b/c...jpg")).images == (
        "a..b/c...jpg",
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "image", "images", "conversations", "messages", "from", "value", "role",
                 "type", "content", "text", "instruction", "output", "caption", "image_url",
                 "video"]
            ),
            inner | st.sampled_from(["human", "gpt", "user", "assistant", "<image>", "image"]),
            max_size=5,
        ),
        max_leaves=25,
    )
)  # fmt: skip
def test_any_value_is_a_row_or_a_known_defect(raw: Any) -> None:
    try:
        row = clean_row(raw)
    except DefectError as error:
        assert error.reason in DEFECTS
    else:
        assert set(row.repairs) <= set(REPAIRS)
        assert [turn.speaker for turn in row.turns] == ["human", "gpt"] * (len(row.turns) // 2)
        assert sum(turn.value.count(TOKEN) for turn in row.turns) == len(row.images)


def test_a_cut_array_is_refused_with_the_row_before_the_cut(tmp_path: Path) -> None:
    file = tmp_path / "mix.json"
    write_rows(file, 50)
    file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(ToolkitError, match=r"mix\.json is not JSON after row 4\d"):
        list(read_raw(file))


def test_a_bad_line_costs_one_row_and_not_the_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    good = json.dumps(talk("Hello", "Hi"))
    file.write_bytes(f"{good}\n{{broken\n\n".encode() + b'{"id": "\xff"}\n')
    reasons = [getattr(row, "reason", "kept") for _, _, row in iterate_rows(read_mix(file))]
    assert reasons == ["kept", "not JSON", "not JSON"]


@pytest.mark.parametrize("content", [b"<html>", b"\x89PNG\r\n", b"hello"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mix.json"
    file.write_bytes(content)
    with pytest.raises(ToolkitError, match="no JSON array, JSON lines or parquet"):
        list(read_raw(file))


def test_a_byte_order_mark_and_an_empty_file_are_read(tmp_path: Path) -> None:
    file = tmp_path / "mix.json"
    file.write_bytes(b"\xef\xbb\xbf " + json.dumps([talk("Hello", "Hi")]).encode())
    assert len(list(read_raw(file))) == 1
    file.write_bytes(b"")
    assert list(read_raw(file)) == []


@given(
    st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)),
    st.integers(1, 9),
)
def test_rows_are_what_the_standard_parser_reads_for_any_block_size(rows: Any, block: int) -> None:
    text = json.dumps(rows, indent=1).encode()
    with mock.patch.object(stream, "_BLOCK", block), TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        file.write_bytes(text)
        assert list(read_raw(file)) == rows


@given(st.integers(0, 200))
def test_any_cut_of_an_array_is_refused(cut: int) -> None:
    text = json.dumps([talk("Hello", "Hi"), 12, "é"], ensure_ascii=False).encode()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        file.write_bytes(text[: 1 + min(cut, len(text) - 2)])
        with pytest.raises(ToolkitError):
            list(read_raw(file))

"""Samples come back from the rows of trainers as they were."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.builders.llava.row import clean_row
from imagewikiqa.builders.llava.stream import read_raw
from imagewikiqa.core.files import publish
from imagewikiqa.mixtures.exports.forms import FORMS
from imagewikiqa.mixtures.interchange import (
    FACTS,
    to_chat,
    to_llava,
    to_messages,
    to_sharegpt,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: bool(text.strip()) and "<image>" not in text
)


def from_row(raw: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the sample and images of a row as `builders llava` reads it, and its facts."""
    row = clean_row(raw)
    said = [{"from": turn.speaker, "value": turn.value} for turn in row.turns]
    facts = {name: raw[name] for name in FACTS if isinstance(raw.get(name), str)}
    return {"id": row.row_id, **facts, "conversations": said}, row.images


def read_samples(path: Path) -> Iterator[tuple[dict[str, Any], tuple[str, ...]] | DefectError]:
    for raw in read_raw(path):
        try:
            yield from_row(raw)
        except DefectError as defect:
            yield defect


NAMES = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}\.jpg", fullmatch=True)


@st.composite
def exported(draw: st.DrawFn) -> tuple[dict[str, Any], tuple[str, ...]]:
    images = tuple(draw(st.lists(NAMES, max_size=3)))
    texts = draw(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3))
    said = []
    for at, (question, answer) in enumerate(texts):
        shown = "<image>\n" * len(images) if at == 0 else ""
        said += [{"from": "human", "value": shown + question}, {"from": "gpt", "value": answer}]
    facts = draw(st.dictionaries(st.sampled_from(FACTS), WORDS))
    ordered = {name: facts[name] for name in FACTS if name in facts}
    return {"id": draw(WORDS), **ordered, "conversations": said}, images


@given(exported())
def test_a_sample_comes_back_from_every_form(one: tuple[dict[str, Any], tuple[str, ...]]) -> None:
    for form in (to_llava, to_sharegpt, to_messages):
        raw = json.loads(json.dumps(form(*one)))
        assert from_row(raw) == one


@given(exported())
def test_typed_parts_say_the_same_but_for_the_line_break_next_to_an_image(
    one: tuple[dict[str, Any], tuple[str, ...]],
) -> None:
    sample, images = from_row(json.loads(json.dumps(to_chat(*one))))
    said = [{**turn, "value": turn["value"].replace("<image>\n", "<image>")} for turn in
            one[0]["conversations"]]  # fmt: skip
    assert (sample, images) == ({**one[0], "conversations": said}, one[1])


@given(st.lists(exported(), min_size=1, max_size=5))
def test_a_file_of_any_form_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[dict[str, Any], tuple[str, ...]]]
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    for form in FORMS.values():
        lines = (json.dumps(form.row(*one), ensure_ascii=False).encode() for one in rows)
        publish(folder / form.data, form.framed(lines))
        found = [
            one for one in read_samples(folder / form.data) if not isinstance(one, DefectError)
        ]
        assert [one for _, one in found] == [images for _, images in rows]
        if form.name != "chat":
            assert found == rows
    assert len(json.loads((folder / "data.json").read_text(encoding="utf-8"))) == len(rows)


def test_the_forms_are_those_of_the_trainers() -> None:
    said = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "ant"}]
    sample = {"id": "1", "class_id": "n1", "conversations": said}
    assert to_llava(sample, ["a.jpg"]) == {
        "id": "1",
        "image": "a.jpg",
        "conversations": said,
        "class_id": "n1",
    }
    assert to_messages(sample, ["a.jpg"])["messages"] == [
        {"role": "user", "content": "<image>\nWhat?"},
        {"role": "assistant", "content": "ant"},
    ]
    assert to_chat(sample, ["a.jpg"])["messages"] == [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "ant"}]},
    ]
    assert to_sharegpt(sample, [])["images"] == []
    assert "image" not in to_llava({**sample, "conversations": said[1:]}, [])


def test_real_rows_come_back_from_either_form(shared_data: Path) -> None:
    folder = shared_data / "llava_samples"
    kept = 0
    for file in ("fastchat_text_only.json", "llamafactory_mllm_demo.json"):
        for found in read_samples(folder / file):
            if isinstance(found, DefectError):
                continue
            sample, images = found
            named = {**sample, "id": sample["id"] or "x"}
            assert from_row(to_llava(named, images)) == (named, images)
            assert from_row(to_messages(named, images)) == (named, images)
            kept += 1
    assert kept > 100


def test_a_row_that_is_none_is_a_defect(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": "1"}, 3]')
    assert [type(one) for one in read_samples(tmp_path / "a.json")] == [DefectError, DefectError]

"""Conversation templates are closed, locked, and lay out what LLaVA v1 does."""

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.prompts.conversation import (
    LOCK,
    VARIABLES,
    conversation_names,
    converse,
    load_conversation,
    lock_text,
    parse_conversation,
)

GOOD = """purpose = "Name"
takes = "label"
questions = ["What is it?", "Name it: $$5."]
answer = "a $name"
"""
SPOKEN = [one for one in conversation_names() if load_conversation(one).takes != "conversation"]


def test_the_lock_holds_the_digest_of_every_template() -> None:
    assert LOCK.read_text(encoding="utf-8") == lock_text(), (
        "a template changed: if that is meant, run imagewikiqa.prompts.conversation.write_lock()"
        " and commit conversations.lock with it"
    )


def test_every_file_beside_the_templates_is_a_template() -> None:
    folder = resources.files("imagewikiqa.prompts") / "conversations"
    assert sorted(f.name for f in folder.iterdir()) == [f"{n}.toml" for n in conversation_names()]


def test_the_papers_training_conversation_is_word_for_word() -> None:
    assert converse(load_conversation("name_object"), {"name": "tench"}) == [
        {"from": "human", "value": "<image>\nWhat type of object is in the photo?"},
        {"from": "gpt", "value": "tench"},
    ]


def test_the_closed_world_adds_the_papers_list() -> None:
    said = converse(load_conversation("name_object_closed"), {"name": "b", "choices": "a, b, c"})
    assert said[0]["value"] == (
        '<image>\nWhat type of object is in the photo? Choose one from "a, b, c".'
    )


@pytest.mark.parametrize("name", SPOKEN)
def test_every_wording_of_every_template_renders(name: str) -> None:
    template = load_conversation(name)
    values = {one: f"<<{one}>>" for one in VARIABLES[template.takes]}
    seen = set()
    for wording in range(len(template.questions)):
        human, gpt = converse(template, values, wording=wording)
        assert human["value"].count("<image>") == 1 and "$" not in human["value"] + gpt["value"]
        seen.add(human["value"])
    assert len(seen) == len(template.questions)


@given(st.text(), st.integers(0, 10**6))
def test_values_are_put_in_as_they_are(name: str, wording: int) -> None:
    template = parse_conversation("t", GOOD.encode())
    if "<image>" not in name:
        human, gpt = converse(template, {"name": name}, wording=wording)
        assert gpt["value"] == f"a {name}"
        assert human["value"] == f"<image>\n{['What is it?', 'Name it: $5.'][wording % 2]}"


def test_a_value_may_not_bring_a_second_image() -> None:
    with pytest.raises(ToolkitError, match="holds <image>"):
        converse(load_conversation("name_object"), {"name": "a <image> b"})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"label"', '"lable"', "takes"),
        ("a $name", "a $nome", r"knows no \$nome; have: name"),
        ("$$5", "$5", r"write \$\$"),
        ("What is it?", "<image> What is it?", "before the question"),
        ('questions = ["What is it?", "Name it: $$5."]', "questions = []", "one question or more"),
        ('"What is it?", ', '"Name it: $$5.", ', "the same"),
        ('purpose = "Name"', 'purpose = "Name"\nauthor = "x"', "author"),
        ('"Name"', "Name", "not TOML"),
    ],
)
def test_a_faulty_template_is_refused_by_name(old: str, new: str, said: str) -> None:
    with pytest.raises(ToolkitError, match=f"conversation template t .*{said}"):
        parse_conversation("t", GOOD.replace(old, new).encode())


def test_an_unknown_template_names_those_there_are() -> None:
    with pytest.raises(ToolkitError, match=r"'nam_object'; have: answer_named, as_written, cap"):
        load_conversation("nam_object")

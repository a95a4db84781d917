"""A request's key covers every field; the scripted client never makes an answer up."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import ImagePart, Message, Request, TextPart, user_request
from imagewikiqa.core.llm.scripted import Rule, ScriptedClient, load_script
from imagewikiqa.core.stages import RecordError

BASE = user_request("m", "p@0", "Which tiger?", 100)
IMAGE = ImagePart(sha256="0" * 64, media_type="image/png")
CHANGES: dict[str, list[Any]] = {
    "model": ["m2"],
    "messages": [
        (),
        (Message(role="system", content=(TextPart(text="Which tiger?"),)),),
        (Message(role="user", content=(TextPart(text="Which tiger? "),)),),
        (Message(role="user", content=(TextPart(text="Which"), TextPart(text=" tiger?"))),),
        (Message(role="user", content=(TextPart(text="Which tiger?"), IMAGE)),),
        (*BASE.messages, *BASE.messages),
    ],
    "prompt": ["p@1"],
    "max_tokens": [101],
    "temperature": [0.0, 0.5],
    "seed": [0, 1],
    "json_schema": [{}, {"type": "object"}],
    "sample": [1, 2],
}


def ask(client: ScriptedClient, text: str) -> str:
    return asyncio.run(client.ask(user_request("m", "p@0", text, 100))).text


def test_every_field_of_a_request_is_covered_here() -> None:
    assert set(CHANGES) == set(Request.model_fields)


def test_every_change_of_a_request_is_another_key() -> None:
    changed = [
        BASE.model_copy(update={name: value})
        for name, values in CHANGES.items()
        for value in values
    ]
    assert len({BASE.key, *(request.key for request in changed)}) == len(changed) + 1


def test_every_field_of_an_image_is_in_the_key() -> None:
    images = [
        IMAGE,
        IMAGE.model_copy(update={"sha256": "1" * 64}),
        IMAGE.model_copy(update={"media_type": "image/jpeg"}),
    ]
    messages = [(Message(role="user", content=(image,)),) for image in images]
    assert len({BASE.model_copy(update={"messages": m}).key for m in messages}) == 3


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9))
def test_a_key_survives_a_round_trip_through_disk(text: str, sample: int) -> None:
    request = user_request("m", "p@0", text, 100, sample=sample, temperature=0)
    assert Request.model_validate_json(request.model_dump_json()).key == request.key


def test_the_text_of_a_request_is_all_its_words() -> None:
    messages = (
        Message(role="system", content=(TextPart(text="Be brief."),)),
        Message(role="user", content=(IMAGE, TextPart(text="What is it?"))),
    )
    assert BASE.model_copy(update={"messages": messages}).text == "Be brief.\nWhat is it?"


def test_the_first_rule_that_matches_answers() -> None:
    rules = [
        Rule(contains=("tiger", "eat"), reply="deer"),
        Rule(contains=("tiger",), reply="a cat", finish="length"),
        Rule(contains=("tiger", "sleep"), reply="never reached"),
    ]
    client = ScriptedClient(rules)
    assert ask(client, "What does a tiger eat?") == "deer"
    assert ask(client, "Does a tiger sleep?") == "a cat"
    reply = asyncio.run(client.ask(BASE))
    assert (reply.finish, reply.model, reply.usage.input_tokens) == ("length", "scripted", 2)


def test_no_rule_is_a_failed_record() -> None:
    client = ScriptedClient([Rule(contains=("tiger",), reply="a cat")])
    with pytest.raises(RecordError) as caught:
        ask(client, "What is a lion?")
    assert caught.value.reason == "no scripted reply"


def test_a_script_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "script.jsonl"
    lines = ['{"contains": ["a"], "reply": "one\u2028two"}', '{"contains": ["b"], "reply": "3"}']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    client = load_script(path)
    assert [ask(client, text) for text in ("a", "b")] == ["one\u2028two", "3"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"",
        b"[]",
        b'{"contains": [], "reply": "x"}',
        b'{"contains": ["a"]}',
        b'{"contains": ["a"], "reply": "x", "more": 1}',
        b'{"contains": ["a"], "reply": "x", "finish": "bored"}',
        b'{"contains": ["\xff"], "reply": "x"}',
    ],
)
def test_a_wrong_line_of_a_script_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "script.jsonl"
    path.write_bytes(b'{"contains": ["a"], "reply": "x"}\n' + line + b"\n")
    with pytest.raises(ToolkitError, match="line 2 is not a rule: write"):
        load_script(path)


def test_a_missing_script_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="there is no script .*: give scripted:FILE"):
        load_script(tmp_path / "none.jsonl")

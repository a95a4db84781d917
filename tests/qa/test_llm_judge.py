"""The LLM judge with scripted replies: one clear letter or none, and never a guess."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.scripted import Rule, ScriptedClient
from imagewikiqa.prompts.library import load_prompt
from imagewikiqa.qa.filter import ClosedBook
from imagewikiqa.qa.llm_judge import JudgeSettings, LLMJudge, read_letter
from imagewikiqa.qa.protocols import Answer, Ask, Condition, Judge, State

CHOICES = ("grass", "bamboo", "guinea pig food", "a fish")


def ask(condition: Condition) -> Ask:
    named = condition == "with_name"
    return Ask(
        question=f"What does {'the reed panda' if named else 'this object'} eat?",
        choices=CHOICES,
        condition=condition,
        class_id="reed_panda" if named else None,
        class_name="reed panda" if named else None,
    )


def answer(
    text: str, finish: Literal["stop", "length", "refusal", "filtered"] = "stop"
) -> tuple[State, str | None]:
    client = ScriptedClient([Rule(contains=("Answer the",), reply=text, finish=finish)])
    judge: Judge = LLMJudge(client)
    said = asyncio.run(judge.answer(ask("with_name")))
    return said.state, None if said.position is None else "ABCD"[said.position]


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("A", "A"), (" b \n", "B"), ("C.", "C"), ("(D)", "D"), ("B)", "B"), ("**C**", "C"),
        ('"D"', "D"), ("Ｂ", "B"), ("Answer: B", "B"), ("Answer: (b).", "B"), ("answer is c", "C"),
        ("The answer is A", "A"), ("The correct answer is: D.", "D"), ("Option C", "C"),
        ("My final answer is **B**.", "B"), ("B. Bamboo", "B"), ("B) bamboo.", "B"),
        ("(B) bamboo", "B"), ("D: a fish", "D"), ("The answer is D. A fish", "D"),
        ("C. Guinea pig food", "C"), ("C. Because it is native there and common", "C"),
        ("B\n\nIt lives on shoots.", "B"), ("B. B", "B"),
        ("Pandas eat a plant. The answer is B.", "B"),
        ("A is for cows and D for bears. So the answer is B", "B"),
    ],
)  # fmt: skip
def test_a_clear_letter_is_read(text: str, letter: str) -> None:
    assert answer(text) == ("answered", letter)


@pytest.mark.parametrize(
    "text",
    [
        "The answer is C. A guinea pig lives there.",  # upstream's parser read A
        "I think it is B, not A or C",  # upstream's parser read C
        "A guinea pig lives there",
        "A fish",
        "Answer: A guinea pig",
        "The answer is A guinea pig.",
        "A or B",
        "A, B",
        "AB",
        "A/B/C/D",
        "A. B. C. D.",
        "B. grass",  # the letter of one choice, the words of another
        "B, as A is wrong",
        "B. Not grass, surely",
        "B\nA is wrong",
        "The answer is not B.",
        "The answer is A. No, the answer is B.",
        "The answer is either B or C.",
        "bamboo",
        "I",
        "E",
        "Because it is native there and common",
        "1",
        "?",
        "Α",  # a Greek letter
    ],
)
def test_anything_less_clear_is_ambiguous(text: str) -> None:
    assert answer(text) == ("ambiguous", None)


def test_no_answer_is_empty_or_refused_and_never_a_pick() -> None:
    assert answer("") == answer(" \n") == answer("**") == ("empty", None)
    assert answer("The answer is B", "length") == answer("B", "length") == ("empty", None)
    assert answer("B", "refusal") == answer("B", "filtered") == ("refused", None)
    assert answer("I'm sorry, I cannot tell.") == ("refused", None)
    assert answer("I don’t know what the object is.") == ("refused", None)


@given(st.text(st.sampled_from("ABCDabcd .,:()\n'xis"), max_size=12))
def test_a_pick_is_always_a_letter_that_stands_alone_in_the_text(text: str) -> None:
    said = read_letter(text, CHOICES)
    assert (said.position is not None) == (said.state == "answered")
    if said.position is not None:
        words = "".join(mark if mark.isalpha() else " " for mark in text).split()
        assert "ABCD"[said.position] in [word.upper() for word in words]
    assert read_letter(text, CHOICES) == said


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=5), min_size=4, max_size=4))
def test_no_text_or_choices_break_the_reader(text: str, choices: list[str]) -> None:
    assert read_letter(text, choices).state in ("answered", "ambiguous", "refused", "empty")


def test_each_condition_has_its_prompt_and_the_letters_in_shown_order() -> None:
    judge = LLMJudge(ScriptedClient([], "gpt-x"), JudgeSettings(temperature=0.0, seed=4))
    named, blind = judge.request(ask("with_name")), judge.request(ask("without_name"))
    assert named.prompt == load_prompt("answer_named").ref
    assert blind.prompt == load_prompt("answer_blind").ref
    options = "A. grass\nB. bamboo\nC. guinea pig food\nD. a fish\n"
    assert f"What does the reed panda eat?\n{options}Output only one character" in named.text
    assert f"What does this object eat?\n{options}The question mentions" in blind.text
    assert "panda" not in blind.text
    assert (named.model, named.max_tokens, named.temperature, named.seed) == ("gpt-x", 16, 0.0, 4)


def test_the_judge_offers_no_closed_book_score() -> None:
    judge = LLMJudge(ScriptedClient([], "gpt-x"))
    assert not isinstance(judge, ClosedBook)
    assert judge.name == "llm:gpt-x"
    with pytest.raises(ValueError, match="closed-book"):
        judge.request(ask("closed_book"))


def test_settings_show_in_the_fingerprint_and_a_length_that_cuts_all_replies_is_refused() -> None:
    client = ScriptedClient([])
    some = (
        JudgeSettings(),
        JudgeSettings(max_tokens=9),
        JudgeSettings(blind_prompt="answer_named"),
    )
    assert len({LLMJudge(client, settings).fingerprint for settings in some}) == 3
    with pytest.raises(ToolkitError, match="max_tokens is 1: set it to 2 or more"):
        JudgeSettings(max_tokens=1)


def test_real_answers_of_a_model_are_read_as_they_were_meant(shared_data: Path) -> None:
    path = shared_data / "vlm_outputs_sqa" / "llava_v1_3_13b_sqa.jsonl"
    counts: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        said = read_letter(row["output"], ("no such words",) * 4)
        if said == Answer(state="answered", position=row["parsed_index"]):
            counts["same"] += 1
        else:
            counts[said.state] += 1
    assert counts == {"same": 1_498, "ambiguous": 2}  # one says E, one quotes its choices

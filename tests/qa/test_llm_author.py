"""The LLM author with scripted replies: what is asked, what is kept, why the rest is rejected."""

import asyncio
import json
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import canonical_json, text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.scripted import Rule, ScriptedClient
from imagewikiqa.core.records import ClassEntry, Draft, Judged, Page
from imagewikiqa.core.stages import Outcome, RecordError, Stage, run_stage
from imagewikiqa.core.tables import read_table
from imagewikiqa.prompts.library import load_prompt
from imagewikiqa.qa.filter import GUESSED, KEPT, WRONG, FilterSettings, judge_draft
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.llm_author import AuthorSettings, LLMAuthor, join_articles
from imagewikiqa.qa.llm_judge import LLMJudge
from imagewikiqa.qa.llm_reply import QuestionDrafts
from imagewikiqa.qa.protocols import Author, Drafted, Subject

TEXTS: dict[str, str] = json.loads(
    (Path(__file__).parent.parent / "data" / "judge_pages.json").read_text(encoding="utf-8")
)
CLASSES = [ClassEntry(id=name.replace(" ", "_"), name=name) for name in TEXTS]
PANDA = CLASSES[0]
Finish = Literal["stop", "length", "refusal", "filtered"]


def page(name: str, text: str) -> Page:
    return Page(
        id=f"page:{name}", class_ids=(PANDA.id,), title=name, page_id=7, revision_id=70,
        revision_timestamp=None, url="https://example.org/70", license="CC0-1.0", text=text,
        sections=(), facts={}, source="test", sha256=text_digest(text),
    )  # fmt: skip


PAGE = page("reed panda", TEXTS["reed panda"])
SUBJECT = Subject(entry=PANDA, pages=(PAGE,))
GOOD: dict[str, Any] = {
    "question": "What does this object mainly eat?",
    "choices": ["Frogs", "Beetles", "Bamboo", "Urchins"],
    "answer": 2,
    "reference": "The reed panda eats mainly bamboo.",
}


def author(reply: str, finish: Finish = "stop", **settings: Any) -> LLMAuthor:
    client = ScriptedClient([Rule(contains=("reed panda",), reply=reply, finish=finish)], "gpt-x")
    return LLMAuthor(client, LeakChecker(CLASSES), AuthorSettings(**settings))


def drafted(*questions: object, subject: Subject = SUBJECT) -> Drafted:
    return asyncio.run(author(json.dumps({"questions": questions})).draft(subject))


def reason(**changes: object) -> str:
    """Return why a good question is rejected after changes; a good one beside it must stay."""
    bad = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    made = drafted(bad, {**GOOD, "question": "What is the main food of this object?"})
    assert len(made.drafts) == 1
    (reject,) = made.rejects
    assert (reject.stage, reject.input, reject.id) == (
        "draft",
        "reed_panda",
        "draft:llm:reed_panda:0",
    )
    return reject.reason


def test_a_good_question_becomes_a_draft_with_the_right_choice_first() -> None:
    written: Author = author(json.dumps({"questions": [GOOD]}), seed=5)
    made = asyncio.run(written.draft(SUBJECT))
    assert made.rejects == ()
    (draft,) = made.drafts
    assert [choice.text for choice in draft.choices] == ["Bamboo", "Frogs", "Beetles", "Urchins"]
    assert {choice.class_id for choice in draft.choices} == {None}
    assert draft.question == "What does this object mainly eat?"
    assert draft.question_named == "What does the reed panda mainly eat?"
    assert (draft.class_id, draft.class_name) == ("reed_panda", "reed panda")
    assert draft.evidence.quote == "The reed panda eats mainly bamboo."
    assert draft.evidence.quote == PAGE.text[draft.evidence.start : draft.evidence.end]
    assert (draft.evidence.page, draft.evidence.revision_id) == (PAGE.id, 70)
    assert draft.author.model_dump() == {
        "name": "llm", "model": "gpt-x", "prompt": load_prompt("make_mcq_paper").ref, "seed": 5,
        "form": "", "kind": "", "repairs": 0,
    }  # fmt: skip


def test_an_id_depends_on_class_question_and_right_answer_alone() -> None:
    first = drafted(GOOD).drafts[0].id
    other_order = {**GOOD, "choices": ["Bamboo", "Voles", "Seeds", "Figs"], "answer": 0}
    assert drafted(other_order).drafts[0].id == first
    assert drafted({**GOOD, "answer": 1}).drafts[0].id != first
    assert drafted({**GOOD, "question": "What is eaten by this object?"}).drafts[0].id != first


def test_the_request_shows_the_articles_and_carries_the_closed_schema() -> None:
    pages = (PAGE, page("bamboo", "  Bamboo costs $5.\n"))
    request = author("", temperature=0.5, seed=3).request(Subject(entry=PANDA, pages=pages))
    rule = "=" * 63
    articles = (
        f"{rule}\n\nArticle 1: {PAGE.text}\n\n{rule}\n\nArticle 2: Bamboo costs $5.\n\n{rule}"
    )
    assert f"```\n{articles}\n```" in request.text
    assert request.text.startswith("Come up with five multiple-choice questions for a reed panda ")
    assert (request.model, request.temperature, request.seed) == ("gpt-x", 0.5, 3)
    assert request.prompt == load_prompt("make_mcq_paper").ref
    schema = request.json_schema
    assert schema == QuestionDrafts.model_json_schema()
    jsonschema.validate({"questions": [GOOD]}, schema)
    for bad in ({**GOOD, "answer": 4}, {**GOOD, "more": 1}, {**GOOD, "choices": ["a"]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"questions": [bad]}, schema)


def test_settings_change_the_number_asked_for_and_how_much_of_a_page_is_shown() -> None:
    assert (
        "Come up with one multiple-choice question for"
        in author("", questions=1).request(SUBJECT).text
    )
    assert "with 12 multiple-choice questions for" in author("", questions=12).request(SUBJECT).text
    words = author("", page_characters=60).request(SUBJECT).text
    assert "cool mountain forests.\nDiet\n\n====" in words
    sizes: tuple[dict[str, Any], ...] = (
        {"questions": 0},
        {"page_characters": -1},
        {"max_tokens": 0},
    )
    for wrong in sizes:
        with pytest.raises(ToolkitError, match=f"{next(iter(wrong))} is .* set it to 1 or more"):
            AuthorSettings(**wrong)


def test_the_fingerprint_follows_every_setting_and_the_model() -> None:
    prints = {
        author("", **settings).fingerprint
        for settings in ({}, {"questions": 4}, {"seed": 1}, {"temperature": 0.0}, {"max_tokens": 9})
    }
    other = LLMAuthor(ScriptedClient([], "gpt-y"), LeakChecker(CLASSES)).fingerprint
    assert len(prints | {other}) == 6


def test_articles_are_joined_as_in_the_notebook() -> None:
    rule = "=" * 63
    assert join_articles([" a\n"]) == f"{rule}\n\nArticle 1: a\n\n{rule}"


LAYOUTS = {
    "questions": json.dumps({"questions": [GOOD]}),
    "quiz_questions": json.dumps({"quiz_questions": [GOOD], "topic": "animals"}),
    "a bare list": json.dumps([GOOD], indent=2),
    "a json fence": f"```json\n{json.dumps({'questions': [GOOD]})}\n```",
    "a bare fence": f"```\n{json.dumps([GOOD])}\n```\n",
    "words around a fence": f"Here you are:\n\n```json\n{json.dumps([GOOD])}\n```\nGood luck!",
    "words before the object": f"Sure!\n{json.dumps({'questions': [GOOD]})}",
    "a fence never closed": f"```json\n{json.dumps([GOOD])}",
    "a fence in a question": json.dumps([{**GOOD, "x": "``` ```"}]),
    "more keys": json.dumps({"questions": [{"id": 1, **GOOD, "explanation": "It does."}]}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_that_models_write_is_read(layout: str) -> None:
    made = asyncio.run(author(LAYOUTS[layout]).draft(SUBJECT))
    assert [draft.id for draft in made.drafts] == [drafted(GOOD).drafts[0].id]


USELESS: list[tuple[str, Finish, str]] = [
    (LAYOUTS["questions"], "length", "reply cut short"),
    ("I will not.", "refusal", "author refused"),
    ("", "filtered", "reply filtered by the provider"),
    (" \n", "stop", "empty reply"),
    ("I'm sorry, I can't help with that.", "stop", "reply is not JSON"),
    (LAYOUTS["questions"][:-9], "stop", "reply is not JSON"),
    ("[" * 100_000, "stop", "reply is not JSON"),
    ("```\n" * 3 + "{" * 9, "stop", "reply is not JSON"),
    ('{"questions": [' + "9" * 5_000 + "]}", "stop", "reply is not JSON"),
    ('{"questions": []}', "stop", "no questions in the reply"),
    ('{"questions": null}', "stop", "no questions in the reply"),
    (json.dumps(GOOD), "stop", "no questions in the reply"),
    ('"none"', "stop", "no questions in the reply"),
]


@pytest.mark.parametrize(("text", "finish", "why"), USELESS)
def test_a_useless_reply_fails_the_class_with_a_reason(text: str, finish: Finish, why: str) -> None:
    with pytest.raises(RecordError) as error:
        asyncio.run(author(text, finish).draft(SUBJECT))
    assert error.value.reason == why


def test_a_class_without_pages_is_not_asked_about() -> None:
    with pytest.raises(RecordError, match="no page to write from"):
        asyncio.run(author("[]").draft(Subject(entry=PANDA, pages=())))


FAULTS: list[tuple[str, dict[str, object]]] = [
    ("no question text", {"question": ...}),
    ("no question text", {"question": 3}),
    ("no question text", {"question": "  "}),
    ("broken characters", {"question": "What does this object eat \ud83d?"}),
    ("broken characters", {"question": "What does this object\u0000 eat?"}),
    ("not four choices", {"choices": ...}),
    ("not four choices", {"choices": "ABCD"}),
    ("not four choices", {"choices": ["a", "b", "c"]}),
    ("not four choices", {"choices": ["a", "b", "c", "d", "e"]}),
    ("not four choices", {"choices": {"A": "a", "B": "b", "C": "c", "D": "d"}}),
    ("empty choice", {"choices": ["a", "b", "c", " "]}),
    ("empty choice", {"choices": ["a", "b", "c", 4]}),
    ("empty choice", {"choices": ["a", "b", "c", "..."]}),
    ("broken characters", {"choices": ["a", "b", "c", "\udc00"]}),
    ("choices not distinct", {"choices": ["Frogs", "Bamboo", "frogs.", "Figs"]}),
    ("choices not distinct", {"choices": ["A. Figs", "B. Frogs", "C. Figs", "D. Voles"]}),
    ("choice speaks of other choices", {"choices": ["x", "y", "Both A and B", "z"]}),
    ("choice speaks of other choices", {"choices": ["x", "y", "z", "All of the above"]}),
    ("choice speaks of other choices", {"choices": ["A. x", "B. y", "C. z", "D. A, B and C"]}),
    ("letters before the choices out of order", {"choices": ["B. x", "A. y", "C. z", "D. w"]}),
    ("answer is not a whole number", {"answer": ...}),
    ("answer is not a whole number", {"answer": True}),
    ("answer is not a whole number", {"answer": "2"}),
    ("answer is not a whole number", {"answer": "C"}),
    ("answer is not a whole number", {"answer": 2.0}),
    ("answer is not a whole number", {"answer": float("nan")}),
    ("answer out of range", {"answer": 4}),
    ("answer out of range", {"answer": -1}),
    ("no reference", {"reference": ...}),
    ("no reference", {"reference": ["The reed panda eats mainly bamboo."]}),
    ("no placeholder in the question", {"question": "What does this animal mainly eat?"}),
    ("name leak in the question", {"question": "What does this object, a reed panda, eat?"}),
    ("name leak in the question", {"question": "What do Reed Pandas like this object eat?"}),
    ("evidence too short", {"reference": "bamboo"}),
    ("evidence not in the page", {"reference": "The reed panda eats mainly meat."}),
    ("evidence not in the page", {"reference": "The surf otter eats mainly urchins."}),
]


@pytest.mark.parametrize(("why", "changes"), FAULTS)
def test_a_bad_question_is_rejected_alone_with_its_reason(
    why: str, changes: dict[str, object]
) -> None:
    assert reason(**changes) == why


def test_what_is_no_object_or_comes_twice_is_rejected() -> None:
    made = drafted(GOOD, "What?", GOOD, {**GOOD, "choices": ["Bamboo", "x", "y", "z"], "answer": 0})
    assert len(made.drafts) == 1
    assert [(reject.id[-1], reject.reason) for reject in made.rejects] == [
        ("1", "not an object"), ("2", "question repeated"), ("3", "question repeated"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("choices", "right"),
    [
        (["A. Frogs", "B. Beetles", "C. Bamboo", "D. Urchins"], "Bamboo"),
        (["(a) Frogs", "(b) Beetles", "(c) Bamboo", "(d) Urchins"], "Bamboo"),
        (["A: Frogs", "B: Beetles", "C: Bamboo", "D: Urchins"], "Bamboo"),
        (["Frogs", "Beetles", "B. mitis", "A. gigantea"], "B. mitis"),
    ],
)
def test_letters_are_stripped_from_all_choices_or_none(choices: list[str], right: str) -> None:
    (draft,) = drafted({**GOOD, "choices": choices}).drafts
    assert draft.choices[0].text == right
    lettered = [choice for choice in draft.choices if choice.text.startswith(("A", "(", "D."))]
    assert len(lettered) == (1 if right == "B. mitis" else 0)


@pytest.mark.parametrize(
    ("written", "question", "named"),
    [
        ("A this object eats what?", "This object eats what?", "The reed panda eats what?"),
        ("Who eats the this object?", "Who eats this object?", "Who eats the reed panda?"),
        ("What do\n these objects  eat?", "What do these objects eat?", "What do reed pandas eat?"),
    ],
)  # fmt: skip
def test_slips_around_the_placeholder_are_repaired(written: str, question: str, named: str) -> None:
    (draft,) = drafted({**GOOD, "question": written}).drafts
    assert (draft.question, draft.question_named) == (question, named)


def test_evidence_is_found_in_the_second_page_in_code_points() -> None:
    second = page("food", "😀 Its “diet”\nis bamboo.")
    (draft,) = drafted(
        {**GOOD, "reference": 'Its "diet" is bamboo.'},
        subject=Subject(entry=PANDA, pages=(PAGE, second)),
    ).drafts
    assert draft.evidence.page == "page:food"
    assert (draft.evidence.start, draft.evidence.end) == (2, 23)
    assert draft.evidence.quote == "Its “diet”\nis bamboo."


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["this object", "\ud800", "The reed panda eats mainly bamboo."]),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(st.sampled_from(["question", "choices", "answer", "reference"]), inner),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(ANY, min_size=1, max_size=3), st.dictionaries(st.sampled_from(sorted(GOOD)), ANY))
def test_no_reply_breaks_the_author_and_all_it_returns_can_be_stored(
    junk: list[object], changes: dict[str, object]
) -> None:
    made = drafted(*junk, {**GOOD, **changes}, GOOD)
    assert len(made.drafts) + len(made.rejects) == len(junk) + 2
    for record in (*made.drafts, *made.rejects):
        canonical_json(record).encode()
    for draft in made.drafts:
        assert len({choice.text for choice in draft.choices}) == 4
        assert PAGE.text[draft.evidence.start : draft.evidence.end] == draft.evidence.quote


def test_the_runner_stores_drafts_and_reasons(tmp_path: Path) -> None:
    replies: dict[str, tuple[str, Finish]] = {
        "reed panda": (json.dumps([GOOD, {**GOOD, "answer": "\ud800"}]), "stop"),
        "dune gecko": ("no \ud800", "refusal"),
    }
    rules = [
        Rule(contains=(f"for a {name} to",), reply=reply, finish=finish)
        for name, (reply, finish) in replies.items()
    ]
    llm = LLMAuthor(ScriptedClient(rules), LeakChecker(CLASSES))

    async def step(entry: ClassEntry) -> Outcome[Draft]:
        made = await llm.draft(Subject(entry=entry, pages=(page(entry.name, TEXTS[entry.name]),)))
        return Outcome(rows=made.drafts, rejects=made.rejects)

    stage = Stage(name="draft", version=1, settings=llm.fingerprint, step=step, row=Draft)
    report = run_stage(stage, CLASSES[:3], work=tmp_path, table=tmp_path / "drafts.jsonl")
    assert report.rows == 1
    assert report.rejects == {
        "answer is not a whole number": 1, "author refused": 1, "no scripted reply": 1,
    }  # fmt: skip
    assert [draft.class_id for draft in read_table(tmp_path / "drafts.jsonl", Draft)] == [PANDA.id]


def judged(named: str, blind: str) -> Judged:
    """Draft and judge with scripts: `named` and `blind` are 'right' or a letter always given."""
    (draft,) = drafted(GOOD).drafts
    unknown = "we don't know what the object is"
    rules = []
    for condition, words in (("the reed panda", named), (unknown, blind)):
        for letter in "ABCD":
            reply = letter if words == "right" else words
            rules.append(Rule(contains=(condition, f"{letter}. Bamboo"), reply=reply))
    judge = LLMJudge(ScriptedClient(rules, "gpt-x"))
    return asyncio.run(judge_draft(draft, [judge], FilterSettings(stop="never")))


def test_a_scripted_author_and_judge_go_through_the_filter() -> None:
    kept = judged("right", "The answer is A.")
    assert (kept.keep, kept.reason) == (True, KEPT)
    (scores,) = kept.judges
    assert scores.closed_book is None
    assert (scores.with_name.judge, scores.with_name.right) == ("llm:gpt-x", 4)
    assert (scores.without_name.right, scores.without_name.trials) == (1, 4)
    assert judged("right", "right").reason == GUESSED
    assert judged("B", "A").reason == WRONG
    unparsed = judged("right", "A or B")
    assert not unparsed.keep
    assert unparsed.judges[0].without_name.unparsed == 4

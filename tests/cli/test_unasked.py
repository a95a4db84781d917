"""Drafts that a judge could not be asked about: dropped with the filter's reason, not a crash."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_request_that_fails_drops_its_draft_with_the_reason_and_the_others_are_released(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    sample = ("--sample", "--limit", 8)
    assert command("draft", *sample, "--out", tmp_path / "drafts", "--json").code == 0
    drafts = rows(tmp_path / "drafts" / "work" / "draft.jsonl")
    rules: list[dict[str, object]] = [
        {"contains": ["we don't know what the object is"], "reply": "A"}
    ]
    unasked = {draft["id"] for draft in drafts[3::7]}
    assert len(unasked) >= 3
    for draft in drafts:
        if draft["id"] not in unasked:
            right = draft["choices"][0]["text"]
            rules += [
                {"contains": [draft["question_named"], f"\n{letter}. {right}\n"], "reply": letter}
                for letter in "ABCD"
            ]
    script = tmp_path / "judge.jsonl"
    script.write_text("".join(json.dumps(rule) + "\n" for rule in rules), encoding="utf-8")
    judge = ("--judge", f"scripted:{script}", "--set", "filter.second_opinion=off")
    said = command("rebuild", *sample, *judge, "--out", tmp_path / "run", "--json")
    assert said.code == 0, said.err
    rejects = {row["input"]: row for row in rows(tmp_path / "run" / "rejects.jsonl")}
    released = {row["id"] for row in rows(tmp_path / "run" / "questions.jsonl")}
    assert released and not released & unasked
    assert {rejects[one]["reason"] for one in unasked} == {"no scripted reply"}
    assert {rejects[one]["stage"] for one in unasked} == {"filter"}
    assert {draft["id"] for draft in drafts} == released | (rejects.keys() & {*map(_id, drafts)})
    assert said.summary["rejects"]["filter: no scripted reply"] == len(unasked)


def _id(draft: dict[str, Any]) -> str:
    return str(draft["id"])

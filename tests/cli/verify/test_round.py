"""A whole round on a real server: four raters, two hundred questions, a browser, every verdict."""

import shutil
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.records import Question
from imagewikiqa.qa.label_studio.client import TOKEN
from imagewikiqa.qa.label_studio.people import Account
from imagewikiqa.qa.rounds.plan import MEDIA, Round
from imagewikiqa.qa.rounds.records import Answer
from tests.cli.conftest import Command
from tests.cli.verify.people import (
    SKILL,
    answer_by_clicks,
    answer_by_program,
    browser,
    log_in,
    thought,
)
from tests.cli.verify.runs import write_run
from tests.label_studio import Running
from tests.qa.rounds.made import page, question

pytestmark = pytest.mark.timeout(600)
RATERS = ",".join(SKILL)
CLICKS = 6
ROUNDS = {"article": 130, "picture": 70}


def questions(kind: str) -> list[Question]:
    """Return distinct questions whose keys stand at any position."""
    return [
        question(
            at, class_id=f"n{at % 40:02}", asked=f"What is number {at} of the {kind} round?",
            choices=(f"first {at}", f"second {at}", f"third {at}", f"fourth {at}"),
            answer=keyed_int("key", kind, at) % 4,
        )
        for at in range(ROUNDS[kind])
    ]  # fmt: skip


@pytest.fixture(scope="module")
def accounts(label_studio: Running) -> dict[str, tuple[Account, str]]:
    """Return the account and token of each rater."""
    return {name: label_studio.rater(name) for name in SKILL}


@pytest.fixture(scope="module")
def rounds(
    label_studio: Running,
    accounts: dict[str, tuple[Account, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Return an article round and a picture round that all raters answered and nobody pulled."""
    from tests.cli.conftest import call

    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN, label_studio.token)
        for kind in ROUNDS:
            folder = tmp_path_factory.mktemp(kind)
            pixels = folder / "pixels" if kind == "picture" else None
            run = write_run(folder / "run", questions(kind), [page()], pixels)
            out = folder / "round"
            said = call("verify", "prepare", run, "--out", out, "--raters", RATERS,
                        "--kind", kind)  # fmt: skip
            assert said.code == 0, said.err
            media: list[Any] = []
            if pixels is not None:
                shutil.copytree(out / MEDIA, label_studio.media_root / "round")
                media = ["--media", "local:round", "--document-root", label_studio.media_root]
            pushed = call("verify", "push", out, "--url", label_studio.url, "--json", *media)
            assert pushed.code == 0, pushed.err
            answer(label_studio, Round(out), pushed.summary["links"], accounts)
            made[kind] = out
    return made


def answer(
    label_studio: Running,
    the_round: Round,
    links: dict[str, str],
    accounts: dict[str, tuple[Account, str]],
) -> None:
    """Let all raters answer: anna's first tasks by clicks, all others by program."""
    from imagewikiqa.cli.verify.access import read_known

    known = read_known(the_round.path)
    assert known is not None
    for rater, (account, token) in accounts.items():
        clicked: set[str] = set()
        if rater == "anna":
            clicked = click(the_round, links[rater], account)
        answer_by_program(label_studio, the_round, rater, token, known.projects[rater], clicked)


def click(the_round: Round, link: str, account: Account) -> set[str]:
    """Answer the first tasks in a browser and return their ext_ids."""
    by_text = {one.question.question: one.question for one in the_round.subjects}

    def choose(asked: str, shown: Any) -> str:
        one = by_text[asked]
        return one.choices[one.answer]

    with browser() as chromium:
        log_in(chromium, link, account)
        answer_by_clicks(chromium, choose, CLICKS)
    return {task.id for task in the_round.tasks("anna")[:CLICKS]}


def expected(the_round: Round) -> dict[str, int | str]:
    """Return what each rater meant by ext_id; whoever clicks picks the key."""
    keys = {one.id: one.question.answer for one in the_round.subjects}
    clicked = {task.id for task in the_round.tasks("anna")[:CLICKS]}
    return {
        one.id: keys[one.question_id]
        if one.id in clicked
        else thought(one.rater, one.question_id, keys[one.question_id], the_round.plan.kind)
        for one in the_round.assignments.values()
    }


def meant(one: Answer) -> int | str:
    """Return an answer in the words of `thought`."""
    if one.state == "picked":
        assert one.pick is not None
        return one.pick
    return {"none_right": "none", "skipped": "skip"}[one.state]


def slow_alpha(the_round: Round) -> float:
    """Return nominal alpha from what was meant, by its definition over all pairs of values."""
    units: dict[str, list[int | str]] = {}
    for key, value in expected(the_round).items():
        if value != "skip":
            units.setdefault(the_round.assignments[key].question_id, []).append(value)
    paired = [values for values in units.values() if len(values) > 1]
    pooled = [value for values in paired for value in values]
    observed = sum(
        sum(a != b for a, b in permutations(values, 2)) / (len(values) - 1) for values in paired
    ) / len(pooled)
    counts = Counter(pooled)
    total = len(pooled)
    by_chance = sum(n * (total - n) for n in counts.values()) / (total * (total - 1))
    return 1 - observed / by_chance


@pytest.mark.parametrize("kind", ROUNDS)
def test_every_answer_of_a_round_joins_and_agreement_is_that_of_what_was_meant(
    kind: str,
    rounds: dict[str, Path],
    label_studio: Running,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TOKEN, label_studio.token)
    folder = rounds[kind]
    pulled = command("verify", "pull", folder, "--json")
    assert pulled.code == 0, pulled.err
    assert pulled.summary["answered"] == 3 * ROUNDS[kind] and pulled.summary["rejects"] == {}
    the_round = Round(folder)
    assert {one.id: meant(one) for one in the_round.answers} == expected(the_round)
    by_hand = {one.id for one in the_round.answers if one.by_hand and one.state == "picked"}
    assert by_hand == {task.id for task in the_round.tasks("anna")[:CLICKS]}
    assert all(one.seconds and one.seconds > 0 for one in the_round.answers)
    reported = command("verify", "report", folder, "--json")
    assert reported.code == 0, reported.err
    assert reported.summary["alpha"]["alpha"] == pytest.approx(slow_alpha(the_round), abs=1e-9)


def test_a_pull_repeated_gives_the_same_bytes_and_an_export_gives_the_same_answers(
    rounds: dict[str, Path],
    label_studio: Running,
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import json

    from imagewikiqa.cli.verify.access import read_known

    monkeypatch.setenv(TOKEN, label_studio.token)
    folder = Path(shutil.copytree(rounds["article"], tmp_path / "round"))
    assert command("verify", "pull", folder).code == 0
    first = (folder / "answers.jsonl").read_bytes()
    assert command("verify", "pull", folder).code == 0
    assert (folder / "answers.jsonl").read_bytes() == first
    known = read_known(folder)
    assert known is not None
    exports: list[Any] = []
    for rater, project in known.projects.items():
        file = tmp_path / f"{rater}.json"
        rows = label_studio.client().projects.exports.as_json(project)
        file.write_text(json.dumps(rows), encoding="utf-8")
        exports += ["--export", file]
    said = command("verify", "pull", folder, *exports)
    assert said.code == 0, said.err
    assert (folder / "answers.jsonl").read_bytes() == first


def test_what_the_server_stores_but_our_page_cannot_say_is_rejected_with_its_reason(
    rounds: dict[str, Path],
    label_studio: Running,
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TOKEN, label_studio.token)
    run = write_run(tmp_path / "run", questions("article")[:6], [page()])
    out = tmp_path / "round"
    assert command("verify", "prepare", run, "--out", out, "--raters", "anna=anna@example.com",
                   "--overlap", 1).code == 0  # fmt: skip
    assert command("verify", "push", out, "--url", label_studio.url).code == 0
    from imagewikiqa.cli.verify.access import read_known
    from imagewikiqa.qa.label_studio.client import Server

    known = read_known(out)
    assert known is not None
    server = Server(label_studio.url, label_studio.token)
    a, b, c, *_ = list(server.tasks(known.projects["anna"]))
    server.close()
    strange = [{"from_name": "mood", "to_name": "question", "type": "choices",
                "value": {"choices": ["good"]}}]  # fmt: skip
    label_studio.annotate(a["id"], strange)
    label_studio.change(b["id"], {**b["data"], "question": "Another question?"})
    mine = said_a(c["data"]["ext_id"])
    label_studio.annotate(c["id"], mine)  # by the administrator, not by anna
    said = command("verify", "pull", out, "--json")
    assert said.summary["rejects"] == {
        "answered from another account": 2,
        "task changed on the server": 1,
    }
    assert said.summary["answered"] == 0


def said_a(task: str) -> list[dict[str, Any]]:
    """Return a sound answer to a task."""
    return [{"from_name": "answer", "to_name": "question", "type": "choices",
             "value": {"choices": ["A"]}}]  # fmt: skip


def test_answers_that_vanish_from_the_server_are_not_forgotten_in_silence(
    rounds: dict[str, Path],
    label_studio: Running,
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TOKEN, label_studio.token)
    run = write_run(tmp_path / "run", questions("article")[:2], [page()])
    out = tmp_path / "round"
    command("verify", "prepare", run, "--out", out, "--raters", "1", "--overlap", 1)
    command("verify", "push", out, "--url", label_studio.url)
    from imagewikiqa.cli.verify.access import read_known
    from imagewikiqa.qa.label_studio.client import Server

    known = read_known(out)
    assert known is not None
    server = Server(label_studio.url, label_studio.token)
    first, _ = list(server.tasks(known.projects["rater-1"]))
    label_studio.annotate(first["id"], said_a(""))
    assert command("verify", "pull", out, "--json").summary["answered"] == 1
    server.delete_task(first["id"])
    server.close()
    refused = command("verify", "pull", out)
    assert refused.code == 2 and "1 answers of an earlier pull are not there" in refused.err
    assert len(Round(out).answers) == 1
    assert command("verify", "pull", out, "--replace", "--json").summary["answered"] == 0

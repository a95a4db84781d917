"""Hostile words are words: in Label Studio's page for raters, and in the report of the round."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog

from imagewikiqa.cli.verify.access import read_known
from imagewikiqa.qa.label_studio.client import TOKEN, Server
from imagewikiqa.qa.rounds.plan import Round
from tests.cli.conftest import Command
from tests.cli.verify.people import browser, log_in
from tests.cli.verify.runs import write_run
from tests.label_studio import Running
from tests.qa.rounds.made import HOSTILE, page, question

pytestmark = pytest.mark.timeout(300)
# Links, scripts and frames; pictures but the task's own, which comes late; sideways scroll.
INSIDE = """() => [
    ...['a', 'script', 'iframe'].map(tag => document.querySelectorAll('.iwq ' + tag).length),
    [...document.querySelectorAll('.iwq img')]
        .filter(one => !/^($|data:|blob:)/.test(one.src)).length,
    document.documentElement.scrollWidth - innerWidth,
]"""
SHOWN = {"\u202e": "[U+202E]", "\u202c": "[U+202C]", "$": "$\u2060"}


def seen(text: str, *, option: bool = False) -> str:
    """Return a hostile text as a rater has to see it."""
    for hidden, spelt in SHOWN.items():
        if hidden != "$" or option:
            text = text.replace(hidden, spelt)
    return text


@pytest.fixture(scope="module")
def hostile_round(
    label_studio: Running, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """Return a pushed review round whose every text is hostile, and the raters' links."""
    from tests.cli.conftest import call

    folder = tmp_path_factory.mktemp("hostile")
    asked = [
        question(at, name=f"tiger {text}", asked=f"What? {text}",
                 choices=(f"deer {text}", text, "fish", "stones"))
        for at, text in enumerate(HOSTILE)
    ]  # fmt: skip
    run = write_run(folder / "run", asked, [page()], folder / "pixels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN, label_studio.token)
        said = call("verify", "prepare", run, "--out", folder / "round", "--raters", "mallory",
                    "--overlap", 1, "--kind", "review")  # fmt: skip
        assert said.code == 0, said.err
        pushed = call("verify", "push", folder / "round", "--url", label_studio.url, "--json")
        assert pushed.code == 0, pushed.err
    return folder / "round", pushed.summary["links"]


def test_label_studio_shows_every_hostile_text_as_text(
    hostile_round: tuple[Path, dict[str, str]], label_studio: Running
) -> None:
    folder, links = hostile_round
    the_round, known = Round(folder), read_known(folder)
    assert known is not None
    account, _ = label_studio.rater("mallory")
    alerts: list[str] = []
    server = Server(label_studio.url, label_studio.token)
    ids = {row["data"]["ext_id"]: row["id"] for row in server.tasks(known.projects["mallory"])}
    server.close()
    with browser() as chromium:
        chromium.on("dialog", lambda dialog: note(alerts, dialog))
        log_in(chromium, links["mallory"], account)
        for task in the_round.tasks("mallory"):
            project = known.projects["mallory"]
            chromium.goto(f"{label_studio.url}/projects/{project}/data?task={ids[task.id]}")
            chromium.locator(".iwq-right").wait_for()
            one = next(s for s in the_round.subjects
                       if s.id == the_round.assignments[task.id].question_id)  # fmt: skip
            text = chromium.locator(".iwq").inner_text()
            assert seen(one.question.class_name) in text
            assert seen(one.question.question) in text
            for choice in one.question.choices:
                assert seen(choice, option=True) in text
            assert chromium.evaluate(INSIDE) == [0, 0, 0, 0, 0]
    assert alerts == []


def test_hostile_comments_reach_the_report_as_text(
    hostile_round: tuple[Path, dict[str, str]],
    label_studio: Running,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TOKEN, label_studio.token)
    folder, _ = hostile_round
    known = read_known(folder)
    assert known is not None
    server = Server(label_studio.url, label_studio.token)
    rows = list(server.tasks(known.projects["mallory"]))
    server.close()
    for row, text in zip(rows, HOSTILE, strict=True):
        label_studio.annotate(row["id"], review(text))
    assert command("verify", "pull", folder, "--json").summary["answered"] == len(HOSTILE)
    assert command("verify", "report", folder).code == 0
    html = (folder / "report.html").as_uri()
    alerts: list[str] = []
    for width in (1280, 390):
        with browser(width) as chromium:
            chromium.on("dialog", lambda dialog: note(alerts, dialog))
            chromium.goto(html)
            text = chromium.locator("body").inner_text()
            assert "<script>alert(2)</script>" in text and "[U+202E]" in text
            links = chromium.evaluate("() => [...document.links].map(one => one.href)")
            assert not [one for one in links if one.startswith("javascript")]
            assert chromium.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert alerts == []
    assert json.loads((folder / "agreement.json").read_text())["answers"] == len(HOSTILE)


def note(alerts: list[str], dialog: Dialog) -> None:
    """Keep what a script says and close its window."""
    alerts.append(dialog.message)
    dialog.dismiss()


def review(comment: str) -> list[dict[str, Any]]:
    """Return a finished review with a comment."""
    choices = {"right": ["A"], "answerable": ["yes"], "wording": ["odd"], "picture": ["no"]}
    made: list[dict[str, Any]] = [
        {"from_name": name, "to_name": "question", "type": "choices", "value": {"choices": given}}
        for name, given in choices.items()
    ]
    made.append({"from_name": "comment", "to_name": "question", "type": "textarea",
                 "value": {"text": [comment]}})  # fmt: skip
    return made

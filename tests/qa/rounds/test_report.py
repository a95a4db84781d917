"""The report of a round is whole for any round, the same twice, and shows hostile text as text."""

import json
import re
from pathlib import Path

import pytest

from imagewikiqa.core.records import Reject
from imagewikiqa.qa.rounds.records import Kind
from imagewikiqa.qa.rounds.report import write_round_report
from imagewikiqa.qa.rounds.verdicts import RoundVotes, verdicts
from tests.qa.rounds.simulated import simulate, subject

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> [a](javascript:alert(1)) \u202egnp.exe "
    + "W" * 10_000
)


def read(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", ["article", "picture", "review"])
def test_every_kind_has_a_page_its_plots_and_its_figures(tmp_path: Path, kind: Kind) -> None:
    found = write_round_report(tmp_path, *simulate(count=20, kind=kind), [], ["A note."])
    assert json.loads((tmp_path / "agreement.json").read_text()) == found
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert f"{found['alpha']['alpha']:.3f}" in page
    assert "A note." in page
    assert ("Exactly one option is right" in page) == (kind == "review")
    assert ("I guessed" in page) == (kind == "picture")
    names = {"raters.svg", "enough.svg", "seconds.svg"}
    assert {path.name for path in (tmp_path / "plots").iterdir()} == names


def test_the_same_answers_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    subjects, answers = simulate(count=20)
    write_round_report(tmp_path / "one", subjects, answers, [])
    write_round_report(tmp_path / "two", subjects[::-1], answers[::-1], [])
    assert read(tmp_path / "one") == read(tmp_path / "two")


def test_hostile_text_stays_text_and_short(tmp_path: Path) -> None:
    subjects, answers = simulate(count=20)
    subjects[1] = subject(1, class_name=HOSTILE, question=HOSTILE)
    answers = [one.model_copy(update={"comment": HOSTILE}) for one in answers]
    reject = Reject(id="pull:x", stage="pull", input="x", reason=HOSTILE)
    write_round_report(tmp_path, subjects, answers, [reject])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<img|href=[\"']?javascript|\u202e", page)
    assert "&lt;script&gt;" in page
    assert "[U+202E]" in page
    assert "W" * 400 not in page
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)[<\[]", text.replace("![", ""))


def test_a_round_without_answers_has_a_page_that_says_so(tmp_path: Path) -> None:
    found = write_round_report(tmp_path, [subject(0)], [], [])
    assert found["answers"] == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "There is no answer yet" in page
    assert not (tmp_path / "plots").exists()


def test_rejects_are_counted_by_reason(tmp_path: Path) -> None:
    rejects = [
        Reject(id=f"pull:{n}", stage="pull", input=str(n), reason="unknown option")
        for n in range(7)
    ]
    write_round_report(tmp_path, *simulate(count=4), rejects)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.search(r"unknown option</td><td[^>]*>7<", page)


def test_the_page_lists_what_people_want_fixed_or_dropped(tmp_path: Path) -> None:
    subjects, answers = simulate(count=40)
    votes = RoundVotes(round="r", kind="article", overlap=3, subjects=subjects, answers=answers)
    said = verdicts([votes])
    found = write_round_report(tmp_path, subjects, answers, [], verdicts=said)
    wrong = [*found["verdicts"]["to_fix"], *found["verdicts"]["to_drop"]]
    assert wrong and sum(found["verdicts"]["counts"].values()) == 40
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    table = page.split("Questions to fix or drop")[1].split("</table>")[0]
    assert all(name in table for name in wrong)

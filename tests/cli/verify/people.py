"""Raters who are not there: what each would answer, and how it reaches the server."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.qa.label_studio.people import Account
from imagewikiqa.qa.rounds.plan import Round
from imagewikiqa.qa.rounds.tasks import NONE_RIGHT, POSITIONS
from tests.label_studio import Running

SKILL = {"anna": 95, "ben": 85, "carl": 70, "dora": 90}  # percent right
BROWSER = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def thought(rater: str, question: str, key: int, kind: str) -> int | str:
    """Return the option a rater means, as an index into the choices; or "none" or "skip"."""
    draw = keyed_int("rater", rater, question) % 100
    if draw < SKILL[rater]:
        return key
    if draw == 99:
        return "skip"
    if draw == 98 and kind == "article":
        return "none"
    return (key + 1 + draw % 3) % 4


def said(the_round: Round, task: str, meant: int | str) -> list[dict[str, Any]]:
    """Return what the server is sent: the position at which the option stands for this rater."""
    order = the_round.assignments[task].order
    value = NONE_RIGHT if meant == "none" else POSITIONS[order.index(int(meant))]
    return [{"from_name": "answer", "to_name": "question", "type": "choices",
             "value": {"choices": [value]}}]  # fmt: skip


def answer_by_program(
    running: Running, the_round: Round, rater: str, token: str, project: int, done: set[str]
) -> None:
    """Answer all of a rater's tasks over the API but those that are done."""
    from imagewikiqa.qa.label_studio.client import Server

    server = Server(running.url, token)
    client = running.client(token)
    keys = {one.id: one.question.answer for one in the_round.subjects}
    for row in list(server.tasks(project)):
        task = row["data"]["ext_id"]
        if task in done:
            continue
        question = the_round.assignments[task].question_id
        meant = thought(rater, question, keys[question], the_round.plan.kind)
        skipped = meant == "skip"
        client.annotations.create(
            id=row["id"], lead_time=2.0 + keyed_int(rater, task) % 50 / 10,
            was_cancelled=skipped, result=[] if skipped else said(the_round, task, meant),
        )  # fmt: skip
    server.close()


@contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[Page]:
    """Open a page in the system's Chromium, headless; skip where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("needs the browser that .ci/label_studio.sh installs")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=found, args=list(BROWSER))
        page = chromium.new_context(viewport={"width": width, "height": height}).new_page()
        page.set_default_timeout(30_000)
        yield page
        chromium.close()


def log_in(page: Page, link: str, account: Account) -> None:
    """Follow a rater's link through the login to the first task, and close the instructions."""
    page.goto(link)
    page.fill("input[name=email]", account.email)
    page.fill("input[name=password]", account.password)
    page.press("input[name=password]", "Enter")
    page.locator(".iwq-question").wait_for()
    page.get_by_text("Labeling Instructions").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Labeling Instructions").wait_for(state="hidden")


def answer_by_clicks(page: Page, choose: Callable[[str, Sequence[str]], str], count: int) -> None:
    """Answer tasks as a person does: read the question, click an option, submit."""
    for _ in range(count):
        asked = page.locator(".iwq-question").inner_text().strip()
        labels = page.locator(".iwq-answer .lsf-choice label")
        texts = [text.rpartition("[")[0].strip() for text in labels.all_inner_texts()]
        labels.nth(texts.index(choose(asked, texts))).click()
        page.get_by_role("button", name="Submit").first.click()
        page.wait_for_function(
            "before => document.querySelector('.iwq-question')?.innerText.trim() !== before",
            arg=asked,
        )

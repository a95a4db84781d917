"""`verify serve`: from a round folder to links that work, and back to answers, by one command."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagewikiqa.qa.label_studio.client import TOKEN, Server
from imagewikiqa.qa.label_studio.environment import Environment
from imagewikiqa.qa.label_studio.people import Account, access_token
from imagewikiqa.qa.rounds.plan import Round
from tests.cli.conftest import Command
from tests.cli.verify.people import answer_by_clicks, browser, log_in
from tests.cli.verify.runs import write_run
from tests.label_studio import Running
from tests.qa.rounds.made import page, question

pytestmark = pytest.mark.timeout(300)
LINES = re.compile(r"^(\w+)\n  (http\S+)\n  (\S+)   password (\S+)$", re.M)


def serve(folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start the command as a terminal would, with Ctrl-C heard."""
    start = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from imagewikiqa.cli.main import run; run(['verify', 'serve', sys.argv[1]])"
    )
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-c", start, str(folder)], stdout=stream, stderr=subprocess.STDOUT
        )


def raters(process: "subprocess.Popen[bytes]", log: Path) -> dict[str, tuple[str, Account]]:
    """Wait for the links and return link and account by rater."""
    end = time.monotonic() + 120
    while "Press Ctrl-C" not in log.read_text():
        assert process.poll() is None and time.monotonic() < end, log.read_text()
        time.sleep(0.2)
    return {name: (link, Account(email, password))
            for name, link, email, password in LINES.findall(log.read_text())}  # fmt: skip


def stop(process: "subprocess.Popen[bytes]") -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(60)


def test_a_round_is_served_answered_in_a_browser_and_brought_back(
    server_environment: Environment,
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TOKEN, "of.another.server")
    asked = [question(at, asked=f"What is {at}?") for at in range(4)]
    run = write_run(tmp_path / "run", asked, [page()], tmp_path / "pixels")
    folder = tmp_path / "round"
    assert command("verify", "prepare", run, "--out", folder, "--raters", "anna,ben",
                   "--overlap", 2, "--kind", "picture").code == 0  # fmt: skip
    log = tmp_path / "log"
    process = serve(folder, log)
    try:
        people = raters(process, log)
        assert set(people) == {"anna", "ben"}
        link, account = people["anna"]
        with browser() as chromium:
            log_in(chromium, link, account)
            box = chromium.locator(".iwq-image img").first
            box.wait_for()
            assert box.evaluate("image => image.naturalWidth") == 320  # it loaded, and is ours
            answer_by_clicks(chromium, lambda _, shown: "deer", 2)
        url = link.partition("/user")[0]
        early = command("verify", "pull", folder, "--json")  # while it runs, without a token
        assert early.summary["answered"] == 2, early.err
        assert command("verify", "doctor", folder).code == 0
        key = Server(url, access_token(url, account))
        secret = key.get("/data/local-files/?d=../subjects.jsonl")
        assert secret.status_code != 200
        key.close()
    finally:
        code = stop(process)
    assert code == 0, log.read_text()
    the_round = Round(folder)
    assert [(one.rater, one.pick) for one in the_round.answers] == [("anna", 0), ("anna", 0)]
    assert "2 of 4" in log.read_text()
    for name in ("admin.json", "raters.json"):
        assert stat.S_IMODE((folder / "server" / name).stat().st_mode) == 0o600
    password = people["anna"][1].password
    shown = [file for file in folder.rglob("*") if file.is_file() and file.name != "raters.json"]
    assert not any(password.encode() in file.read_bytes() for file in shown)


def test_after_a_pause_the_same_accounts_go_on(
    server_environment: Environment, tmp_path: Path, command: Command
) -> None:
    run = write_run(tmp_path / "run", [question(0)], [page()])
    folder = tmp_path / "round"
    command("verify", "prepare", run, "--out", folder, "--raters", "anna", "--overlap", 1)
    seen = []
    for turn in range(2):
        log = tmp_path / f"log-{turn}"
        process = serve(folder, log)
        seen.append(raters(process, log)["anna"][1])
        assert stop(process) == 0
    assert seen[0] == seen[1]


def test_without_the_server_installed_the_sentence_says_how(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEWIKIQA_CACHE", str(tmp_path / "cache"))
    run = write_run(tmp_path / "run", [question(0)], [page()])
    command("verify", "prepare", run, "--out", tmp_path / "r", "--raters", "1", "--overlap", 1)
    said = command("verify", "serve", tmp_path / "r")
    assert said.code == 2 and "verify serve --install" in said.err
    assert command("verify", "serve").code == 2


def test_the_doctor_looks_at_a_pushed_round(
    label_studio: Running, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, label_studio.token)
    run = write_run(tmp_path / "run", [question(at) for at in range(3)], [page()])
    folder = tmp_path / "round"
    command("verify", "prepare", run, "--out", folder, "--raters", "doc", "--overlap", 1)
    before = command("verify", "doctor", folder, "--url", label_studio.url)
    assert before.code == 0 and "not on this server yet" in before.out
    command("verify", "push", folder, "--url", label_studio.url)
    good = command("verify", "doctor", folder)
    assert good.code == 0 and "holds its 3 tasks" in good.out, good.err
    server = Server(label_studio.url, label_studio.token)
    project = next(one["id"] for one in server.projects() if "rater doc" in str(one["description"]))
    first, second, _ = list(server.tasks(project))
    server.delete_task(first["id"])
    label_studio.change(second["id"], {**second["data"], "question": "Changed?"})
    server.close()
    bad = command("verify", "doctor", folder)
    assert bad.code == 2
    assert "1 tasks are missing, 1 tasks were changed" in bad.out


@pytest.mark.parametrize("step", ["push", "pull", "doctor"])
def test_no_address_no_token_and_no_server_are_one_sentence_each(
    step: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    run = write_run(tmp_path / "run", [question(0)], [page()])
    folder = tmp_path / "round"
    command("verify", "prepare", run, "--out", folder, "--raters", "1", "--overlap", 1)
    assert "which server? Give --url" in command("verify", step, folder).err
    said = command("verify", step, folder, "--url", "127.0.0.1:9")
    assert said.code == 2 and "is no address" in said.err
    if step == "push":
        assert "no token" in command("verify", step, folder, "--url", "http://127.0.0.1:9").err
        monkeypatch.setenv(TOKEN, "x" * 40)
        said = command("verify", step, folder, "--url", "http://127.0.0.1:9")
        assert said.code == 2 and "no server answers" in said.err and "x" * 40 not in said.err
    assert os.environ.get(TOKEN, "") in ("", "x" * 40)

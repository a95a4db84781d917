"""`imagewikiqa verify serve`: a server for a laptop-sized round, from start to fetched answers."""

import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imagewikiqa.cli.output import show_lines
from imagewikiqa.cli.verify.access import SERVER, read_known
from imagewikiqa.cli.verify.pull import run_pull
from imagewikiqa.cli.verify.push import links, run_push
from imagewikiqa.core.cache import user_cache
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish
from imagewikiqa.core.progress import Progress
from imagewikiqa.qa.label_studio.environment import SIZE, Environment, environment, install
from imagewikiqa.qa.label_studio.people import (
    Account,
    access_token,
    invite_path,
    readable_password,
    sign_up,
)
from imagewikiqa.qa.label_studio.process import Running, running_server
from imagewikiqa.qa.rounds.plan import MEDIA, Round

RATERS = "raters.json"


def run_install() -> None:
    """Install the server's environment into the user's cache."""
    install(environment(user_cache()), lambda line: show_lines([line]))


def run_serve(folder: Path, port: int | None, progress: Progress) -> None:
    """Serve a round until interrupted, then bring the answers and stop."""
    the_round = Round(folder)
    place = environment(user_cache())
    if not place.installed:
        raise ToolkitError(
            f"Label Studio is not installed ({SIZE}, in an environment of its own): run "
            "imagewikiqa verify serve --install once, then this command again"
        )
    with _serving(place, folder, port) as server:
        token = access_token(server.url, Account(server.email, server.password))
        accounts = _accounts(the_round, server.url, token)
        root, below = media_of(folder)
        run_push(folder, server.url, f"local:{below}", str(root), progress,
                 token=token, quiet=True, own=True)  # fmt: skip
        _tell(the_round, server, accounts)
        _until_interrupted()
        show_lines(["", "Fetching the answers and stopping the server..."])
        run_pull(folder, server.url, [], progress)


def media_of(folder: Path) -> tuple[Path, str]:
    """Return the folder that a server may show files of, and where in it the pictures lie."""
    pictures = (folder / MEDIA).resolve()
    return pictures.parent, pictures.name


@contextmanager
def _serving(place: Environment, folder: Path, port: int | None) -> Iterator[Running]:
    data = folder / SERVER
    data.mkdir(mode=0o700, exist_ok=True)
    root, _ = media_of(folder)
    root.mkdir(exist_ok=True)
    with running_server(place, data.resolve(), port=port, media_root=root) as server:
        yield server


def _accounts(the_round: Round, url: str, token: str) -> Mapping[str, Account]:
    """Return each rater's account; those of an earlier start keep their passwords."""
    file = the_round.path / SERVER / RATERS
    known: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    invitation = invite_path(url, token)
    accounts = {}
    for rater in the_round.plan.raters:
        email = rater.email or f"{rater.name.lower()}@example.com"
        password = known.get(rater.name, {}).get("password") or readable_password()
        accounts[rater.name] = Account(email, password)
        known[rater.name] = {"email": email, "password": password}
        _keep(file, known)  # before the account exists: a killed start must not lose a password
        sign_up(url, invitation, accounts[rater.name])
    return accounts


def _keep(file: Path, known: Mapping[str, Any]) -> None:
    publish(file, [json.dumps(known, indent=2).encode()], mode=0o600)


def _tell(the_round: Round, server: Running, accounts: Mapping[str, Account]) -> None:
    known = read_known(the_round.path, server.url)
    where = links(server.url, known.projects if known else {})
    lines = [f"Serving {the_round.plan.kind} round {the_round.plan.round} at {server.url}, to this",
             "machine only. Give each rater these three lines and nothing else:"]  # fmt: skip
    for rater, account in accounts.items():
        lines += ["", f"{rater}", f"  {where[rater]}",
                  f"  {account.email}   password {account.password}"]  # fmt: skip
    lines += ["", "From another machine: ssh -L PORT:127.0.0.1:PORT, with the port of the link.",
              "Press Ctrl-C when all are done, or to pause: the same command goes on."]  # fmt: skip
    show_lines(lines)
    sys.stdout.flush()


def _until_interrupted() -> None:
    """Wait for Ctrl-C or a polite end of this process."""
    asked = threading.Event()
    before = {one: signal.signal(one, lambda *_: asked.set())
              for one in (signal.SIGINT, signal.SIGTERM)}  # fmt: skip
    try:
        while not asked.wait(0.5):
            pass
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)

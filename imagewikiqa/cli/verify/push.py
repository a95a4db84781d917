"""`imagewikiqa verify push`: every rater's project with exactly the tasks of the round."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from imagewikiqa.cli.output import show, show_lines
from imagewikiqa.cli.verify.access import Known, open_server, read_known, server_url, write_known
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.journal import open_journal
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.runs import held_run
from imagewikiqa.qa.label_studio.client import Server, UnsureError
from imagewikiqa.qa.label_studio.projects import Pushed, Pusher, Wanted
from imagewikiqa.qa.rounds.addresses import Pictures
from imagewikiqa.qa.rounds.label_config import INSTRUCTIONS
from imagewikiqa.qa.rounds.plan import CONFIG, MEDIA, Round
from imagewikiqa.qa.rounds.tasks import task_data

SETTLE = 60.0


def run_push(
    folder: Path,
    url: str | None,
    media: str | None,
    document_root: str | None,
    progress: Progress,
    *,
    token: str | None = None,
    settle: float = SETTLE,
    as_json: bool = False,
    quiet: bool = False,
    own: bool = False,
) -> dict[str, Any]:
    """Bring a round to a server and return what was done; cut anywhere, run it again."""
    the_round = Round(folder)
    where = server_url(folder, url)
    known = read_known(folder, where) or Known(url=where)
    known = known.model_copy(
        update={
            "media": media or known.media,
            "document_root": document_root or known.document_root,
            "own": own or known.own,
        }
    )
    pictures = Pictures(known.media, folder)
    if pictures.local and not known.document_root:
        raise ToolkitError(
            "--media local:FOLDER also needs --document-root: the folder on the server that "
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT names there"
        )
    try:
        with held_run(folder), open_server(where, folder, token) as server:
            done = _push_all(the_round, server, pictures, known, progress, settle)
    except UnsureError as error:
        raise ToolkitError(f"{where} did not finish: {error}; run the same push again") from error
    told = _told(the_round, where, done)
    if quiet:
        return told
    show(told if as_json else {**told, "links": "one for each rater, below"}, as_json)
    if not as_json:
        show_lines(f"{rater:<12}  {link}" for rater, link in told["links"].items())
    return told


def _push_all(
    the_round: Round,
    server: Server,
    pictures: Pictures,
    known: Known,
    progress: Progress,
    settle: float,
) -> dict[str, Pushed]:
    """Push rater by rater; keep each project's id as soon as it is known."""
    names = {one.media for one in the_round.subjects if one.media}
    if names and pictures.on_the_web:
        origin = {"Origin": server.url}
        pictures.check(names, lambda url: httpx.get(url, headers=origin), server.url)
    checked: set[str] = set()

    def ready(project: int) -> None:
        """Let a project show the pictures of the server's own folder, and load each once."""
        if names and pictures.local:
            root = f"{(known.document_root or '').rstrip('/')}/{pictures.local}"
            if root not in server.local_storages(project):
                _show_folder(server, project, root, the_round)
            pictures.check(names - checked, server.get, server.url)
            checked.update(names)

    journal = open_journal(the_round.path / "work" / "push.journal")
    pusher = Pusher(server, journal, settle=settle, progress=progress)
    done: dict[str, Pushed] = {}
    try:
        for rater in the_round.plan.names:
            wanted = wanted_project(the_round, rater, pictures)
            progress.begin(f"push {rater}", len(wanted.keys), 0)
            done[rater] = pusher.push(wanted, known.projects.get(rater), ready)
            progress.end()
            known = known.model_copy(
                update={"projects": {**known.projects, rater: done[rater].project}}
            )
            write_known(the_round.path, known)
    finally:
        journal.close()
    return done


def _show_folder(server: Server, project: int, root: str, the_round: Round) -> None:
    try:
        server.add_local_storage(project, root)
    except ToolkitError as error:
        raise ToolkitError(
            f"the server cannot show the folder {root}: copy {the_round.path / MEDIA} there and "
            f"start it with local file serving on ({error})"
        ) from error


def wanted_project(the_round: Round, rater: str, pictures: Pictures) -> Wanted:
    """Return the project of one rater as it should be on a server."""
    plan = the_round.plan
    tasks = {task.id: task for task in the_round.tasks(rater)}
    return Wanted(
        marker=f"imagewikiqa round {plan.round} rater {rater}",
        title=f"{rater}: {plan.kind} round {plan.round[:6]}",
        # The server keeps a page without the white space around it.
        label_config=(the_round.path / CONFIG).read_text(encoding="utf-8").strip(),
        instructions=INSTRUCTIONS[plan.kind],
        keys=tuple(tasks),
        row_of=lambda key: task_data(tasks[key], pictures.address(tasks[key])),
    )


def links(where: str, projects: dict[str, int]) -> dict[str, str]:
    """Return the link that takes each rater straight to the next open task."""
    return {
        rater: f"{where}/user/login/?next={quote(f'/projects/{project}/data?labeling=1')}"
        for rater, project in projects.items()
    }


def _told(the_round: Round, where: str, done: dict[str, Pushed]) -> dict[str, Any]:
    """Return the figures of a push, and what a person should look at."""
    told: dict[str, Any] = {
        "round": the_round.plan.round,
        "server": where,
        "tasks": sum(one.imported + one.there for one in done.values()),
        "imported": sum(one.imported for one in done.values()),
        "there_already": sum(one.there for one in done.values()),
        "second_copies_removed": sum(one.removed for one in done.values()),
        "changed_there_and_imported_anew": sum(one.replaced for one in done.values()),
        "changed_there_and_answered": sum(len(one.changed) for one in done.values()),
        "tasks_not_ours": sum(one.foreign for one in done.values()),
        "links": links(where, {rater: one.project for rater, one in done.items()}),
    }
    return told

"""`imagewikiqa verify pull`: what raters answered so far, joined and checked."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imagewikiqa.cli.output import show
from imagewikiqa.cli.verify.access import Known, open_server, read_known, server_url
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import Reject
from imagewikiqa.core.runs import held_run
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.label_studio.client import Server, UnsureError
from imagewikiqa.qa.rounds.addresses import Pictures
from imagewikiqa.qa.rounds.answers import Asked, Pulled, read_answers
from imagewikiqa.qa.rounds.plan import ANSWERS, Round
from imagewikiqa.qa.rounds.records import Answer, Task

REJECTS = "rejects.jsonl"


def run_pull(
    folder: Path,
    url: str | None,
    files: Iterable[Path],
    progress: Progress,
    *,
    token: str | None = None,
    replace: bool = False,
    as_json: bool = False,
) -> dict[str, Any]:
    """Write answers.jsonl and rejects.jsonl from the server, or from exports of it."""
    the_round = Round(folder)
    exports = list(files)
    with held_run(folder):
        if exports:
            found = _from_files(the_round, exports, read_known(folder))
        else:
            found = _from_server(the_round, server_url(folder, url), token, progress)
        told = _publish(the_round, found, replace)
    show(told, as_json)
    return told


def _from_server(
    the_round: Round, where: str, token: str | None, progress: Progress
) -> dict[str, Pulled]:
    known = read_known(the_round.path, where)
    if known is None:
        raise ToolkitError(
            f"{the_round.path} was not pushed to {where}: run imagewikiqa verify push first"
        )
    found = {}
    try:
        with open_server(where, the_round.path, token) as server:
            accounts = server.users() if any(r.email for r in the_round.plan.raters) else {}
            for rater in the_round.plan.raters:
                asked = _asked(the_round, rater.name, known, _account(rater.email, accounts))
                progress.begin(f"pull {rater.name}", len(asked.tasks), 0)
                rows = _watched(_project_rows(server, rater.name, known), progress)
                found[rater.name] = read_answers(rows, asked)
                progress.end()
    except UnsureError as error:
        raise ToolkitError(f"{where} did not finish: {error}; run the same pull again") from error
    return found


def _project_rows(server: Server, rater: str, known: Known) -> Iterable[Mapping[str, Any]]:
    project = known.projects.get(rater)
    if project is None or server.project(project) is None:
        raise ToolkitError(
            f"{known.url} has no project for {rater}: run imagewikiqa verify push again"
        )
    return server.tasks(project, annotations=True)


def _watched(rows: Iterable[Mapping[str, Any]], progress: Progress) -> Iterable[Mapping[str, Any]]:
    for row in rows:
        yield row
        progress.advance(1)


def _account(email: str | None, accounts: Mapping[str, int]) -> int | None:
    """Return the account of an address; 0, which nobody has, for one not on the server."""
    return None if email is None else accounts.get(email.lower(), 0)


def _asked(the_round: Round, rater: str, known: Known | None, account: int | None) -> Asked:
    pictures = Pictures(known.media if known else "embed", the_round.path)
    tasks = {task.id: task for task in the_round.tasks(rater)}

    def image_of(task: Task) -> str | None:
        return pictures.address(task)

    return Asked(
        plan=the_round.plan,
        rater=rater,
        tasks=tasks,
        assignments=the_round.assignments,
        image_of=image_of,
        account=account,
    )


def _from_files(the_round: Round, files: Iterable[Path], known: Known | None) -> dict[str, Pulled]:
    """Read JSON exports; every task goes to the rater whom it was made for."""
    rows = [row for file in files for row in _export(file)]
    found = {}
    for rater in the_round.plan.names:
        asked = _asked(the_round, rater, known, None)
        mine = [row for row in rows if _ext_id(row) in asked.tasks]
        found[rater] = read_answers(mine, asked)
    owned = {key for rater in the_round.plan.names for key in _keys(the_round, rater)}
    strangers = [row for row in rows if _ext_id(row) not in owned]
    if strangers:
        first = the_round.plan.names[0]
        found[first].rejects += read_answers(
            strangers, _asked(the_round, first, known, None)
        ).rejects
    return found


def _keys(the_round: Round, rater: str) -> set[str]:
    return {task.id for task in the_round.tasks(rater)}


def _export(file: Path) -> list[Mapping[str, Any]]:
    if not file.is_file():
        raise ToolkitError(f"there is no export {file}: check the path given to --export")
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ToolkitError(f"{file} is not JSON: export the project as JSON") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ToolkitError(f"{file} holds no list of tasks: export the project as JSON, not CSV")
    if rows and all("data" not in row for row in rows):
        raise ToolkitError(f"{file} is a short export (JSON-MIN): export as JSON, which has all")
    return rows


def _ext_id(row: Mapping[str, Any]) -> str:
    data = row.get("data")
    return str(data.get("ext_id")) if isinstance(data, Mapping) else ""


def _publish(the_round: Round, found: Mapping[str, Pulled], replace: bool) -> dict[str, Any]:
    """Write the tables, unless answers of an earlier pull would be lost; return the figures."""
    answers = [one for pulled in found.values() for one in pulled.answers]
    rejects = [one for pulled in found.values() for one in pulled.rejects]
    if gone := _gone(the_round, answers):
        if not replace:
            raise ToolkitError(
                f"{len(gone):,} answers of an earlier pull are not there now (the first is "
                f"{gone[0]}): find out why, or give --replace to go on without them"
            )
    write_table(the_round.path / ANSWERS, answers)
    write_table(the_round.path / REJECTS, _numbered(rejects))
    return _told(the_round, found, answers, rejects)


def _gone(the_round: Round, answers: Iterable[Answer]) -> list[str]:
    if not (the_round.path / ANSWERS).is_file():
        return []
    now = {one.id for one in answers}
    return [one.id for one in read_table(the_round.path / ANSWERS, Answer) if one.id not in now]


def _numbered(rejects: Iterable[Reject]) -> list[Reject]:
    """Return rejects with ids of their own: one annotation may be refused twice."""
    seen: Counter[str] = Counter()
    rows = []
    for one in rejects:
        seen[one.id] += 1
        again = f"#{seen[one.id]}" if seen[one.id] > 1 else ""
        rows.append(one.model_copy(update={"id": f"{one.id}{again}"}))
    return rows


def _told(
    the_round: Round,
    found: Mapping[str, Pulled],
    answers: list[Answer],
    rejects: list[Reject],
) -> dict[str, Any]:
    several = [name for name, pulled in found.items() if len(pulled.accounts) > 1]
    asked = len(the_round.assignments)
    told: dict[str, Any] = {
        "round": the_round.plan.round,
        "tasks": asked,
        "answered": len(answers),
        "open": asked - len(answers),
        "skipped": sum(one.state == "skipped" for one in answers),
        "answered_by_rater": {
            name: f"{len(pulled.answers)} of {len(_keys(the_round, name))}"
            for name, pulled in found.items()
        },
        "rejects": dict(Counter(one.reason for one in rejects)),
    }
    if several:
        told["answered_by_several_accounts"] = ", ".join(several)
    lost = sum(len(_keys(the_round, name) - pulled.seen) for name, pulled in found.items())
    if lost:
        told["tasks_not_found"] = f"{lost} (run verify push again)"
    told["next"] = f"imagewikiqa verify report {the_round.path}"
    return told

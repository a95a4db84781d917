"""`imagewikiqa verify doctor`: a server, and the round on it, looked at before people work."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import httpx

from imagewikiqa.cli.output import show, show_lines
from imagewikiqa.cli.verify.access import Known, find_token, open_server, read_known, server_url
from imagewikiqa.cli.verify.push import wanted_project
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.label_studio.client import Server, UnsureError
from imagewikiqa.qa.label_studio.doctor import Finding, examine
from imagewikiqa.qa.label_studio.projects import look
from imagewikiqa.qa.rounds.addresses import Pictures
from imagewikiqa.qa.rounds.plan import Round

MARKS = {"good": "ok ", "doubtful": "?  ", "bad": "BAD"}


def run_doctor(folder: Path | None, url: str | None, *, as_json: bool = False) -> None:
    """Print every finding. Raises ToolkitError in the end when one is bad."""
    where = server_url(folder, url)
    token = find_token(where, folder)
    found = list(examine(where, token))
    if folder is not None and token and all(one.level != "bad" for one in found):
        found += _round(Round(folder), where, token)
    bad = sum(one.level == "bad" for one in found)
    if as_json:
        show({"server": where, "bad": bad, "findings": [asdict(one) for one in found]}, True)
    else:
        show_lines(f"{MARKS[one.level]}  {one.what} {one.advice}".rstrip() for one in found)
    if bad:
        raise ToolkitError(f"{bad} of {len(found)} findings about {where} are bad: see above")


def _round(the_round: Round, where: str, token: str) -> Iterator[Finding]:
    """Yield what is found about a pushed round: its tasks, its page, its pictures."""
    known = read_known(the_round.path, where)
    if known is None:
        yield Finding("doubtful", "The round is not on this server yet.", "Run verify push.")
        return
    try:
        with open_server(where, the_round.path, token) as server:
            for rater in the_round.plan.names:
                yield _project(server, the_round, rater, known)
            yield _pictures(server, the_round, known)
    except UnsureError as error:
        yield Finding("bad", f"The server did not finish: {error}.", "Run doctor again.")


def _project(server: Server, the_round: Round, rater: str, known: Known) -> Finding:
    wanted = wanted_project(the_round, rater, Pictures(known.media, the_round.path))
    project = known.projects.get(rater)
    there = server.project(project) if project is not None else None
    if project is None or there is None:
        return Finding("bad", f"{rater} has no project.", "Run verify push again.")
    seen = look(server.tasks(project), wanted)
    wrong = [f"{count} {what}" for what, count in seen.items() if count]
    if there.get("label_config") != wanted.label_config:
        wrong.append("the page was changed")
    if wrong:
        return Finding("bad", f"{rater}'s project {project}: {', '.join(wrong)}.",
                       "Run verify push again; what was answered is never deleted.")  # fmt: skip
    return Finding("good", f"{rater}'s project {project} holds its {len(wanted.keys)} tasks.")


def _pictures(server: Server, the_round: Round, known: Known) -> Finding:
    names = {one.media for one in the_round.subjects if one.media}
    pictures = Pictures(known.media, the_round.path)
    if not names or known.media == "embed":
        return Finding("good", "No picture has to be loaded from elsewhere.")
    origin = {"Origin": server.url}
    try:
        pictures.check(
            names,
            server.get if pictures.local else lambda url: httpx.get(url, headers=origin),
            server.url,
        )
    except ToolkitError as error:
        return Finding("bad", f"{error}.", "Raters would see an empty frame.")
    return Finding("good", f"All {len(names)} pictures load.")

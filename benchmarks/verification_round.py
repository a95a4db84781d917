"""A round through a real Label Studio server: time and memory to push, push again and pull.

The other side is the same tasks through label-studio-sdk as its documentation shows: one call
imports a project, one exports it. It neither reads its tasks nor checks anything, and doing it
twice doubles every task.
"""

import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks._report import Result, parser
from imagewikiqa.core.cache import user_cache
from imagewikiqa.core.progress import Silent
from imagewikiqa.core.records import (
    Authorship,
    Evidence,
    Item,
    Page,
    Question,
    Section,
)
from imagewikiqa.core.runs import finish_run, open_run
from imagewikiqa.core.tables import write_table
from imagewikiqa.qa.label_studio.environment import environment
from imagewikiqa.qa.label_studio.people import Account, access_token
from imagewikiqa.qa.label_studio.process import running_server

RATERS, OVERLAP = 4, 3
LEAD = "The tiger is a large cat. It eats deer and wild boar."
BODY = "Tigers live in many parts of Asia, in forests, on grass and near water. " * 150  # 11 KB


def question(at: int) -> Question:
    """Return one of many questions about the same article."""
    return Question(
        id=f"q-{at}", class_id=f"n{at % 400}", class_name="tiger",
        question=f"What does this object eat, number {at}?", question_named="What does it eat?",
        choices=("deer", "grass", "fish", "stones"), answer=at % 4,
        evidence=Evidence(page="en:1@2", page_id=1, revision_id=2, url="https://example.org",
                          quote=LEAD, start=0, end=len(LEAD)),
        author=Authorship(name="corpus", model="none", prompt="forms@0", seed=0),
        checks={}, judge=None, choice_class_ids=(None, None, None, None),
    )  # fmt: skip


def write_run(out: Path, count: int) -> None:
    """Write a finished run of so many questions."""
    text = f"{LEAD}\n\n{BODY}"
    page = Page(
        id="en:1@2", class_ids=("n0",), title="Tiger", page_id=1, revision_id=2,
        revision_timestamp=None, url="https://example.org", license="CC-BY-SA-4.0", text=text,
        sections=(Section(path=(), start=0, end=len(LEAD)),
                  Section(path=("Range",), start=len(LEAD), end=len(text))),
        facts={}, source="made", sha256="0" * 64,
    )  # fmt: skip
    questions = [question(at) for at in range(count)]
    with open_run(out, {"command": "rebuild"}, {}, {"images": "none"}) as run:
        write_table(out / "questions.jsonl", questions)
        write_table(out / "pages.jsonl", [page])
        write_table(out / "items.jsonl", [
            Item(item_id=f"{q.id}-0", question_id=q.id, class_id=q.class_id, image=None,
                 question=q.question, choices=q.choices, answer=q.answer,
                 letter="ABCD"[q.answer])
            for q in questions
        ])  # fmt: skip
        finish_run(run, {}, [out / f"{n}.jsonl" for n in ("questions", "pages", "items")])


def alone(step: Callable[..., Any], *arguments: Any) -> tuple[float, float]:
    """Run a step in a process of its own; return its seconds and its peak memory in MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (step, *arguments))


def measured(step: Callable[..., Any], *arguments: Any) -> tuple[float, float]:
    """Return seconds and peak memory of a step in this process."""
    began = time.perf_counter()
    step(*arguments)
    seconds = time.perf_counter() - began
    # Not getrusage: its peak is inherited from the process that started this one.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return seconds, peak / 1024


def push(folder: Path, url: str, token: str) -> None:
    """Push a round."""
    from imagewikiqa.cli.verify.push import run_push

    run_push(folder, url, None, None, Silent(), token=token, quiet=True)


def pull(folder: Path, url: str, token: str) -> None:
    """Pull a round."""
    from imagewikiqa.cli.verify.pull import run_pull

    sys.stdout = Path(os.devnull).open("w")
    run_pull(folder, url, [], Silent(), token=token, as_json=True)


def plain_push(folder: Path, url: str, token: str) -> None:
    """Import every rater's tasks in one call each, as the package's documentation does."""
    from label_studio_sdk import LabelStudio

    from imagewikiqa.qa.rounds.plan import CONFIG, Round
    from imagewikiqa.qa.rounds.tasks import task_data

    client = LabelStudio(base_url=url, api_key=token, timeout=600)  # type: ignore[no-untyped-call]
    the_round = Round(folder)
    for rater in the_round.plan.names:
        config = (folder / CONFIG).read_text(encoding="utf-8")
        project = client.projects.create(title=f"plain {rater}", label_config=config)
        rows: Any = [{"data": task_data(task, None)} for task in the_round.tasks(rater)]
        client.projects.import_tasks(id=int(project.id or 0), request=rows)


def plain_pull(folder: Path, url: str, token: str) -> None:
    """Export every project of ours in one call each."""
    from label_studio_sdk import LabelStudio

    from imagewikiqa.cli.verify.access import read_known

    client = LabelStudio(base_url=url, api_key=token, timeout=600)  # type: ignore[no-untyped-call]
    known = read_known(folder)
    for project in (known.projects if known else {}).values():
        client.projects.exports.as_json(project)


def answer(folder: Path, url: str, token: str, share: int) -> int:
    """Answer every `share`-th task over the API; return how many."""
    from label_studio_sdk import LabelStudio

    from imagewikiqa.cli.verify.access import read_known
    from imagewikiqa.qa.label_studio.client import Server

    client = LabelStudio(base_url=url, api_key=token)  # type: ignore[no-untyped-call]
    server, known, given = Server(url, token), read_known(folder), 0
    result: list[dict[str, Any]] = [{"from_name": "answer", "to_name": "question",
                                     "type": "choices", "value": {"choices": ["A"]}}]  # fmt: skip
    for project in (known.projects if known else {}).values():
        for row in list(server.tasks(project))[::share]:
            client.annotations.create(id=row["id"], result=result, lead_time=3.0)
            given += 1
    server.close()
    return given


def main() -> int:
    """Print time and memory of every step, ours and the package's."""
    options = parser()
    options.add_argument("--tasks", type=int, default=600, help="5000 for the full form")
    options.add_argument("--answer-every", type=int, default=5)
    asked = options.parse_args()
    place = environment(user_cache())
    if not place.installed:
        said = "it needs the server: run imagewikiqa verify serve --install"
        sys.stdout.write(json.dumps({"name": "verification_round", "not_run": said}) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows, given = _measure(folder, asked.tasks, asked.answer_every)
    return _show(rows, given, asked.tasks, asked.json)


def _measure(folder: Path, tasks: int, share: int) -> tuple[dict[str, tuple[float, float]], int]:
    from imagewikiqa.cli.verify.prepare import PrepareConfig, run_prepare

    write_run(folder / "run", -(-tasks // OVERLAP))
    settings = PrepareConfig(run=str(folder / "run"), raters=str(RATERS), overlap=OVERLAP)
    said, sys.stdout = sys.stdout, Path(os.devnull).open("w")
    run_prepare(settings, folder / "round", Silent())
    sys.stdout = said
    with running_server(place := environment(user_cache()), folder / "data") as server:
        assert place.installed
        token = access_token(server.url, Account(server.email, server.password))
        where = (folder / "round", server.url, token)
        rows = {"push": alone(push, *where), "push again": alone(push, *where)}
        given = answer(*where, share)
        rows |= {"pull": alone(pull, *where), "plain pull": alone(plain_pull, *where)}
        rows["plain push"] = alone(plain_push, *where)
    return rows, given


def _show(rows: dict[str, tuple[float, float]], given: int, tasks: int, as_json: bool) -> int:
    seconds = {name: round(one[0], 2) for name, one in rows.items()}
    if as_json:
        result = Result(
            name="verification_round", unit="tasks pushed a second",
            ours=round(tasks / seconds["push"], 1),
            others={"plain sdk": round(tasks / seconds["plain push"], 1)},
            exact={"answers": given, **{f"{n} s": s for n, s in seconds.items()},
                   **{f"{n} MB": round(one[1]) for n, one in rows.items()}},
        )  # fmt: skip
        sys.stdout.write(json.dumps({**asdict(result), "ratios": result.ratios}) + "\n")
        return 0
    sys.stdout.write(
        f"{tasks:,} tasks, {given:,} answered\n\n| step | seconds | peak MB |\n|---|---|---|\n"
    )
    for name, (time_taken, peak) in rows.items():
        sys.stdout.write(f"| {name} | {time_taken:.1f} | {peak:.0f} |\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

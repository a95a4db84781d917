"""A pipeline of two stages that is whole in a moment: what the kill harness is tried on."""

import argparse
import time
from pathlib import Path

from imagewikiqa.core.digests import digest
from imagewikiqa.core.records import Record, Reject
from imagewikiqa.core.runs import finish_run, open_run
from imagewikiqa.core.stages import Outcome, RecordError, Stage, run_stage
from imagewikiqa.core.tables import read_table, write_table

DATA = ("doubled.jsonl", "shouted.jsonl", "rejects.jsonl")


class Word(Record):
    """A word with the time its work takes, in seconds."""

    text: str
    takes: float = 0.0


async def double(word: Word) -> Outcome[Word]:
    """Return the word twice, or a reject for every seventh."""
    time.sleep(word.takes)
    if int(word.id) % 7 == 3:
        raise RecordError("unlucky", word.text)
    return Outcome(rows=(word.model_copy(update={"text": word.text * 2}),))


async def shout(word: Word) -> Outcome[Word]:
    """Return the word in capitals."""
    time.sleep(word.takes)
    return Outcome(rows=(word.model_copy(update={"text": word.text.upper()}),))


def main() -> None:
    """Make a run folder of --inputs words with --workers processes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--inputs", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--takes", type=float, default=0.0)
    options = parser.parse_args()
    words = [
        Word(id=str(n), text=f"naïve {n} ", takes=options.takes) for n in range(options.inputs)
    ]
    settings = {"out": str(options.out), "workers": options.workers}
    with open_run(options.out, settings, {"words": digest([w.id for w in words])}, settings) as run:
        work, out = run.work, run.path
        first = Stage(name="double", version=1, settings="", step=double, row=Word, processes=True)
        run_stage(first, words, work=work, table=out / DATA[0], workers=options.workers)
        doubled = list(read_table(out / DATA[0], Word))
        second = Stage(name="shout", version=1, settings="", step=shout, row=Word, processes=True)
        run_stage(second, doubled, work=work, table=out / DATA[1], workers=options.workers)
        names = ("double", "shout")
        tables = [read_table(work / f"{name}.rejects.jsonl", Reject) for name in names]
        write_table(out / DATA[2], (reject for table in tables for reject in table))
        finish_run(run, {}, [out / name for name in DATA])


if __name__ == "__main__":
    main()

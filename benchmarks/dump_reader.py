"""Reading a MediaWiki dump: `builders.dump` against mwxml, gensim and a whole-tree parse.

Three things in one run: MB/s (of XML) and pages/s of the whole file, plain and multistream bz2;
1,000 titles by the index against reading all; peak memory as the file grows. `--full` is what
`results/dump_reader.md` holds; without it the sizes are small.
"""

import argparse
import bz2
import json
import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from benchmarks._dumps import PER_STREAM, write_multistream, write_plain
from benchmarks._report import Result, measure, show
from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.dump_index import locate
from imagewikiqa.builders.multistream import find_pages

NAMESPACE = "{http://www.mediawiki.org/xml/export-0.11/}"
WORKERS = 2
Reader = Callable[[Path], tuple[int, int]]


def opened(path: Path) -> IO[bytes]:
    """Open a dump as the peers are given it."""
    return bz2.open(path) if path.suffix == ".bz2" else path.open("rb")


def ours(path: Path, workers: int = 1) -> tuple[int, int]:
    """Return pages and characters of title and text, by our reader."""
    pages = characters = 0
    for page in read_dump(path, workers=workers):
        pages += 1
        characters += len(page.title) + len(page.wikitext)
    return pages, characters


def mwxml(path: Path) -> tuple[int, int]:
    """Return the same by mwxml."""
    from mwxml import Dump

    pages = characters = 0
    with opened(path) as stream:
        for page in Dump.from_file(stream).pages:
            pages += 1
            characters += len(page.title) + sum(len(revision.text) for revision in page)
    return pages, characters


def gensim(path: Path) -> tuple[int, int]:
    """Return the same by the reader behind gensim's WikiCorpus."""
    from gensim.corpora.wikicorpus import extract_pages

    pages = characters = 0
    with opened(path) as stream:
        for title, text, _ in extract_pages(stream):
            pages += 1
            characters += len(title) + len(text)
    return pages, characters


def whole_tree(path: Path) -> tuple[int, int]:
    """Return the same by parsing the whole file into memory, as short scripts do."""
    pages = characters = 0
    with opened(path) as stream:
        for page in ElementTree.parse(stream).getroot().iter(f"{NAMESPACE}page"):
            pages += 1
            characters += len(page.findtext(f"{NAMESPACE}title") or "")
            characters += len(page.findtext(f"{NAMESPACE}revision/{NAMESPACE}text") or "")
    return pages, characters


READERS: dict[str, Reader] = {
    "ours": ours,
    "ours, 2 workers": partial(ours, workers=WORKERS),
    "mwxml": mwxml,
    "gensim": gensim,
    "whole tree": whole_tree,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to measure with."""

    as_json: bool
    rounds: int
    megabytes: int  # of XML, for the rates
    sizes: tuple[int, ...]  # megabytes of XML, for memory; titles are sought in the largest
    titles: int


def best(
    contenders: dict[str, Reader], path: Path, megabytes: float, rounds: int
) -> dict[str, float]:
    """Return each reader's rate in its best of some rounds in which they take turns.

    The median would tell of the machine: a reader of two processes waits for both its cores.
    """
    seconds = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, reader in contenders.items():
            began = time.perf_counter()
            reader(path)
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return {name: round(megabytes / taken, 3) for name, taken in seconds.items()}


def whole(folder: Path, options: Options) -> tuple[Result, dict[str, Any]]:
    """Measure reading all of a plain and of a multistream dump."""
    plain = folder / "plain.xml"
    pages = write_plain(plain, options.megabytes)
    packed, _ = write_multistream(folder, options.megabytes)
    megabytes = plain.stat().st_size / 1e6
    one = {name: READERS[name] for name in ("ours", "mwxml", "gensim", "whole tree")}
    many = {name: READERS[name] for name in ("ours, 2 workers", "ours", "mwxml", "gensim")}
    read = ours(plain)
    different = sum(reader(plain) != read for reader in one.values())
    different += sum(reader(packed) != read for reader in many.values())
    rates = measure({n: partial(r, plain) for n, r in one.items()}, megabytes, options.rounds)
    streams = best(many, packed, megabytes, options.rounds)
    first = streams.pop("ours, 2 workers")
    more = {
        "pages_per_s": {name: round(rate * pages / megabytes) for name, rate in rates.items()},
        "multistream": {
            "unit": "MB/s of XML, bz2, best round",
            "ours": first,
            "others": streams,
            "ratios": {name: round(first / rate, 3) for name, rate in streams.items()},
        },
    }
    result = Result(
        name="dump_reader",
        unit="MB/s of plain XML",
        ours=rates.pop("ours"),
        others=rates,
        exact={"max_abs_diff": float(different)},
    )
    return result, more


def titles_apart(dump: Path, titles: list[str], options: Options) -> dict[str, Any]:
    """Measure finding titles by the index against reading the whole dump."""
    files = locate(dump)
    if files.index is None:
        raise RuntimeError("the dump was written without its index")
    wanted = frozenset(titles[:: max(1, len(titles) // options.titles)][: options.titles])
    seconds: dict[str, list[float]] = {"index, 2 workers": [], "index": [], "whole": []}
    for _ in range(2):
        for name, times in seconds.items():
            began = time.perf_counter()
            if name == "whole":
                found = [page for page in read_dump(dump) if page.title in wanted]
            else:
                workers = WORKERS if "workers" in name else 1
                found = [*find_pages(dump, files.index, wanted, workers=workers).pages]
            times.append(time.perf_counter() - began)
            if {page.title for page in found} != wanted:
                raise RuntimeError(f"{name} did not find the titles")
    least = {name: round(min(times), 3) for name, times in seconds.items()}
    streams = {at // PER_STREAM for at, title in enumerate(titles) if title in wanted}
    return {
        "titles": len(wanted),
        "streams_read": len(streams),
        "streams": -(-len(titles) // PER_STREAM),
        "seconds": least,
        "ratio": round(least["whole"] / least["index, 2 workers"], 2),
    }


def peak(reader: str, path: Path) -> float:
    """Return the peak memory (MB) of a fresh process that reads a file, or of its largest child."""
    command = [sys.executable, "-m", "benchmarks.dump_reader", "--peak", reader, str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak_here(reader: str, path: Path) -> float:
    """Read a file and return this process's peak memory (MB), or its largest child's.

    A new process inherits the peak that getrusage tells from the one that started it; the kernel's
    own line for this process (Linux) does not.
    """
    READERS[reader](path)
    lines = Path("/proc/self/status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1e3


def growing(folder: Path, options: Options) -> dict[str, Any]:
    """Measure peak memory (MB) as the dump grows, and the search for titles in the largest."""
    rows: list[dict[str, float]] = []
    found: dict[str, Any] = {}
    for size in options.sizes:
        plain = folder / "plain.xml"
        write_plain(plain, size)
        packed, titles = write_multistream(folder, size)
        row = {"megabytes": float(size)}
        row |= {f"{name}, plain": peak(name, plain) for name in ("ours", "gensim", "mwxml")}
        row |= {f"{name}, bz2": peak(name, packed) for name in ("ours", "ours, 2 workers")}
        rows.append(row)
        if size == options.sizes[-1]:
            found = titles_apart(packed, titles, options)
    return {"random_access": found, "peak_memory_mb": rows}


def parsed() -> Options | None:
    """Return the options; None when this process was asked for a peak, which it prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--full", action="store_true", help="memory up to 1 GB; takes ten minutes")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--megabytes", type=int, help="size of the input of the rates")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peak:
        sys.stdout.write(f"{peak_here(given.peak[0], Path(given.peak[1])):.1f}\n")
        return None
    return Options(
        as_json=given.json,
        rounds=given.rounds or (7 if given.full else 3),
        megabytes=given.megabytes or (60 if given.full else 10),
        sizes=(10, 100, 1000) if given.full else (5, 20),
        titles=1000 if given.full else 10,
    )


def table(rows: list[dict[str, float]]) -> str:
    """Return rows of one shape as aligned text."""
    heads = list(rows[0])
    lines = ["  ".join(heads)]
    lines += ["  ".join(f"{row[head]:>{len(head)}.0f}" for head in heads) for row in rows]
    return "\n".join(f"  {line}" for line in lines)


def main() -> int:
    """Measure in turns; return 1 when the readers disagree."""
    options = parsed()
    if options is None:
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result, more = whole(folder, options)
        more |= growing(folder, options)
    if options.as_json:
        found = {**asdict(result), "ratios": result.ratios, **more}
        sys.stdout.write(json.dumps(found) + "\n")
        return int(result.exact["max_abs_diff"] > 0)
    show(result, False)
    for key in ("pages_per_s", "multistream", "random_access"):
        sys.stdout.write(f"{key}: {json.dumps(more[key])}\n")
    sys.stdout.write(f"peak memory, MB:\n{table(more['peak_memory_mb'])}\n")
    return int(result.exact["max_abs_diff"] > 0)


if __name__ == "__main__":
    sys.exit(main())

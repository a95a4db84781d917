"""Clean text against plain extracts of the same wikitext: ours, gensim's and strip_code's.

The yardstick is what MediaWiki's own TextExtracts makes of the page, on this machine. No time is
measured. `--data` is the folder that holds wiki_xml, wikitext_pages and wiki_plaintext.
"""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import mean

import mwparserfromhell

from benchmarks._extracts import extracts, installed
from benchmarks._overlap import Overlap, compare
from benchmarks._parsoid import read_parsoid
from benchmarks._report import DATA, needs
from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.builders.sample import read_sample
from imagewikiqa.builders.wikitext import clean

LEAST = 30  # words of an extract; redirects and stubs say nothing
Scores = dict[str, dict[str, Overlap]]  # page, then contender


def ours(wikitext: str) -> str:
    """Return our text without the block of box fields, which no extract has."""
    cleaned = clean(wikitext)
    bodies = [part for part in cleaned.sections if part.path == ("Infobox",)]
    end = cleaned.text.rfind("Infobox", 0, bodies[0].start) if bodies else len(cleaned.text)
    return cleaned.text[:end]


def strip_code(wikitext: str) -> str:
    """Return what mwparserfromhell makes of it."""
    return str(mwparserfromhell.parse(wikitext).strip_code())


def gensim(wikitext: str) -> str:
    """Return what gensim makes of it."""
    from gensim.corpora.wikicorpus import filter_wiki

    return str(filter_wiki(wikitext))


CONTENDERS: dict[str, Callable[[str], str]] = {
    "ours": ours, "strip_code": strip_code, "gensim": gensim,
}  # fmt: skip


def real_pages(data: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and wikitext of all real pages and of the sample."""
    for dump in sorted((data / "wiki_xml").glob("*.bz2")):
        for page in read_dump(dump):
            if isinstance(page, RawPage):
                yield f"{dump.stem[:11]} {page.title}", page.wikitext
    for file in sorted((data / "wikitext_pages").glob("*/*.txt")):
        yield f"{file.parent.name} {file.stem}", file.read_text("utf-8")
    for sample in read_sample():
        yield f"sample {sample.title}", sample.wikitext


def score(pages: dict[str, str], yardstick: dict[str, str]) -> Scores:
    """Compare every contender's text of each page with its extract."""
    found: Scores = {}
    for name, text in yardstick.items():
        rows = {who: compare(make(pages[name]), text) for who, make in CONTENDERS.items()}
        if rows["ours"].their_words >= LEAST:
            found[name] = rows
    return found


def later_extracts(data: Path) -> Scores:
    """Compare the sample's pages with Wikipedia's extracts of 2025: other revisions."""
    lines = (data / "wiki_plaintext" / "articles.jsonl").read_text("utf-8").splitlines()
    articles = {row["title"]: row["text"] for row in map(json.loads, lines)}
    both = [page for page in read_sample() if page.title in articles]
    return {
        f"{page.title}, {(page.timestamp or '')[:4]} and 2025": {
            "ours": compare(ours(page.wikitext), articles[page.title])
        }
        for page in both
    }


def show(title: str, scores: Scores, worst: int) -> None:
    """Print means of each contender, and the worst pages of ours."""
    if not scores:
        return
    out = [f"\n{title}: {len(scores)} pages\n"]
    for who in next(iter(scores.values())):
        rows = [row[who] for row in scores.values()]
        out.append(_line(f"mean, {who}", *(mean(getattr(r, f) for r in rows) for f in FIELDS)))
    for name in sorted(scores, key=lambda name: scores[name]["ours"].f1)[:worst]:
        one = scores[name]["ours"]
        out.append(_line(name, *(getattr(one, f) for f in FIELDS)))
    sys.stdout.write("".join(out))


def write_pages(path: Path, tables: dict[str, Scores]) -> None:
    """Write our scores page by page, worst first."""
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["against", "page", "words", "their_words", *FIELDS])
        for title, scores in tables.items():
            for name in sorted(scores, key=lambda name: (scores[name]["ours"].f1, name)):
                one = scores[name]["ours"]
                shares = [f"{getattr(one, field):.4f}" for field in FIELDS]
                rows.writerow([title, name, one.words, one.their_words, *shares])


FIELDS = ("precision", "recall", "f1", "order")


def _line(name: str, *values: float) -> str:
    return f"| {name[:60]:<60} | " + " | ".join(f"{value:.4f}" for value in values) + " |\n"


def main() -> int:
    """Compare and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=DATA)
    options.add_argument("--worst", type=int, default=10)
    options.add_argument("--csv", type=Path, help="write the scores of every page")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    if not needs("text_quality", given.data):
        return 0
    pages = dict(real_pages(given.data))
    wikitext, shown = read_parsoid(given.data / "wikitext_pages" / "parsoid_html" / "Dog.html")
    tables = {
        "MediaWiki's extract of the same wikitext": (
            score(pages, extracts(pages)) if installed() else {}
        ),
        "Wikipedia's own rendering, templates and all": score({"Dog": wikitext}, {"Dog": shown}),
        "Wikipedia's extracts, other revisions": later_extracts(given.data),
    }
    if given.csv:
        write_pages(given.csv, tables)
    if given.json:
        flat = {
            title: {n: {w: asdict(o) for w, o in row.items()} for n, row in scores.items()}
            for title, scores in tables.items()
        }
        sys.stdout.write(json.dumps(flat, ensure_ascii=False) + "\n")
        return 0
    for title, scores in tables.items():
        show(title, scores, given.worst)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

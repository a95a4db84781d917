"""The resolver against the hand-made map of ImageNet: what it commits to and what it leaves open.

Run `python -m benchmarks.resolution --data FOLDER`, where FOLDER holds `imagenet_wiki_map`. The map
is opened only to score; the resolver gets candidate titles, and leads where FOLDER has pages.
"""

import argparse
import csv
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks._report import DATA, needs
from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.raw import normal_title
from imagewikiqa.builders.resolve.from_pages import described
from imagewikiqa.builders.resolve.knowledge import Found
from imagewikiqa.builders.resolve.offline import Offline
from imagewikiqa.builders.resolve.records import Resolution
from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.builders.resolve.words import fold
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import ClassEntry

RESULTS = Path(__file__).resolve().parent / "results"
Set = Literal["easy", "hard"]
COLUMNS = ("set", "class_id", "class_name", "resolver", "confidence", "map", "verdict", "reason")
VERDICTS = ("resolver", "map", "both", "neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is handed to the resolver, and which classes automatic matching had resolved."""

    classes: tuple[ClassEntry, ...]
    listed: Mapping[str, Sequence[str]]
    pages: Mapping[str, Found]
    easy: frozenset[str]


def main() -> None:
    """Print the summary; with --write, renew the results beside this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the candidate lists")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not needs("resolution", options.data):
        return
    given, gold = read_given(options.data), read_map(map_file(options.data))
    runs = {
        "given lists": resolve(given.classes, Offline(given.listed, given.pages)),
        "with distractors": resolve(given.classes, Offline(given.listed, given.pages, widen=True)),
    }
    judged = read_judged(RESULTS / "resolution_disagreements.csv")
    rows = list(disagreements(runs.values(), given.easy, gold, judged))
    summary = summarise(runs, given.easy, gold, judged)
    if options.write:
        publish_text(RESULTS / "resolution_disagreements.csv", table(rows))
    sys.stdout.write(
        json.dumps(summary) + "\n" if options.json else report(summary, runs, given, gold)
    )


def read_given(data: Path) -> Given:
    """Read candidate lists and pages; the hand-made map is not opened here."""
    folder = data / "imagenet_wiki_map"
    classes = load_classes("imagenet")
    names = {entry.id: entry.name for entry in classes}
    listed: dict[str, list[str]] = defaultdict(list)
    easy = set[str]()
    for name, field in (
        ("auto_matches_trainval.json", "matched_titles"),
        ("auto_unmatched_trainval.json", "candidate_titles"),
    ):
        rows: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
        for row in rows.values():
            phrases = [row["phrases"]] if isinstance(row["phrases"], str) else row["phrases"]
            for phrase in dict.fromkeys((*phrases, names[row["wnid"]])):
                listed[phrase] += row[field]
            if field == "matched_titles":
                easy.add(row["wnid"])
    # The hand-made titles in the class table must not be seen: the resolver ignores them anyway.
    blind = tuple(entry.model_copy(update={"title": None}) for entry in classes)
    pages = {title: page for title, page in read_pages(data)}
    return Given(classes=blind, listed=listed, pages=pages, easy=frozenset(easy))


def read_pages(data: Path) -> Iterator[tuple[str, Found]]:
    """Yield the real articles of the folder: two dumps and a table of plain extracts."""
    for path in sorted((data / "wiki_xml").glob("*.xml.bz2")):
        for page in read_dump(path):
            if page.namespace == 0 and page.redirect is None:
                yield page.title, described(page)
    extracts = data / "wiki_plaintext" / "articles.jsonl"
    for line in extracts.read_text(encoding="utf-8").splitlines() if extracts.is_file() else ():
        row = json.loads(line)
        lead = row["text"].split("\n==")[0]
        yield row["title"], Found(title=normal_title(row["title"]), lead=lead)


def map_file(data: Path) -> Path:
    """Return where the hand-made map lies."""
    return data / "imagenet_wiki_map" / "class_article_correspondences_trainval.csv"


def read_map(path: Path) -> dict[str, str]:
    """Return the hand-made map as written: titles with commas in them are not quoted there."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = (line.partition(",") for line in lines if line.strip())
    return {wnid: titles.strip() for wnid, _, titles in rows}


def accepted(written: str) -> frozenset[str]:
    """Return every title a map's row may mean: pieces between commas, and runs of such pieces."""
    pieces = [piece.strip() for piece in written.split(",")]
    spans = [(i, j) for i in range(len(pieces)) for j in range(i + 1, len(pieces) + 1)]
    joined = (f"{', '.join(pieces[i:j])}" for i, j in spans)
    return frozenset(key(title) for title in joined if title != "-")


def key(title: str) -> str:
    """Return a title for comparison: case, accents and punctuation aside."""
    return fold(normal_title(title))


def agrees(resolution: Resolution, written: str) -> bool:
    """Say whether any article of a resolution is one of the map's."""
    return any(key(title) in accepted(written) for title in resolution.titles)


def half(class_id: str) -> Literal["seen", "unseen"]:
    """Return the half of the hard classes a class is in; only "seen" lists were read beforehand."""
    return "unseen" if keyed_int("resolution half", class_id) % 2 else "seen"


Judged = Mapping[tuple[str, str], tuple[str, str]]


def read_judged(path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Return verdict and reason by class id and the resolver's titles, as a person wrote them."""
    if not path.is_file():
        return {}
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
    return {(r["class_id"], r["resolver"]): (r["verdict"], r["reason"]) for r in rows}


def disagreements(
    runs: Iterable[Sequence[Resolution]],
    easy: frozenset[str],
    gold: Mapping[str, str],
    judged: Judged,
) -> Iterator[dict[str, str]]:
    """Yield each commitment, of any run, that the map does not share."""
    seen = set[tuple[str, str]]()
    for found in runs:
        for r in found:
            titles = " | ".join(r.titles)
            if not r.titles or agrees(r, gold[r.id]) or (r.id, titles) in seen:
                continue
            seen.add((r.id, titles))
            verdict, reason = judged.get((r.id, titles), ("", ""))
            values = (
                "easy" if r.id in easy else "hard", r.id, r.class_name, titles,
                f"{r.confidence:.2f}", gold[r.id], verdict, reason,
            )  # fmt: skip
            yield dict(zip(COLUMNS, values, strict=True))


def summarise(
    runs: Mapping[str, Sequence[Resolution]],
    easy: frozenset[str],
    gold: Mapping[str, str],
    judged: Judged,
) -> dict[str, dict[str, float]]:
    """Return counts and rates of each run on both sets."""
    return {
        f"{name}, {which}": score(found, easy, gold, judged, which)
        for name, found in runs.items()
        for which in ("easy", "hard")
    }


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def score(
    found: Sequence[Resolution],
    easy: frozenset[str],
    gold: Mapping[str, str],
    judged: Judged,
    which: str,
) -> dict[str, float]:
    """Return counts and rates of one set; `judged` precision counts what the judge accepted."""
    rows = [r for r in found if (r.id in easy) == (which == "easy")]
    taken = [r for r in rows if r.titles]
    same = [r for r in taken if agrees(r, gold[r.id])]
    fine = [
        r
        for r in taken
        if r not in same
        and judged.get((r.id, " | ".join(r.titles)), ("", ""))[0] in ("resolver", "both")
    ]
    return {
        "classes": len(rows),
        "committed": len(taken),
        "coverage": round(len(taken) / len(rows), 4),
        "equal_to_map": len(same),
        "precision_map": round(len(same) / len(taken), 4),
        "precision_judged": round((len(same) + len(fine)) / len(taken), 4),
        "ambiguous": sum(r.outcome == "ambiguous" for r in rows),
        "missing": sum(r.outcome == "missing" for r in rows),
        "no_article_in_map": sum(gold[r.id] == "-" for r in rows),
        "committed_there": sum(gold[r.id] == "-" for r in taken),
    }


def report(
    summary: Mapping[str, Mapping[str, float]],
    runs: Mapping[str, Sequence[Resolution]],
    given: Given,
    gold: Mapping[str, str],
) -> str:
    """Return the summary as a table."""
    lines = ["| run | classes | committed | coverage | precision by the map | judged | open |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, row in summary.items():
        lines.append(
            f"| {name} | {row['classes']} | {row['committed']} | {row['coverage']:.1%} | "
            f"{row['precision_map']:.1%} | {row['precision_judged']:.1%} | "
            f"{row['ambiguous']} ambiguous, {row['missing']} missing |"
        )
    return "\n".join([*lines, "", *bins(runs["given lists"], given.easy, gold), ""])


def bins(found: Sequence[Resolution], easy: frozenset[str], gold: Mapping[str, str]) -> list[str]:
    """Return how often the best candidate is the map's, by its confidence and by half."""
    lines = ["| confidence | easy | hard, lists read | hard, lists not read |", "|---|---|---|---|"]
    edges = (0.0, 0.2, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1.01)
    for low, high in zip(edges, edges[1:], strict=False):
        cells: dict[str, list[bool]] = {"easy": [], "seen": [], "unseen": []}
        for r in found:
            if r.candidates and low <= r.confidence < high:
                hit = key(r.candidates[0].title) in accepted(gold[r.id])
                cells["easy" if r.id in easy else half(r.id)].append(hit)
        shown = [f"{sum(c)} of {len(c)}" for c in cells.values()]
        lines.append(f"| {low:.2f} to {min(high, 1):.2f} | {' | '.join(shown)} |")
    return lines


if __name__ == "__main__":
    main()

"""Counting ImageNet names in sentences: ours against the paper's loops, equal counts checked.

Sentences are those of real conversations of LLaVA's kind where these lie beside the repository
(--data), else made of filler with a name in every third; "dense" ones are GPT-4's descriptions of
classes, of which nearly all hold a name. `ours` counts from tokens; the ratios with tokenisation
start both sides from raw sentences. The paper's loops join their strings for every name;
"hoisted" does it once a sentence.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nltk.tokenize import NLTKWordTokenizer

from benchmarks._report import DATA, Result, parser, show
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import keyed_int
from imagewikiqa.mixtures.counts import MentionCounter, PaperCounter

TALK = (
    "llava_samples/fastchat_text_only.json",
    "llava_samples/qa90_gpt4_answer.jsonl",
    "llava_samples/coco2014_val_gpt4_qa_30x3.jsonl",
)
DENSE = ("gpt4_class_descriptions/imagenet_20_prompts_0_1000_api.json",)
SLOW = 2_000  # sentences of the loops: 1,000 names make them hours for a million
FILLER = "the small dog sits near a red bench and two people look at it in warm light".split()
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_LONGEST = 600  # characters; longer is code, and less than five words a heading


def sentences(data: Path, files: tuple[str, ...], wanted: int) -> list[str]:
    """Return so many sentences: real ones in keyed order, again and again, or filler."""
    real = [text for file in files if (data / file).is_file() for text in _read(data / file)]
    if real:
        real.sort(key=lambda text: keyed_int("sentences", text))
        return (real * (wanted // len(real) + 1))[:wanted]
    names = [entry.name for entry in load_classes("imagenet")]
    made = []
    for at in range(wanted):
        words = [FILLER[keyed_int(at, n) % len(FILLER)] for n in range(20)]
        if at % 3 == 0:
            words[10] = names[keyed_int(at, "name") % len(names)]
        made.append(" ".join(words) + ".")
    return made


def _read(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    rows = map(json.loads, text.splitlines()) if path.suffix == ".jsonl" else [json.loads(text)]
    for said in (said for row in rows for said in _strings(row)):
        yield from (
            one for one in _SENTENCES.split(said) if one.count(" ") > 3 and len(one) < _LONGEST
        )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def papers_loops(tokens: list[list[str]], names: list[list[str]]) -> Counter[str]:
    """Count as the paper's notebook does, both joins in the inner loop."""
    counts: Counter[str] = Counter()
    for sentence in tokens:
        for name in names:
            larger, smaller = "##".join(sentence), "##".join(name)
            if "##" + smaller + "##" in larger:
                counts[" ".join(name)] += 1
    return counts


def hoisted_loops(tokens: list[list[str]], names: list[list[str]]) -> Counter[str]:
    """Count the same with each join made once."""
    counts: Counter[str] = Counter()
    joined = [(" ".join(name), "##" + "##".join(name) + "##") for name in names]
    for sentence in tokens:
        larger = "##".join(sentence)
        for name, smaller in joined:
            if smaller in larger:
                counts[name] += 1
    return counts


def timed(run: Callable[[], Counter[str]]) -> tuple[float, Counter[str]]:
    """Return CPU seconds and counts of one run."""
    began = time.process_time()
    counts = run()
    return time.process_time() - began, counts


def from_tokens(tokens: list[list[str]], names: list[str]) -> Counter[str]:
    """Count from tokens, ours."""
    counter = PaperCounter(names)
    counter.see_tokens(tokens)
    return counter.counts


def from_text(texts: list[str], names: list[str]) -> Counter[str]:
    """Count by the paper's rule from raw sentences, ours."""
    counter = PaperCounter(names)
    for text in texts:
        counter.see_sentence(text)
    return counter.counts


def our_rule(texts: list[str]) -> Counter[str]:
    """Count mentions of names and synonyms, ours."""
    counter = MentionCounter(load_classes("imagenet"))
    for text in texts:
        counter.see_text(text)
    return counter.counts


@dataclass(frozen=True)
class Measured:
    """Microseconds a sentence of each way to count, and how many of them disagree."""

    us: dict[str, float]
    wrong: int
    tokens: float  # in a sentence, on average
    hit: float  # share of sentences that hold a name, by the paper's rule


def measure(texts: list[str], rounds: int) -> Measured:
    """Time every way in turns; the best round of each counts."""
    few = texts[:SLOW]
    names = [entry.name for entry in load_classes("imagenet")]
    nltk = NLTKWordTokenizer()
    tokens = [nltk.tokenize(text.lower()) for text in texts]
    tokenised = [nltk.tokenize(name.lower()) for name in names]
    runs: dict[str, tuple[int, Callable[[], Counter[str]]]] = {
        "loops": (len(few), lambda: papers_loops(tokens[: len(few)], tokenised)),
        "hoisted": (len(few), lambda: hoisted_loops(tokens[: len(few)], tokenised)),
        "nltk": (len(few), lambda: Counter(nltk.tokenize(text.lower())[0] for text in few)),
        "tokens": (len(texts), lambda: from_tokens(tokens, names)),
        "text": (len(texts), lambda: from_text(texts, names)),
        "mentions": (len(texts), lambda: our_rule(texts)),
    }
    best: dict[str, float] = {}
    counts: dict[str, Counter[str]] = {}
    for _ in range(rounds):
        for name, (amount, run) in runs.items():
            seconds, counts[name] = timed(run)
            best[name] = min(best.get(name, 1e9), 1e6 * seconds / amount)
    ours = (from_tokens(tokens[: len(few)], names), from_text(few, names))
    wrong = sum(one != counts["loops"] for one in (counts["hoisted"], *ours))
    wrong += counts["tokens"] != counts["text"]
    length = sum(map(len, tokens)) / len(texts)
    return Measured(best, wrong, length, counts["loops"].total() / len(few))


def main() -> int:
    """Measure; return 1 when a count differs."""
    options = parser()
    options.add_argument("--sentences", type=int, default=20_000)
    options.add_argument("--data", type=Path, default=DATA)
    given = options.parse_args()
    talk = measure(sentences(given.data, TALK, given.sentences), given.rounds)
    dense = measure(sentences(given.data, DENSE, given.sentences), given.rounds)
    exact: dict[str, float] = {"counts that differ": talk.wrong + dense.wrong}
    for kind, one in (("", talk), (", dense", dense)):
        whole = one.us["loops"] + one.us["nltk"]
        exact |= {
            f"ratio{kind}": round(one.us["loops"] / one.us["tokens"], 1),
            f"ratio with tokenisation{kind}": round(whole / one.us["text"], 1),
            f"us a sentence, from tokens{kind}": round(one.us["tokens"], 2),
            f"us a sentence, from text{kind}": round(one.us["text"], 2),
            f"us a sentence, our rule{kind}": round(one.us["mentions"], 2),
            f"names a sentence{kind}": round(one.hit, 2),
        }
    result = Result(
        name="frequency",
        unit=f"sentences/s of {talk.tokens:.0f} tokens, 1,000 names",
        ours=round(1e6 / talk.us["tokens"]),
        others={
            "the paper's loops": round(1e6 / talk.us["loops"], 1),
            "the same, hoisted": round(1e6 / talk.us["hoisted"], 1),
        },
        exact=exact,
    )
    show(result, given.json)
    return int(exact["counts that differ"] > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Counts of class names are those of the slow references: the paper's loops, and one expression."""

import json
import re
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nltk.tokenize import NLTKWordTokenizer

from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.mixtures import counts
from imagewikiqa.mixtures.counts import MentionCounter, PaperCounter
from imagewikiqa.mixtures.tokens import paper_tokens
from imagewikiqa.qa.leaks import fold

NLTK = NLTKWordTokenizer()
NAMES = ["fox", "grey fox", "can opener", "can", "t-shirt", "potter's wheel", "fox", "is", "a b a"]
PIECES = [
    *NAMES, "foxes", "cannot", "isn't", "'tis", "the", "#", "##", ",", ".", "..", "\"", "(fox)",
    "t", "shirt", "opener", "potter", "s", "wheel", "fox,", "fox.", "1,000", "gonna", "--", "é",
    "fox-like", "grey-fox", "a", "b", "?", "fox_", "\n", "can't", "wanna", "_fox",
]  # fmt: skip
TEXTS = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["", " ", " ", "  "]))).map(
    lambda parts: "".join(piece + gap for piece, gap in parts)
)


def papers(sentences: list[list[str]], names: list[str]) -> Counter[str]:
    """Count as the paper's notebook does."""
    found: Counter[str] = Counter()
    tokenised = [NLTK.tokenize(name.lower()) for name in names]
    for sentence in sentences:
        for name in tokenised:
            if "##" + "##".join(name) + "##" in "##".join(sentence):
                found[" ".join(name)] += 1
    return found


def mentions(texts: list[str], classes: list[ClassEntry]) -> Counter[str]:
    """Count with one expression of all names, the longest first."""
    of: dict[str, list[str]] = {}
    for entry in classes:
        for phrase in dict.fromkeys(map(fold, (entry.name, *entry.synonyms))):
            of.setdefault(phrase, []).append(entry.id)
    phrases = sorted((one for one in of if one), key=len, reverse=True)
    either = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})(?!\w)")
    found = (one[0] for text in texts for one in either.finditer(fold(text)))
    return Counter(class_id for phrase in found for class_id in of[phrase])


@given(TEXTS | st.text("abfox ,.?!-'19#\"tisnld(:;)rev/ ", max_size=30))
@example("it cannot, can it.")
@example("1,000 foxes, 2,b.")
@example("(the fox's, isn't it's 5'd: don't.) ")
def test_tokens_are_those_of_nltk(text: str) -> None:
    assert paper_tokens(text) == NLTK.tokenize(text)


@given(st.lists(TEXTS, max_size=6), st.integers(1, 4))
def test_sentences_are_counted_as_the_paper_does(texts: list[str], enough: int) -> None:
    tokens = [NLTK.tokenize(text.lower()) for text in texts]
    slow = papers(tokens, NAMES)
    with patch.object(counts, "_ENOUGH", enough):  # what is looked for first changes no count
        from_text, from_tokens = PaperCounter(NAMES), PaperCounter(NAMES)
        for text in texts:
            from_text.see_sentence(text)
        from_tokens.see_tokens(tokens)
    assert from_text.counts == slow == from_tokens.counts


def test_the_papers_rule_has_the_papers_warts() -> None:
    counter = PaperCounter(["fox", "fox", "ant"])
    for sentence in ("fox is here", "a fox is here", "see the fox", "a fox and a fox here", "ants"):
        counter.see_sentence(sentence)
    assert counter.counts == {"fox": 4}  # not at either end, once a sentence, twice if named twice


CLASSES = [
    ClassEntry(id="fox", name="fox", synonyms=("Vulpes", "t-shirt")),
    ClassEntry(id="grey", name="grey fox", synonyms=("gray fox", "(fox)", "fox is")),
    ClassEntry(id="can", name="can opener", synonyms=("can", "fox")),
    ClassEntry(id="odd", name="'tis", synonyms=("é", "grey fox, is a b")),
]


@given(st.lists(TEXTS | st.text("FOXfox grey-\t(é)’'é"), max_size=4))
def test_mentions_are_those_of_one_expression(texts: list[str]) -> None:
    counter = MentionCounter(CLASSES)
    for text in texts:
        counter.see_text(text)
    assert counter.counts == mentions(texts, CLASSES)


def test_mentions_count_at_word_bounds_in_any_case_and_the_longest_only() -> None:
    counter = MentionCounter(CLASSES[:2])
    counter.see_text("Grey-Fox! A fox; vulpes and foxes, firefox.")
    assert counter.counts == {"grey": 1, "fox": 2}


def test_both_rules_hold_on_real_conversations_and_the_imagenet_list(shared_data: Path) -> None:
    rows = json.loads((shared_data / "llava_samples/fastchat_text_only.json").read_text())
    texts = [turn["value"] for row in rows for turn in row["conversations"]]
    lines = (shared_data / "llava_samples/qa90_gpt4_answer.jsonl").read_text().splitlines()
    texts += [json.loads(line)["text"] for line in lines]
    classes = list(load_classes("imagenet"))
    ours = MentionCounter(classes)
    papers_own = PaperCounter([entry.name for entry in classes])
    sentences = []
    for text in texts:
        ours.see_text(text)
        papers_own.see_text(text)
        sentences += re.split(r"(?<=[.!?])\s+|\n+", text)
    assert ours.counts == mentions(texts, classes)
    tokens = [NLTK.tokenize(one.lower()) for one in sentences]
    slow = papers(tokens, [entry.name for entry in classes])
    assert papers_own.counts == slow and slow.total() > 20


def test_nltk_is_asked_for_when_it_is_needed_and_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from imagewikiqa.core.errors import MissingExtraError
    from imagewikiqa.mixtures import tokens

    tokens._tokeniser.cache_clear()
    monkeypatch.setitem(sys.modules, "nltk.tokenize", None)
    assert paper_tokens("a fox, here.") == ["a", "fox", ",", "here", "."]
    with pytest.raises(MissingExtraError, match="nltk"):
        paper_tokens('a "fox"')
    tokens._tokeniser.cache_clear()

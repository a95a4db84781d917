"""A mixture looked at whole: its counts against a slow reading, in any number of processes."""

import hashlib
import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.core.report.summary import write_summary
from imagewikiqa.mixtures import load
from imagewikiqa.mixtures.counts import MentionCounter, PaperCounter
from imagewikiqa.mixtures.inspect.figures import findings, summary
from imagewikiqa.mixtures.inspect.inspection import Inspection, inspect_mixture
from imagewikiqa.mixtures.inspect.names import ANSWERED, PAPER, SAID
from imagewikiqa.mixtures.inspect.report import report
from imagewikiqa.mixtures.inspect.sheet import drawn_samples, in_turn
from imagewikiqa.mixtures.inspect.tables import write_tables
from tests.mixtures.inspect.made import Made, make, picture, record

CLASSES = tuple(
    ClassEntry(id=f"n{at}", name=name, synonyms=synonyms)
    for at, (name, synonyms) in enumerate([("ant", ()), ("grey fox", ("gray fox",)), ("kit", ())])
)


def samples(count: int) -> list[Made]:
    """Return samples with and without image, of three sources, some of them the same."""
    made: list[Made] = []
    for at in range(count):
        kind = at % 3
        name = ("ant", "gray fox")[at // 3 % 2]
        if kind == 0:
            row = record(at, "<image>\nWhat is it?", f"It is a {name} here.",
                         class_id=f"n{at // 3 % 2}", source="pics")  # fmt: skip
            made.append((row, picture(at % 12)))
        elif kind == 1:
            said = ["<image>\nAnd this?", "No idea.", "Why?", "An ant."][: 2 + at % 2 * 2]
            made.append((record(at % 9, *said, source="talk", template="as_written@1"),
                         picture(at, width=20 + at)))  # fmt: skip
        else:
            made.append((record(at, "Say it.", "It " * (at % 5 + 1), source="text"), None))
    return made


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    every = samples(75)
    return make(tmp_path_factory.mktemp("mixture"), [every[:30], every[30:60], every[60:]])


def look(folder: Path, out: Path, **options: Any) -> Inspection:
    """Inspect a mixture with a cache of its own, and write all files."""
    out.mkdir(parents=True, exist_ok=True)
    found = inspect_mixture(folder, out, cache=out.parent / "cache", **options)
    write_tables(found, out)
    write_summary(out, report(found))
    return found


def test_the_counts_are_those_of_a_slow_reading(mixture: Path, tmp_path: Path) -> None:
    found = look(mixture, tmp_path / "out", classes=CLASSES)
    parts: Counter[tuple[str, str]] = Counter()
    classes: Counter[str] = Counter()
    words: dict[str, list[int]] = {"human": [], "gpt": []}
    texts: list[tuple[str, str]] = []
    images = []
    for sample in load(mixture, shuffle=False, cache=tmp_path / "cache"):
        row = sample.record
        parts[row["source"], row["template"].partition("@")[0]] += 1
        classes[row.get("class_id", "")] += 1
        images += [hashlib.sha256(data).hexdigest() for data in sample.files.values()]
        for turn in row["conversations"]:
            text = turn["value"].replace("<image>", "").strip()
            words[turn["from"]].append(len(text.split()))
            texts.append((turn["from"], text))
    del classes[""]
    tally = found.tally
    assert {part: counts["samples"] for part, counts in tally.parts.items()} == parts
    assert tally.classes == classes and tally.samples == 75
    assert tally.total("text only") == 75 - len(images)
    for who, lengths in words.items():
        measure = tally.measure(f"words of a {who} turn")
        assert Counter(lengths) == measure
        said = summary(found)["measures"][f"words of a {who} turn"]
        assert said["mean"] == round(statistics.mean(lengths), 2) and said["most"] == max(lengths)
    assert found.repeats[0].distinct == len(set(images))
    assert found.repeats[0].samples == len(images)
    mentions, paper = MentionCounter(CLASSES), PaperCounter(one.name for one in CLASSES)
    for _, text in texts:
        mentions.see_text(text)
        paper.see_text(text)
    assert tally.names[SAID] == mentions.counts and mentions.counts["n1"] > 5
    assert tally.names[PAPER] == Counter({"n0": paper.counts["ant"]})  # never "gray fox"
    answered = MentionCounter(CLASSES)
    for text in (text for who, text in texts if who == "gpt"):
        answered.see_text(text)
    assert tally.names[ANSWERED] == answered.counts


def test_duplicates_are_found_exactly(tmp_path: Path) -> None:
    first = record(1)
    made: list[Made] = [
        (first, picture(1)),
        (first, picture(1)),  # the same row again, as a second epoch gives it
        (record(2), picture(1)),  # another row with the same image and words
        (record(3, "<image>\nWhat is it?", "Two."), picture(1)),  # the same image alone
        (record(4), picture(2)),  # the same words alone
        (record(5, "Hi", "Ho"), None),
        (record(6, "Hi", "Ho"), None),  # the same text-only sample
    ]
    found = look(make(tmp_path / "mix", [made]), tmp_path / "out")
    image, conversation, both = found.repeats
    assert (image.samples, image.distinct, image.by_same_row, image.by_other_row) == (5, 2, 1, 2)
    assert (conversation.distinct, conversation.by_same_row, conversation.by_other_row) == (3, 1, 3)
    assert (both.distinct, both.by_same_row, both.by_other_row) == (4, 1, 2)
    rows = pq.read_table(tmp_path / "out" / "repeats.parquet").to_pylist()
    assert [(row["same"], row["samples"], row["rows"], row["first"]) for row in rows] == [
        ("image", 4, 3, 0),
        ("conversation", 4, 3, 0), ("conversation", 2, 2, 5),
        ("image and conversation", 3, 2, 0), ("image and conversation", 2, 2, 5),
    ]  # fmt: skip
    assert ("image and conversation shown before by another row", 2) in [
        (one.what, one.times) for one in findings(found)
    ]


def test_one_and_two_processes_write_the_same_bytes(mixture: Path, tmp_path: Path) -> None:
    look(mixture, tmp_path / "one", classes=CLASSES)
    look(mixture, tmp_path / "two", classes=CLASSES, workers=2)
    written = [
        {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        for out in (tmp_path / "one", tmp_path / "two")
    ]
    assert written[0] == written[1] and len(written[0]) > 10


def test_there_is_a_row_for_every_sample_in_the_order_of_the_shards(
    mixture: Path, tmp_path: Path
) -> None:
    look(mixture, tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "samples.parquet").to_pylist()
    read = list(load(mixture, shuffle=False, cache=tmp_path / "cache"))
    assert [row["key"] for row in rows] == [one.key for one in read]
    assert [row["source_id"] for row in rows] == [one.record["source_id"] for one in read]
    assert rows[29]["shard"] == "made-000000.tar" and rows[30]["shard"] == "made-000001.tar"
    assert [row["image_bytes"] for row in rows] == [
        len(one.files["jpg"]) if one.files else None for one in read
    ]
    assert {row["faults"] for row in rows} == {None}


def test_the_first_shards_alone_are_said_to_be_a_part(mixture: Path, tmp_path: Path) -> None:
    found = look(mixture, tmp_path / "out", limit=2)
    assert found.tally.samples == 60 and not found.whole
    assert "The first 2 of 3 shards" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_mixture_of_text_alone_has_no_word_on_images(tmp_path: Path) -> None:
    made: list[Made] = [(record(at, "Say.", f"It is {at}."), None) for at in range(9)]
    found = look(make(tmp_path / "mix", [made[:5], made[5:]]), tmp_path / "out")
    assert found.tally.total("text only") == 9 and found.repeats[0].samples == 0
    assert "<img" not in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert not (tmp_path / "out" / "plots" / "sides.svg").exists()


def test_a_thousand_classes_are_told_in_two_short_tables(tmp_path: Path) -> None:
    classes = load_classes("imagenet")
    made: list[Made] = []
    for at, entry in enumerate(classes[:998]):
        for turn in range(1 + at % 3):
            row = record(3 * at + turn, "What is it?", f"A {entry.name} it is.", class_id=entry.id)
            made.append((row, None))
    found = look(make(tmp_path / "mix", [made[:1000], made[1000:]]), tmp_path / "out",
                 classes=classes)  # fmt: skip
    figures = summary(found)
    assert (figures["classes_seen"], figures["classes_known"]) == (998, 1000)
    never = next(one for one in findings(found) if one.what == "classes never seen")
    assert never.times == 2 and classes[999].name in never.where
    page = report(found)
    tables = {one.title: one for one in page.listings}
    assert len(tables["Classes, least and most seen"].rows) == 16
    assert len(tables["Class names in conversations, least and most said"].rows) <= 16
    lines = (tmp_path / "out" / "classes.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1001
    assert lines[1].startswith(f"{classes[0].id},{classes[0].name},1,")


def test_faults_are_counted_and_led_to(tmp_path: Path) -> None:
    made: list[Made] = [
        (record(1), picture(1)), (record(2), picture(2)[:-30]), (record(3, "x", ""), None),
        (record(4), b"no image"), (record(5), picture(5)[:-30]),
    ]  # fmt: skip
    found = look(make(tmp_path / "mix", [made[:2], made[2:]]), tmp_path / "out")
    assert found.tally.faulty == 4
    first = findings(found)[0]
    assert (first.what, first.times) == ("image unusable: truncated", 2)
    assert first.where == "made-000000.tar sample 1, made-000001.tar sample 2"
    assert json.loads((tmp_path / "out" / "inspection.json").read_text())["faulty"] == 4


def test_the_contact_sheet_takes_from_every_source_and_template_in_turn(
    mixture: Path, tmp_path: Path
) -> None:
    found = look(mixture, tmp_path / "out")
    numbers = drawn_samples(found.tally)
    assert len(numbers) == len(set(numbers)) == 24
    assert [number % 3 for number in numbers[:6]] == [0, 1, 2, 0, 1, 2]
    again = look(mixture, tmp_path / "again", seed=1)
    assert drawn_samples(again.tally) != numbers
    assert len(report(found).pictures) == 24


def test_a_sample_named_as_another_class_says_so(tmp_path: Path) -> None:
    row = record(1, "<image>\nWhat?", "An ant.", class_id="n1", named_class_id="n0")
    found = look(make(tmp_path / "mix", [[(row, picture())]]), tmp_path / "out", classes=CLASSES)
    assert "grey fox (n1) · named as ant (n0)" in report(found).pictures[0].note
    assert found.tally.named_otherwise == 1


def test_the_contact_sheet_shows_no_row_twice(tmp_path: Path) -> None:
    five: list[Made] = [(record(at), picture(at)) for at in range(5)]
    made = five * 9
    found = look(make(tmp_path / "mix", [made[:20], made[20:]]), tmp_path / "out")
    assert sorted(drawn_samples(found.tally)) == [0, 1, 2, 3, 4]


def test_lists_of_unlike_length_are_taken_in_turn_to_their_ends() -> None:
    assert in_turn([[1, 4], [2, 5, 7, 8], [], [3, 6]]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert in_turn([]) == []


def test_a_flipped_byte_is_refused_by_the_name_of_its_shard(mixture: Path, tmp_path: Path) -> None:
    spoilt = make(tmp_path / "mix", [samples(9), samples(9)[:4]])
    content = bytearray((spoilt / "made-000001.tar").read_bytes())
    content[700] ^= 1
    (spoilt / "made-000001.tar").write_bytes(content)
    with pytest.raises(ToolkitError, match=r"made-000001\.tar holds other bytes"):
        look(spoilt, tmp_path / "out")
    assert not (tmp_path / "out" / "samples.parquet").exists()


def test_the_plan_of_another_mixture_is_refused(mixture: Path, tmp_path: Path) -> None:
    folder = make(tmp_path / "mix", [samples(3)])
    (folder / "plan.json").write_text("{}")
    with pytest.raises(ToolkitError, match=r"plan\.json is damaged"):
        look(folder, tmp_path / "out")

"""What a person decides in the review file comes back as it was meant, or is refused."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewikiqa.builders.resolve.records import Candidate, Clue, Resolution
from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.builders.resolve.review import (
    COLUMNS,
    apply_review,
    read_review,
    write_review,
)
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry
from tests.builders.resolve.worlds import CLASSES, World

FOUND = resolve(CLASSES, World())
HEADER = ",".join(COLUMNS)
GOOD = "sunglass,sunglass,d,ambiguous,w,c,Burning glass"


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def filled(path: Path, titles: dict[str, str]) -> Path:
    """Fill in titles as a person would; rows without one are deleted."""
    kept = [row | {"title": titles[row["class_id"]]} for row in rows(path) if
            row["class_id"] in titles]  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(kept)
    return path


def refusal(tmp_path: Path, *lines: str, header: str = HEADER) -> str:
    path = tmp_path / "review.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    with pytest.raises(ToolkitError) as caught:
        read_review(path, FOUND)
    sentence = str(caught.value)
    assert "\n" not in sentence and not sentence.endswith(".")
    return sentence


def test_only_open_classes_are_asked_about_with_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    assert write_review(path, FOUND, CLASSES) == 2
    (sunglass, scraper) = rows(path)
    assert (sunglass["class_id"], sunglass["outcome"]) == ("sunglass", "ambiguous")
    assert (scraper["class_id"], scraper["outcome"]) == ("scraper", "missing")
    assert sunglass["definition"].startswith("a convex lens")
    assert sunglass["candidates"].startswith("1. Sunglasses [")
    assert "name of the class sunglasses" in sunglass["candidates"]
    assert sunglass["title"] == scraper["title"] == ""


def test_decisions_come_back_as_made_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    write_review(path, FOUND, CLASSES)
    filled(path, {"sunglass": "burning_glass | Lens", "scraper": "-"})
    decided = {r.id: r for r in apply_review(FOUND, read_review(path, FOUND))}
    assert decided["sunglass"].titles == ("Burning glass", "Lens")
    assert (decided["sunglass"].how, decided["sunglass"].confidence) == ("hand", 1.0)
    assert (decided["scraper"].outcome, decided["scraper"].how) == ("missing", "hand")
    assert decided["scraper"].candidates == FOUND[9].candidates
    assert [decided[r.id] for r in FOUND[:8]] == FOUND[:8]


def test_a_class_without_a_row_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    write_review(path, FOUND, CLASSES)
    filled(path, {"scraper": "Bench knife"})
    decided = {r.id: r for r in apply_review(FOUND, read_review(path, FOUND))}
    assert (decided["sunglass"].outcome, decided["sunglass"].how) == ("ambiguous", "auto")


def test_a_reviewed_article_that_another_class_has_is_flagged(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    write_review(path, FOUND, CLASSES)
    filled(path, {"sunglass": "Sunglasses"})
    decided = {r.id: r for r in apply_review(FOUND, read_review(path, FOUND))}
    assert decided["sunglass"].shared_with == ("sunglasses",)
    assert decided["sunglasses"].shared_with == ("sunglass",)


TITLES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="<>[]{}#|_:%&./~"),
    min_size=1, max_size=20,
).filter(lambda title: any(map(str.isdigit, title)) or len(title) > 4)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles=st.lists(TITLES, min_size=1, max_size=3), text=st.text(max_size=30))
def test_any_titles_survive_the_way_and_a_second_one_changes_nothing(
    tmp_path: Path, titles: list[str], text: str
) -> None:
    clue = Clue(kind="lead", weight=-1, detail=text)
    candidate = Candidate(title=text, score=0, share=0, found_by=(text,), clues=(clue,))
    found = [Resolution(id="x", class_name="an x", outcome="ambiguous", titles=(), confidence=0,
                        candidates=(candidate,), note=text)]  # fmt: skip
    path = tmp_path / "review.csv"
    write_review(path, found, [ClassEntry(id="x", name="an x", definition=text)])
    chosen = read_review(filled(path, {"x": " | ".join(titles)}), found)
    once = apply_review(found, chosen)
    assert len(once[0].titles) == len({t[:1].upper() + t[1:] for t in titles})
    assert apply_review(once, read_review(path, once)) == once


def test_nothing_of_a_class_is_a_formula_to_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    entry = ClassEntry(id="=x", name="@now", definition="=HYPERLINK(1)")
    found = [Resolution(id="=x", class_name="@now", outcome="missing", titles=(), confidence=0)]
    write_review(path, found, [entry])
    assert [*rows(path)[0].values()][:3] == ["'=x", "'@now", "'=HYPERLINK(1)"]
    assert read_review(filled(path, {"'=x": "Lens"}), found) == {"=x": ("Lens",)}
    plain = path.read_text(encoding="utf-8").replace("'=x", "=x").replace("'@now", "@now")
    path.write_text(plain, encoding="utf-8")  # as spreadsheets write it that hide the mark
    assert read_review(path, found) == {"=x": ("Lens",)}


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("–", "is no title; write '-', alone in its cell"),
        ("\u2212", "is no title"),
        ("n/a", "is no title"),
        ("None", "is no title"),
        ("Lens | -", "'-' is no title"),
        ("https://en.wikipedia.org/wiki/Lens", "is an address, not a title"),
        ("en.wikipedia.org/wiki/Lens", "is an address, not a title"),
        ("Lens%28optics%29", "holds '%28', which no title may"),
        ("Salt &amp; pepper", "holds '&amp;', which no title may"),
        ("../Lens", "holds '../', which no title may"),
        ("File:Lens.jpg", "leads to another namespace or wiki"),
        ("User talk:Lens", "leads to another namespace or wiki"),
        (":Lens", "leads to another namespace or wiki"),
        ("de:Linse", "leads to another namespace or wiki"),
        ("Lens\u200b", "is too long or not printable"),
    ],
)
def test_what_can_be_no_article_is_refused_with_the_reason(
    tmp_path: Path, title: str, told: str
) -> None:
    said = refusal(tmp_path, GOOD.replace("Burning glass", title))
    assert "line 2: " in said and told in said


@pytest.mark.parametrize(
    "title", ["Alien: Covenant", "AC/DC", "100% (song)", "...And Justice for All", "N/A (band)"]
)
def test_odd_titles_of_articles_are_taken(tmp_path: Path, title: str) -> None:
    path = tmp_path / "review.csv"
    path.write_text(f"{HEADER}\n{GOOD.replace('Burning glass', title)}\n", encoding="utf-8")
    assert read_review(path, FOUND) == {"sunglass": (title,)}


@given(st.binary(max_size=60), st.sampled_from([b"", b"sunglass,sunglass,d,ambiguous,w,c,"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_decisions_or_one_sentence(tmp_path: Path, data: bytes, begin: bytes) -> None:
    path = tmp_path / "review.csv"
    path.write_bytes(HEADER.encode() + b"\n" + begin + data)
    try:
        chosen = read_review(path, FOUND)
    except ToolkitError as error:
        assert "\n" not in str(error)
    else:
        assert set(chosen) <= {r.id for r in FOUND}


def test_cells_parted_by_something_else_are_told_apart(tmp_path: Path) -> None:
    for mark in (";", "\t"):
        said = refusal(tmp_path, header=HEADER.replace(",", mark))
        assert said.endswith("save the file with commas between its cells")
    assert "(9 of them)" in refusal(tmp_path, header=HEADER + ",,")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("sunglass,sunglass,d,ambiguous,w,c,", "line 3: the title is blank"),
        ("sunglass,sunglass,d,ambiguous,w,c,A | ", "line 3: the title is blank"),
        ("lens,lens,d,ambiguous,w,c,Lens", "line 3: there is no class 'lens'"),
        ("scraper,sunglass,d,a,w,c,Lens", "line 3: scraper is 'dough scraper', not 'sunglass'"),
        ("scraper,dough scraper,d,a,w,c,Talk,Page", "line 3: 8 cells for 7 columns"),
        ("scraper,dough scraper,d,a,w,c,[[Lens]]", "line 3: '[[Lens]]' holds '[' ']'"),
        ("scraper,dough scraper,d,a,w,c,Lens#Use", "line 3: 'Lens#Use' holds '#'"),
        (f"scraper,dough scraper,d,a,w,c,{'x' * 256}", "too long"),
        (GOOD, "line 3: sunglass has a row above"),
        ('scraper,"dough scraper', "this is not CSV"),
    ],
)
def test_each_mistake_is_one_sentence_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    assert told in refusal(tmp_path, GOOD, line)


def test_other_columns_are_refused_by_name(tmp_path: Path) -> None:
    assert "('titel')" in refusal(tmp_path, GOOD, header=HEADER.replace("title", "titel"))
    assert "('why')" in refusal(tmp_path, GOOD, header=HEADER.replace(",why", ""))
    assert "line 1" in refusal(tmp_path, header="")


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="cannot be read"):
        read_review(tmp_path / "none.csv", FOUND)
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\n\xe9")
    with pytest.raises(ToolkitError, match="not UTF-8"):
        read_review(tmp_path / "latin.csv", FOUND)


def test_a_mark_at_the_beginning_and_empty_lines_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_text(f"{HEADER}\n\n{GOOD}\n,,,,,,\n", encoding="utf-8-sig")
    assert read_review(path, FOUND) == {"sunglass": ("Burning glass",)}

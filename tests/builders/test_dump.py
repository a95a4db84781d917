"""Dumps are read one page at a time, and damaged ones are named."""

import bz2
import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewikiqa.builders import xml_pages
from imagewikiqa.builders.dump import licence_at, permanent_link, read_dump
from imagewikiqa.core.errors import ToolkitError

MINI = Path(__file__).parent.parent / "data" / "wiki" / "mini.xml"


def test_a_dump_gives_every_page_with_its_revision_link_and_licence() -> None:
    pages = list(read_dump(MINI))
    assert len(pages) == 12
    wolf = pages[0]
    assert (wolf.title, wolf.page_id, wolf.revision_id) == ("Red wolf", 1, 100)
    assert wolf.id == "en:1@100"
    assert wolf.url == "https://en.wikipedia.org/w/index.php?title=Red_wolf&oldid=100"
    assert wolf.license == "CC-BY-SA-3.0"
    assert wolf.source == "dump:mini.xml"
    assert pages[6].license == "CC-BY-SA-4.0"
    assert pages[1].redirect == "Red wolf"
    assert pages[7].namespace == 1


@pytest.mark.parametrize(("suffix", "pack"), [(".bz2", bz2.compress), (".gz", gzip.compress)])
def test_packed_dumps_read_like_plain_ones(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    raw = MINI.read_bytes()
    packed = tmp_path / f"mini.xml{suffix}"
    # Two streams in one file, as in the multistream dumps.
    packed.write_bytes(pack(raw[:3000]) + pack(raw[3000:]))
    expected = [(p.title, p.wikitext) for p in read_dump(MINI)]
    assert [(p.title, p.wikitext) for p in read_dump(packed)] == expected


@pytest.mark.parametrize("keep", [0, 100, 2000, 5000])
@pytest.mark.parametrize("suffix", ["", ".bz2", ".gz"])
def test_a_cut_dump_is_an_error_that_names_the_file(tmp_path: Path, suffix: str, keep: int) -> None:
    raw = MINI.read_bytes()
    path = tmp_path / f"cut.xml{suffix}"
    packed = {"": raw, ".bz2": bz2.compress(raw), ".gz": gzip.compress(raw)}[suffix]
    path.write_bytes(packed[: min(keep, len(packed) - 9)])
    with pytest.raises(ToolkitError, match=r"cut\.xml"):
        list(read_dump(path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html><body/></html>", "not a MediaWiki export"),
        (b"not xml at all", "not well-formed"),
        (b"<mediawiki><page><ns>0</ns></page></mediawiki>", "without a title"),
        (b"<mediawiki><page><title>A</title><id>x1</id></page></mediawiki>", "as a number"),
        (b"<mediawiki><page><title>A</title><id>--5</id></page></mediawiki>", "as a number"),
        (
            b"<mediawiki><page><title>A</title><id>%s</id></page></mediawiki>" % (b"5" * 5000),
            "as a number",
        ),
        (b'<!DOCTYPE m [<!ENTITY a "b">]><mediawiki>&a;</mediawiki>', "document type"),
        (b'<!DOCTYPE m SYSTEM "file:///etc/passwd"><mediawiki/>', "document type"),
        (b"<mediawiki>&undefined;</mediawiki>", "not well-formed"),
        (
            b"<mediawiki><page><title>A<b>B</b></title></page></mediawiki>",
            "has an element <b> within a text",
        ),
    ],
)
def test_a_file_that_is_no_dump_is_an_error_with_the_place(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "odd.xml"
    path.write_bytes(content)
    with pytest.raises(ToolkitError, match=f"{words}.*line 1"):
        list(read_dump(path))


def test_a_missing_or_mislabelled_file_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.xml", MINI.with_name("none.xml.bz2")):
        with pytest.raises(ToolkitError, match="cannot read the dump"):
            list(read_dump(path))
    mislabelled = tmp_path / "plain.xml.bz2"
    mislabelled.write_bytes(MINI.read_bytes())
    with pytest.raises(ToolkitError, match=r"plain\.xml\.bz2"):
        list(read_dump(mislabelled))


def test_the_last_of_several_revisions_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history.xml"
    path.write_text(
        '<mediawiki xml:lang="de"><page><title>Öl &amp; Essig</title><id>5</id>'
        "<revision><id>1</id><text>old</text></revision>"
        "<revision><id>2</id><contributor><id>99</id></contributor><text>new</text></revision>"
        "</page></mediawiki>",
        encoding="utf-8",
    )
    (page,) = read_dump(path)
    assert (page.wikitext, page.revision_id, page.page_id) == ("new", 2, 5)
    assert page.id == "de:5@2"
    assert page.url == "https://de.wikipedia.org/w/index.php?title=%C3%96l_%26_Essig&oldid=2"


def test_pages_without_ids_are_told_apart_by_title(tmp_path: Path) -> None:
    path = tmp_path / "bare.xml"
    path.write_text(
        "<mediawiki><page><title>A</title></page><page><title>B</title></page></mediawiki>"
    )
    assert [page.id for page in read_dump(path)] == ["dump:A", "dump:B"]


def test_links_quote_titles_and_licences_follow_the_date() -> None:
    assert permanent_link("https://x.org", "A?b", None) == "https://x.org/w/index.php?title=A%3Fb"
    assert licence_at("2023-06-06T23:59:59Z") == "CC-BY-SA-3.0"
    assert licence_at("2023-06-07T00:00:00Z") == "CC-BY-SA-4.0"


def test_memory_does_not_grow_with_the_dump(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    page = f"<page><title>T</title><revision><text>{'word ' * 4000}</text></revision></page>\n"
    with path.open("w") as stream:
        stream.write("<mediawiki>\n")
        for _ in range(1500):
            stream.write(page)
        stream.write("</mediawiki>")
    assert path.stat().st_size > 30_000_000
    tracemalloc.start()
    count = sum(1 for _ in read_dump(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 1500
    assert peak < 6_000_000


def test_elements_count_where_they_stand_and_by_their_local_names(tmp_path: Path) -> None:
    path = tmp_path / "odd.xml"
    path.write_text(
        '<m:mediawiki xmlns:m="x" xml:lang="fr"><m:siteinfo><m:base>https://fr.example/w</m:base>'
        "</m:siteinfo><log><page><title>Not a page</title></page></log><m:page><m:title>A</m:title>"
        "<upload><id>4</id><text>no</text></upload><title2>B</title2><m:id>3</m:id><m:revision>"
        "<contributor><id>8</id><text>no</text></contributor><m:id>30</m:id><discussion><id>5</id>"
        "</discussion><m:text>yes</m:text></m:revision></m:page></m:mediawiki>"
    )
    (page,) = read_dump(path)
    assert (page.title, page.page_id, page.revision_id, page.wikitext) == ("A", 3, 30, "yes")
    assert page.url == "https://fr.example/w/index.php?title=A&oldid=30"


def test_real_dumps_are_read_whole(shared_data: Path) -> None:
    gensim = list(read_dump(shared_data / "wiki_xml" / "enwiki_2016_gensim.xml.bz2"))
    assert len(gensim) == 103
    assert sum(page.redirect is not None for page in gensim) == 50
    assert {"Abacus", "Aardvark"} <= {page.title for page in gensim}
    assert (
        len(list(read_dump(shared_data / "wiki_xml" / "enwiki_2021_dbpedia_minidump.xml.bz2")))
        == 14
    )


@pytest.mark.parametrize(
    ("head", "unit", "tail", "words"),
    [
        (b"<mediawiki>", b"<a>", b"", "32 elements within each other"),
        (b'<mediawiki a="', b"x" * 997, b'"/>', "tag or comment of more than 1,000,000 bytes"),
        (b"<mediawiki><!--", b"x" * 997, b"--></mediawiki>", "tag or comment of more than"),
    ],
)
def test_xml_that_would_fill_memory_is_refused_and_long_text_outside_pages_is_read_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    head: bytes, unit: bytes, tail: bytes, words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(xml_pages, "TEXT_LIMIT", 1_000_000)
    path = tmp_path / "bomb.xml"
    path.write_bytes(head + unit * 3000 + tail)
    with pytest.raises(ToolkitError, match=words):
        list(read_dump(path))
    path.write_bytes(b"<mediawiki><log>" + b"x" * 3_000_000 + b"</log></mediawiki>")
    assert list(read_dump(path)) == []

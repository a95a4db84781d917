"""Multistream dumps: the same pages by one reader or many, and some titles without the rest."""

import bz2
import os
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders import dump as dump_module
from imagewikiqa.builders import packed
from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.dump_index import locate
from imagewikiqa.builders.multistream import find_pages
from imagewikiqa.builders.raw import normal_title
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.spread import spread
from tests.builders.dump_files import (
    HEAD,
    INDEX,
    NAME,
    TAIL,
    Draft,
    page_xml,
    pages_xml,
    write_multistream,
    write_plain,
)

DRAFTS = [
    Draft("Tiger", "Tigers & lions."),
    Draft("Star: the film", "A film."),
    Draft('"Heroes"', "A song."),
    Draft("AT&T", "A firm."),
    Draft("Panthera tigris", "#REDIRECT [[Tiger]]", redirect="Tiger"),
    Draft("Talk:Tiger", "Talk.", namespace=1),
    Draft("Lion", "Lions."),
]
TITLES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cn"),
                  exclude_characters="#|<>[]{}_:"),
    min_size=1, max_size=12,
).map(normal_title).filter(lambda title: title and normal_title(title) == title)  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cn", "Cc")), max_size=60)
PAGES = st.lists(
    st.builds(Draft, TITLES, TEXTS, st.none() | TITLES, st.sampled_from([0, 0, 0, 1])),
    max_size=12,
    unique_by=lambda draft: draft.title,
)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the work of processes be done by this one, and give each a single stream."""
    monkeypatch.setattr(dump_module, "spread", lambda function, tasks, _: map(function, tasks))
    monkeypatch.setattr(dump_module, "_SPAN", 1)


@given(drafts=PAGES, per_stream=st.integers(1, 5), apart=st.booleans(), window=st.integers(10, 99))
def test_streams_of_any_length_read_like_one(
    drafts: list[Draft], per_stream: int, apart: bool, window: int
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        written = write_multistream(folder, drafts, per_stream, tail_apart=apart)
        single = write_plain(folder / NAME.removesuffix(".bz2"), drafts)
        packed_single = folder / "single.xml.bz2"
        packed_single.write_bytes(bz2.compress(single.read_bytes()))
        patch.setattr(dump_module, "spread", lambda function, tasks, _: map(function, tasks))
        patch.setattr(dump_module, "_SPAN", 1)
        patch.setattr(packed, "_SCANNED", window)
        expected = [(draft.title, draft.text, draft.namespace) for draft in drafts]
        one = list(read_dump(written))
        assert [(page.title, page.wikitext, page.namespace) for page in one] == expected
        assert list(read_dump(written, workers=2)) == one
        for path in (single, packed_single):
            found = [(page.title, page.wikitext, page.url, page.id) for page in read_dump(path)]
            assert found == [(page.title, page.wikitext, page.url, page.id) for page in one]


@given(drafts=PAGES, per_stream=st.integers(1, 5), data=st.data())
def test_any_titles_are_found_as_in_a_whole_reading(
    drafts: list[Draft], per_stream: int, data: st.DataObject
) -> None:
    drafts = [*drafts, Draft("Ωmega")]
    names = st.sampled_from([draft.title for draft in drafts]) | TITLES
    titles = data.draw(st.sets(names, max_size=6))
    with tempfile.TemporaryDirectory() as name:
        written = write_multistream(Path(name), drafts, per_stream)
        found = find_pages(written, written.with_name(INDEX), titles, listing=3)
        whole = list(read_dump(written))
    assert list(found.pages) == [page for page in whole if page.title in titles]
    others = [(page.page_id, page.title) for page in whole if page.title not in titles]
    assert [(one.page_id, one.title) for one in found.others] == others[:3]
    assert (found.listed, found.language) == (len(drafts), "en")


@pytest.mark.parametrize("workers", [2, 3])
def test_worker_processes_give_the_pages_in_the_order_of_the_dump(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = [Draft(f"Page {number}", os.urandom(40).hex()) for number in range(230)]
    written = write_multistream(tmp_path, drafts, 2)
    monkeypatch.setattr(dump_module, "_SPAN", 400)
    assert list(read_dump(written, workers=workers)) == list(read_dump(written))
    titles = {draft.title for draft in drafts[::2]}
    index = written.with_name(INDEX)
    one = find_pages(written, index, titles)
    assert find_pages(written, index, titles, workers=workers) == one
    assert [page.title for page in one.pages] == [draft.title for draft in drafts[::2]]


def test_the_error_of_a_worker_is_the_same_sentence(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    data = written.read_bytes()
    written.write_bytes(data[:-8])
    with pytest.raises(ToolkitError, match=r"cannot read the dump .* of the streams at bytes"):
        list(read_dump(written, workers=2))


def test_a_worker_that_dies_is_a_sentence() -> None:
    with pytest.raises(ToolkitError, match="a worker process ended.*fewer --workers"):
        list(spread(os._exit, [3, 3, 3], 2))


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("limit", [0, 300, 10_000_000])
def test_streams_too_large_for_a_worker_are_read_by_the_parent(
    tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_multistream(tmp_path, DRAFTS, 3)
    monkeypatch.setattr(dump_module, "_XML_LIMIT", limit)
    assert list(read_dump(written, workers=2)) == list(read_dump(written))


@pytest.mark.usefixtures("here")
def test_streams_cut_anywhere_are_read_in_one_line(tmp_path: Path) -> None:
    text = (HEAD + "".join(pages_xml(DRAFTS)) + TAIL).encode()
    path = tmp_path / "pieces.xml.bz2"
    for cut in (10, len(HEAD), len(HEAD) + 200):
        pieces = [text[:cut], *(text[at : at + 500] for at in range(cut, len(text), 500))]
        path.write_bytes(b"".join(map(bz2.compress, pieces)))
        if cut == len(HEAD):  # this one looks like whole pages, and is none
            with pytest.raises(ToolkitError, match="hold no whole pages.*--workers 1"):
                list(read_dump(path, workers=2))
            continue
        assert [page.title for page in read_dump(path, workers=2)] == [d.title for d in DRAFTS]


def stream_ends(data: bytes) -> list[int]:
    """Return where each stream of a dump ends."""
    ends = [at for at in range(1, len(data)) if data[at : at + 10].endswith(b"1AY&SY")]
    return [*[at for at in ends if data[at : at + 3] == b"BZh"], len(data)]


def broken(data: bytes, how: str) -> bytes:
    """Return the bytes of a dump with a fault in or after its second stream."""
    _, _, third, *_ = [0, *stream_ends(data)]
    return {
        "rubbish between streams": data[:third] + b"rubbish" + data[third:],
        "a changed byte": data[: third - 9] + bytes([data[third - 9] ^ 255]) + data[third - 8 :],
        "an end too early": data[:third] + bz2.compress(TAIL.encode()) + data[third:],
        "no end": data[: stream_ends(data)[-2]],
        "a stream within a page": data[:third] + bz2.compress(b"<page>") + data[third:],
        "a cut": data[: third - 5],
    }[how]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "how",
    ["rubbish between streams", "a changed byte", "an end too early", "no end",
     "a stream within a page", "a cut"],
)  # fmt: skip
def test_a_damaged_multistream_dump_is_one_sentence_for_any_workers(
    tmp_path: Path, how: str, workers: int
) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    written.write_bytes(broken(written.read_bytes(), how))
    with pytest.raises(ToolkitError, match=NAME):
        list(read_dump(written, workers=workers))


@pytest.mark.usefixtures("here")
def test_bytes_after_the_last_stream_are_left_as_bzip2_leaves_them(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    whole = list(read_dump(written))
    written.write_bytes(written.read_bytes() + b"\0\0\0\0")
    assert list(read_dump(written)) == list(read_dump(written, workers=2)) == whole


def test_titles_are_found_whatever_the_index_does_to_them(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 3)
    index = written.with_name(INDEX)
    titles = {"Star: the film", '"Heroes"', "AT&T", "Panthera tigris", "Nothing"}
    found = find_pages(written, index, titles, besides={"Tiger"}, listing=9)
    assert [page.title for page in found.pages] == [draft.title for draft in DRAFTS[1:5]]
    assert found.pages[-1].redirect == "Tiger"
    assert [one.title for one in found.others] == ["Talk:Tiger", "Lion"]
    lines = bz2.decompress(index.read_bytes()).decode().replace("&quot;", '"').replace("&amp;", "&")
    index.write_bytes(bz2.compress(lines.encode()))
    assert find_pages(written, index, titles).pages == found.pages
    plain = written.with_name(INDEX.removesuffix(".bz2"))
    plain.write_text(lines, encoding="utf-8")
    assert find_pages(written, plain, titles).pages == found.pages


def change_index(index: Path, change: Callable[[str], str]) -> None:
    """Write an index again, changed."""
    text = bz2.decompress(index.read_bytes()).decode()
    index.write_bytes(bz2.compress(change(text).encode()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(text[:3], "9999999", 1), "whose pages are in bytes"),
        (lambda text: text.replace(text[:3], "3", 1), "whose pages are in bytes"),
        (lambda text: text.replace(text[:3], str(int(text[:3]) + 1), 1), "and none does"),
        (lambda text: text.replace(":1:Tiger", ":1:Lion"), "that page is 'Tiger' there"),
        (lambda text: text.replace(":1:Tiger", ":77:Tiger"), "and it is not there"),
        (lambda text: text.replace(":1:Tiger", ":77:Tiger"), "of one date"),
        (lambda text: "no index\n", "lines are not offset:page_id:title"),
        (lambda text: "x:1:Tiger\n", "is no number"),
        (lambda text: "5" * 30 + ":1:Tiger\n", "is no number"),
        (lambda text: "9" * 99_999, "a line has more than"),
        (lambda text: text * 2000, "too many lines have the same titles"),
        (lambda text: "", "lists no page"),
    ],
)
def test_an_index_that_is_wrong_is_one_sentence(
    tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    index = written.with_name(INDEX)
    change_index(index, change)
    many = {f"Title {number}" for number in range(3)}
    with pytest.raises(ToolkitError, match=words) as caught:
        find_pages(written, index, {"Tiger", "Lion"} | many)
    assert INDEX in str(caught.value) and "download" in str(caught.value)


def test_a_page_that_claims_another_title_is_not_taken_for_the_wanted_one(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    index = written.with_name(INDEX)
    change_index(index, lambda text: text.replace(":7:Lion", ":7:Ant"))
    with pytest.raises(ToolkitError, match=r"says that 'Ant' \(page 7\).*that page is 'Lion'"):
        find_pages(written, index, {"Ant"})
    assert find_pages(written, index, {"Lion"}).pages == ()


def test_a_damaged_index_or_a_dump_of_one_stream_is_one_sentence(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    index = written.with_name(INDEX)
    good = index.read_bytes()
    for bad in (good[:-9], b"", b"no bz2", good[:20] + b"\xff" + good[21:]):
        index.write_bytes(bad)
        with pytest.raises(ToolkitError, match=f"cannot read the index {INDEX}"):
            find_pages(written, index, {"Tiger"})
    index.write_bytes(good)
    written.write_bytes(bz2.compress((HEAD + page_xml(1, DRAFTS[0]) + TAIL).encode()))
    with pytest.raises(ToolkitError, match="not made of streams"):
        find_pages(written, index, {"Tiger"})
    written.write_bytes(b"BZh9")
    with pytest.raises(ToolkitError, match="cannot read the dump"):
        find_pages(written, index, {"Tiger"})


def test_only_the_streams_of_the_titles_are_unpacked(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 1)
    data = bytearray(written.read_bytes())
    lion = stream_ends(bytes(data))[len(DRAFTS) - 1]
    for at in range(stream_ends(bytes(data))[1], lion - 4):  # all between Tiger and Lion
        data[at] = 0
    written.write_bytes(data)
    found = find_pages(written, written.with_name(INDEX), {"Tiger", "Lion"})
    assert [page.title for page in found.pages] == ["Tiger", "Lion"]
    with pytest.raises(ToolkitError, match="AT&T|cannot read|none does"):
        find_pages(written, written.with_name(INDEX), {"AT&T"})


def test_an_index_is_scanned_in_little_memory(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    index = written.with_name(INDEX)
    lines = "".join(f"999999:{number}:Filler page {number}\n" for number in range(200_000))
    change_index(index, lambda text: lines + text)
    tracemalloc.start()
    found = find_pages(written, index, {"Lion"}, listing=5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.listed, len(found.others)) == (200_000 + len(DRAFTS), 5)
    assert peak < 6_000_000 < len(lines)


def test_a_dump_and_its_index_name_each_other(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    index = written.with_name(INDEX)
    assert locate(written) == locate(index)
    assert (locate(written).dump, locate(written).index) == (written, index)
    plain = index.with_suffix("")
    index.rename(plain)
    assert locate(written).index == locate(plain).index == plain
    part = tmp_path / "enwiki-latest-pages-articles-multistream2.xml-p1p9.bz2"
    its = tmp_path / "enwiki-latest-pages-articles-multistream-index2.txt-p1p9.bz2"
    for file in (part, its):
        file.write_bytes(b"")
    assert locate(part) == locate(its)
    assert locate(part).index == its
    odd = tmp_path / "odd.xml"
    odd.write_bytes(b"")
    assert locate(odd).index is None


def test_an_index_without_its_dump_or_of_another_date_is_one_sentence(tmp_path: Path) -> None:
    written = write_multistream(tmp_path, DRAFTS, 2)
    other = tmp_path / INDEX.replace("20240101", "20231201")
    (tmp_path / INDEX).rename(other)
    with pytest.raises(ToolkitError, match="20231201.* is of another date"):
        locate(written)
    with pytest.raises(ToolkitError, match="no dump enwiki-20231201.*put both into one folder"):
        locate(other)
    (tmp_path / NAME.replace("20240101", "20231201")).write_bytes(b"")
    assert locate(written).index is None  # the other index has a dump of its own
    with pytest.raises(ToolkitError, match="there is no dump"):
        locate(tmp_path / "none.xml.bz2")


def test_real_pages_are_found_in_streams_as_the_published_tool_cuts_them(
    tmp_path: Path, shared_data: Path
) -> None:
    single = shared_data / "wiki_xml" / "enwiki_2016_gensim.xml.bz2"
    head, *pages = bz2.decompress(single.read_bytes()).split(b"  <page>\n")
    pages[-1], tail, _ = pages[-1].partition(b"</mediawiki>")
    packed_dump, lines = bz2.compress(head), []
    for first in range(0, len(pages), 10):
        group = [b"  <page>\n" + page for page in pages[first : first + 10]]
        for page in group:  # the tool copies title and id from lines of XML
            title, number = (page.split(tag)[1].split(b"<")[0] for tag in (b"<title>", b"<id>"))
            lines.append(b"%d:%s:%s\n" % (len(packed_dump), number, title))
        packed_dump += bz2.compress(b"".join(group))
    written, index = tmp_path / NAME, tmp_path / INDEX
    written.write_bytes(packed_dump + bz2.compress(tail))
    index.write_bytes(bz2.compress(b"".join(lines)))
    whole = [(page.title, page.id, page.url, page.wikitext) for page in read_dump(single)]
    found = find_pages(written, index, [title for title, *_ in whole])
    assert [(page.title, page.id, page.url, page.wikitext) for page in found.pages] == whole
    again = read_dump(written, workers=2)
    assert [(page.title, page.id, page.url, page.wikitext) for page in again] == whole
    assert len(whole) == found.listed == 103

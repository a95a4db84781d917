"""A source of pages is read once a run: the match is kept while nothing changes that decides it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagewikiqa.builders.pages import MatchedPage, Source, open_source
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.cli.matching import matched_pages
from imagewikiqa.core.records import ClassEntry, Reject

CLASSES = (ClassEntry(id="c1", name="Tiger"), ClassEntry(id="c2", name="Lion"))
TEXT = 'Text with \u2028 a separator, \U0001f405, "quotes" and\ta tab.\n'


@pytest.fixture
def opened() -> list[str]:
    """Return the sources that were read, one more whenever one is read from its start."""
    return []


@pytest.fixture
def find(tmp_path: Path, opened: list[str]) -> Callable[..., list[MatchedPage]]:
    """Return a function that matches a small dump into one work folder, by default in one way."""
    pages = "".join(
        f"<page><title>{title}</title><ns>0</ns><id>{number}</id><revision><id>1{number}</id>"
        f"<text>{TEXT} {title}</text></revision></page>"
        for number, title in enumerate(["Tiger", "Lion", "Ant"], start=1)
    )
    for name in ("d.xml", "renamed.xml"):
        text = f"<mediawiki xml:lang='en'>{pages}</mediawiki>"
        (tmp_path / name).write_text(text, encoding="utf-8")

    def call(name: str = "d.xml", key: str = "k") -> list[MatchedPage]:
        spec = f"dump:{tmp_path / name}"

        def read() -> Iterator[RawPage | Reject]:
            opened.append(spec)
            return iter(open_source(spec))

        return matched_pages(Source(spec=spec, read=read), CLASSES, tmp_path / "work", key)

    return call


def test_a_kept_match_is_the_match_and_the_source_stays_closed(
    find: Callable[..., list[MatchedPage]], opened: list[str], tmp_path: Path
) -> None:
    first = find()
    assert [(page.raw.title, page.class_ids) for page in first] == [
        ("Tiger", ("c1",)), ("Lion", ("c2",))
    ]  # fmt: skip
    assert first[0].raw.wikitext == f"{TEXT} Tiger"
    rejects = (tmp_path / "work" / "match.rejects.jsonl").read_bytes()
    assert b"no class asks for this page" in rejects
    assert find() == first
    assert (tmp_path / "work" / "match.rejects.jsonl").read_bytes() == rejects
    assert len(opened) == 1


@pytest.mark.parametrize("change", [{"key": "other"}, {"name": "renamed.xml"}])
def test_what_decides_otherwise_reads_the_source_again(
    find: Callable[..., list[MatchedPage]], opened: list[str], change: dict[str, str]
) -> None:
    find()
    again = find(**change)
    assert len(opened) == 2
    assert again[0].raw.source == f"dump:{change.get('name', 'd.xml')}"


@pytest.mark.parametrize("name", ["match.jsonl", "match.rejects.jsonl", "match.json"])
@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(b"{")])
def test_what_is_lost_or_damaged_is_made_again(
    find: Callable[..., list[MatchedPage]],
    opened: list[str],
    tmp_path: Path,
    name: str,
    spoil: Callable[[Path], object],
) -> None:
    first, work = find(), tmp_path / "work"
    before = {file.name: file.read_bytes() for file in work.iterdir()}
    spoil(work / name)
    assert find() == first
    assert len(opened) == 2
    assert {file.name: file.read_bytes() for file in work.iterdir()} == before

"""A folder of wikitext files is a source of pages."""

from pathlib import Path

import pytest

from imagewikiqa.builders.folder import read_folder
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Reject

HEADER = "file,title,page_id,revision_id,revision_timestamp,url,language,license,class_id\n"


def raw_pages(folder: Path) -> list[RawPage]:
    return [page for page in read_folder(folder) if isinstance(page, RawPage)]


def test_file_names_become_titles_in_order(tmp_path: Path) -> None:
    for name in ("red_wolf.txt", "T-shirt.wiki", "Abacus.wikitext", "notes.md"):
        (tmp_path / name).write_text("Text.")
    pages = raw_pages(tmp_path)
    assert [(p.title, p.alias) for p in pages] == [
        ("Abacus", None),
        ("T shirt", "T-shirt"),
        ("Red wolf", None),
    ]
    wolf = pages[-1]
    assert (wolf.id, wolf.url, wolf.license) == (
        "folder:red_wolf",
        "folder:red_wolf.txt",
        "unknown",
    )
    assert wolf.page_id is None and wolf.revision_id is None


def test_a_redirect_file_says_where_it_points(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("#redirect [[red_wolf#Range]]")
    (tmp_path / "b.txt").write_text("#WEITERLEITUNG [[Wolf]]")
    assert [page.redirect for page in raw_pages(tmp_path)] == ["Red wolf", "Wolf"]


def test_the_sidecar_describes_its_files(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("Text.")
    row = "x.txt,Red wolf,26,99,2021-01-01T00:00:00Z,https://x.org/1,en,CC-BY-SA-3.0,n02114712\n"
    (tmp_path / "pages.csv").write_text(HEADER + row)
    (page,) = raw_pages(tmp_path)
    assert (page.title, page.id, page.url) == ("Red wolf", "en:26@99", "https://x.org/1")
    assert (page.license, page.class_id, page.alias) == ("CC-BY-SA-3.0", "n02114712", None)


@pytest.mark.parametrize(
    ("sidecar", "words"),
    [
        ("title\nx\n", "no column 'file'"),
        ("file,colour\nx.txt,red\n", "unknown column 'colour'"),
        ("file,page_id\nx.txt,ten\n", "line 2: page_id 'ten'"),
        (f"file,page_id\nx.txt,{'5' * 5000}\n", "line 2: page_id '555"),
        ("file\nx.txt\nx.txt\n", "line 3: 'x.txt' is there twice"),
        ("file\ny.txt\n", "no wikitext file 'y.txt'"),
        ("file,page_id,revision_id\nx.txt,1,2\nz.txt,1,2\n", "page 1 at revision 2 is there twice"),
        ("file,title\nx.txt,a,b\n", "more values than columns"),
        ("", "no column 'file'"),
    ],
)
def test_a_wrong_sidecar_is_an_error_with_its_line(
    tmp_path: Path, sidecar: str, words: str
) -> None:
    (tmp_path / "x.txt").write_text("Text.")
    (tmp_path / "pages.csv").write_text(sidecar)
    with pytest.raises(ToolkitError, match=words):
        list(read_folder(tmp_path))


def test_a_file_that_is_not_utf8_is_one_reject(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"caf\xe9")
    (tmp_path / "good.txt").write_text("Text.")
    bad, good = read_folder(tmp_path)
    assert isinstance(bad, Reject) and bad.reason == "not UTF-8"
    assert isinstance(good, RawPage)


def test_folders_without_pages_or_with_two_of_a_name_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="has no wikitext file"):
        list(read_folder(tmp_path))
    with pytest.raises(ToolkitError, match="there is no folder"):
        list(read_folder(tmp_path / "none"))
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.wiki").write_text("x")
    with pytest.raises(ToolkitError, match="several files named 'a'"):
        list(read_folder(tmp_path))

"""Files are fetched whole or not at all, once, and never more of them than allowed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from imagewikiqa.builders.commons.describe import describe
from imagewikiqa.builders.commons.media import MediaClient, MediaStore, key_of
from imagewikiqa.builders.commons.records import FileFacts
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.commons.settings import commons_site
from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.core.errors import ToolkitError

from .commons_site import CommonsServer, CommonsSite
from .world import CLASSES, RULES, article, file, gather, tree

SITE = commons_site("operator@lab.test")
UPLOAD = "https://upload.wikimedia.org/wikipedia/commons/a/ab/X.jpg"
THUMB = "https://thumb.wikimedia.org/wikipedia/commons/thumb/a/ab/X.jpg/960px-X.jpg"


def facts(fetch_url: str = THUMB) -> FileFacts:
    return FileFacts(
        id="File:X.jpg", url=UPLOAD, fetch_url=fetch_url, source_page="s", mime="image/jpeg",
        bytes=1, width=1, height=1, sha1="0" * 40, uploaded="", uploader="", said={},
    )  # fmt: skip


def client(folder: Path, answer: httpx.MockTransport, cap: int = 1000) -> MediaClient:
    return MediaClient(SITE, Limiter("test", SITE.limits, folder), cap, answer)


def test_an_endless_answer_is_cut_at_the_limit(tmp_path: Path) -> None:
    handed = []

    def endless() -> Iterator[bytes]:
        while True:
            handed.append(100)
            yield b"x" * 100

    answer = httpx.MockTransport(lambda request: httpx.Response(200, content=endless()))
    with pytest.raises(RefusedError, match="too many bytes"):
        client(tmp_path, answer).fetch(facts())
    assert sum(handed) <= 1100


def test_files_come_from_wikimedias_hosts_only_and_by_https(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        away = {"location": "http://upload.wikimedia.org/x.jpg"}
        return httpx.Response(302, headers=away) if "960px" in asked[-1] else httpx.Response(200)

    fetcher = client(tmp_path, httpx.MockTransport(answer))
    with pytest.raises(RefusedError, match="address elsewhere"):
        fetcher.fetch(facts())
    for wrong in ("https://upload.wikimedia.org.evil.test/x.jpg", "file:///etc/passwd"):
        with pytest.raises((ToolkitError, httpx.UnsupportedProtocol)):
            fetcher.fetch(facts(wrong))
    assert asked == [THUMB]


def test_a_client_that_is_refused_stops_everything(tmp_path: Path) -> None:
    answer = httpx.MockTransport(lambda request: httpx.Response(403, text="blocked"))
    with pytest.raises(ToolkitError, match="refuses this client"):
        client(tmp_path, answer).fetch(facts())


def test_a_stored_file_is_found_by_its_original_and_width(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    assert key_of(facts(), 960) != key_of(facts(), 500) != key_of(facts(UPLOAD), 500)
    media = store.add(key_of(facts(), 960), b"pixels")
    assert MediaStore(tmp_path).find(key_of(facts(), 960)) == media
    assert MediaStore(tmp_path).find(key_of(facts(), 500)) is None


def test_a_cut_file_of_a_killed_run_is_not_taken_for_one(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    media = store.add("ab" + "0" * 38 + "-960", b"pixels")
    cut = (tmp_path / media.file).with_name(".part-ab1-960.0123")
    cut.write_bytes(b"pix")
    again = MediaStore(tmp_path)
    assert again.find("ab1-960") is None and again.find(".part-ab1-960") is None
    with again.only_writer():
        assert not cut.exists()


def test_two_collectors_at_once_fetch_each_file_once(tmp_path: Path) -> None:
    pages = [article(1, "Tiger", "x"), article(2, "Lion", "x")]
    files = [
        file(f"{n} {at}.jpg", 9 * at + len(n), n) for n in ("Tiger", "Lion") for at in range(6)
    ]
    with CommonsServer(CommonsSite(pages, files), RULES, delay=0.05) as server:
        threads = [
            threading.Thread(target=gather, args=(server, tmp_path, CLASSES, out))
            for out in ("one", "two")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(server.sent.values()) == {1} and len(server.sent) == 12
    assert server.record.violations == []
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_where_readers_come_from_is_no_part_of_an_address(tmp_path: Path) -> None:
    info = {"url": f"{UPLOAD}?utm_source=commons&utm_content=original", "thumburl": UPLOAD,
            "descriptionurl": "//commons.wikimedia.org/wiki/File:X.jpg", "sha1": "0" * 40,
            "size": 1, "width": 1, "height": 1, "mime": "image/jpeg"}  # fmt: skip
    page = {"ns": 6, "title": "File:X.jpg", "imageinfo": [info]}
    answer = httpx.MockTransport(
        lambda request: httpx.Response(200, json={"query": {"pages": [page]}})
    )
    with open_store(tmp_path / "store") as store:
        limiter = Limiter("test", SITE.limits, tmp_path)
        with WikiApi(SITE, store, limiter=limiter, inner=answer) as api:
            found = describe(["File:X.jpg"], api, 960)["File:X.jpg"]
    assert isinstance(found, FileFacts) and found.is_original and found.url == UPLOAD
    assert found.source_page == "https://commons.wikimedia.org/wiki/File:X.jpg"

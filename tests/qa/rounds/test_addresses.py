"""Every picture is loaded as a browser would before a round opens."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.rounds.addresses import Pictures
from imagewikiqa.qa.rounds.plan import MEDIA

ORIGIN = "http://label.example"
NAMES = ("a.jpg", "b.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a round folder with two pictures."""
    for name in NAMES:
        (tmp_path / MEDIA).mkdir(parents=True, exist_ok=True)
        (tmp_path / MEDIA / name).write_bytes(f"picture {name}".encode())
    return tmp_path


class Web(ThreadingHTTPServer):
    """Serves the media folder, spoilt as a test asks."""

    def __init__(self, media: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.media = media
        self.allowed: str | None = "*"
        self.missing: set[str] = set()
        self.other: set[str] = set()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_address[1]}/pics"


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.send_response(404 if name in self.server.missing else 200)
        if self.server.allowed:
            self.send_header("Access-Control-Allow-Origin", self.server.allowed)
        self.end_headers()
        self.wfile.write(
            b"x" if name in self.server.other else (self.server.media / name).read_bytes()
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


@pytest.fixture
def web(folder: Path) -> Iterator[Web]:
    """Return a running web server of the pictures."""
    server = Web(folder / MEDIA)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def check(folder: Path, spec: str) -> None:
    Pictures(spec, folder).check(NAMES, httpx.get, ORIGIN)


def test_sound_pictures_pass(folder: Path, web: Web) -> None:
    check(folder, web.url)
    web.allowed = ORIGIN
    check(folder, web.url)


def test_a_missing_picture_is_named(folder: Path, web: Web) -> None:
    web.missing.add("b.jpg")
    with pytest.raises(ToolkitError, match=r"b\.jpg answers 404: copy .*pictures there"):
        check(folder, web.url)


def test_other_bytes_are_refused(folder: Path, web: Web) -> None:
    web.other.add("a.jpg")
    with pytest.raises(ToolkitError, match=r"a\.jpg gives other bytes"):
        check(folder, web.url)


@pytest.mark.parametrize("allowed", [None, "http://elsewhere.example"])
def test_a_picture_that_browsers_would_block_is_refused(
    allowed: str | None, folder: Path, web: Web
) -> None:
    web.allowed = allowed
    with pytest.raises(ToolkitError, match="Access-Control-Allow-Origin"):
        check(folder, web.url)


def test_a_host_that_does_not_answer_is_said(folder: Path) -> None:
    with pytest.raises(ToolkitError, match="cannot be loaded"):
        check(folder, "http://127.0.0.1:9/pics")


def test_embedded_and_local_pictures_have_addresses_of_their_own(folder: Path) -> None:
    assert Pictures("embed", folder).address_of("a.jpg").startswith("data:image/jpeg;base64,")
    local = Pictures("local:rounds/one", folder)
    assert local.address_of("a.jpg") == "/data/local-files/?d=rounds/one/a.jpg"


@pytest.mark.parametrize("spec", ["", "local:", "ftp://x/y", "file:///etc", "javascript:x"])
def test_any_other_way_is_refused(spec: str, folder: Path) -> None:
    with pytest.raises(ToolkitError, match="--media cannot be"):
        Pictures(spec, folder)

"""The doctor finds nothing at a server of ours, and each weakness of one that has it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from imagewikiqa.qa.label_studio.client import Server
from imagewikiqa.qa.label_studio.doctor import Finding, examine
from imagewikiqa.qa.label_studio.environment import Environment
from imagewikiqa.qa.label_studio.people import Account, access_token
from imagewikiqa.qa.label_studio.process import running_server
from tests.label_studio import Running


def bad(found: list[Finding]) -> list[str]:
    return [one.what for one in found if one.level == "bad"]


def webhooks(url: str, token: str) -> object:
    """Return the webhooks of a server."""
    server = Server(url, token)
    try:
        return server.get("/api/webhooks/").json()
    finally:
        server.close()


def test_a_server_of_ours_has_no_bad_finding_and_nothing_is_left_behind(
    label_studio: Running,
) -> None:
    before = label_studio.projects()
    found = list(examine(label_studio.url, label_studio.token))
    assert bad(found) == [] and len(found) >= 7
    assert all(one.advice for one in found if one.level != "good")
    assert label_studio.projects() == before
    assert webhooks(label_studio.url, label_studio.token) == []


def test_each_weakness_of_a_careless_server_is_found(
    server_environment: Environment, tmp_path: Path
) -> None:
    careless = {
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "false",
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "SSRF_PROTECTION_ENABLED": "false",
    }
    with running_server(server_environment, tmp_path, settings=careless) as server:
        token = access_token(server.url, Account(server.email, server.password))
        said = " ".join(bad(list(examine(server.url, token))))
        assert webhooks(server.url, token) == []
    assert "can sign up" in said and "Legacy tokens" in said and "SSRF" in said


def test_a_legacy_token_is_told_from_a_personal_one(label_studio: Running) -> None:
    said = " ".join(bad(list(examine(label_studio.url, "a" * 40))))
    assert "legacy token" in said and "refuses the token" in said


def test_without_a_token_only_the_outside_is_looked_at(label_studio: Running) -> None:
    found = list(examine(label_studio.url, None))
    assert bad(found) == [] and "only the outside" in found[-1].what


def test_a_dead_address_is_one_sentence() -> None:
    (found,) = examine("http://127.0.0.1:9", None)
    assert found.level == "bad" and "No server answers" in found.what


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer anything with a page."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


class _NoForms(_Handler):
    """Stands for a Label Studio behind a proxy with which it refuses every form."""

    def do_GET(self) -> None:
        """Say the version to whoever asks for anything."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"release": "1.23.2", "edition": "Community"}')

    def do_POST(self) -> None:
        """Refuse a form, as for want of a token in it."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403)
        self.end_headers()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a port of this machine and give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_another_web_server_is_told_apart() -> None:
    with serving(_Handler) as url:
        (found,) = examine(url, None)
    assert found.level == "bad" and "no Label Studio" in found.what


def test_a_server_that_refuses_every_form_is_not_taken_for_closed() -> None:
    with serving(_NoForms) as url:
        found = list(examine(url, None))
    assert [one.level for one in found if "sign up" in one.what] == ["doubtful"]

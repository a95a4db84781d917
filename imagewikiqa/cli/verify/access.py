"""The server of a round: its address and token, and what this folder knows of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import Part
from imagewikiqa.core.runs import pretty
from imagewikiqa.qa.label_studio.client import TOKEN, Server
from imagewikiqa.qa.label_studio.people import access_token
from imagewikiqa.qa.label_studio.process import administrator

STATE = "server.json"
SERVER = "server"  # folder of a round: database, accounts and log of a server of its own
URL = "LABEL_STUDIO_URL"


class Known(Part):
    """What a round folder knows of its server: server.json, without any secret."""

    url: str
    media: str = "embed"
    document_root: str | None = Field(None, description="folder on the server, for local:")
    own: bool = Field(False, description="a server that verify serve runs")
    projects: dict[str, int] = Field(default_factory=dict, description="project id by rater")


def read_known(folder: Path, url: str | None = None) -> Known | None:
    """Return what an earlier push left; None before one or for another server."""
    file = folder / STATE
    if not file.is_file():
        return None
    try:
        known = Known.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise ToolkitError(
            f"{file} is damaged: delete it and push again, the projects are found by their marker"
        ) from error
    return known if url is None or known.url == url.rstrip("/") else None


def write_known(folder: Path, known: Known) -> None:
    """Keep what is known of the server."""
    publish_text(folder / STATE, pretty(known.model_dump(mode="json")))


def server_url(folder: Path | None, given: str | None) -> str:
    """Return --url, LABEL_STUDIO_URL or that of the last push. Raises ToolkitError for none."""
    known = read_known(folder) if folder else None
    url = given or os.environ.get(URL) or (known.url if known else None)
    if not url:
        raise ToolkitError(f"which server? Give --url or set {URL}, as in http://127.0.0.1:8080")
    if not url.startswith(("http://", "https://")):
        raise ToolkitError(f"--url {url!r} is no address: write it as in http://127.0.0.1:8080")
    return url.rstrip("/")


@contextmanager
def open_server(url: str, folder: Path, token: str | None = None) -> Iterator[Server]:
    """Open the server of a round with the token given, our own server's, or the environment's.

    Raises ToolkitError when there is none.
    """
    token = token or find_token(url, folder)
    if not token:
        raise ToolkitError(
            f"no token: make a personal access token in your account's settings at {url} and put "
            f"it into the environment variable {TOKEN}"
        )
    server = Server(url, token)
    try:
        yield server
    finally:
        server.close()


def find_token(url: str, folder: Path | None) -> str | None:
    """Return a new token where `verify serve` runs the server, else the environment's, if any."""
    if folder is not None:
        account, known = administrator(folder / SERVER), read_known(folder, url)
        if account and known and known.own:
            return access_token(url, account)
    return os.environ.get(TOKEN)

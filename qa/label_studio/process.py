"""A server for one machine: loopback only, nothing leaves it, stopped by its own process id."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish
from imagewikiqa.core.runs import held
from imagewikiqa.qa.label_studio.environment import (
    DATABASE,
    Environment,
    plain_environment,
    quiet_settings,
)
from imagewikiqa.qa.label_studio.people import Account

HOST = "127.0.0.1"
ADMIN = "admin@example.com"
_ADMIN_FILE = "admin.json"
BOOT = 240.0  # seconds; a first start on a busy machine takes 70
_STOP = 15.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    url: str
    email: str  # of its administrator
    password: str
    pid: int


@contextmanager
def running_server(
    place: Environment,
    data: Path,
    *,
    port: int | None = None,
    media_root: Path | None = None,
    settings: Mapping[str, str] = {},  # noqa: B006 - never changed
) -> Iterator[Running]:
    """Start a server over a data folder and stop it in the end; accounts and answers stay there.

    `media_root` is the folder whose pictures it may show; `settings` are further environment
    variables. The server is not hit by Ctrl-C in the terminal, so that what it holds can still be
    fetched. Raises ToolkitError when the folder is served already, the port is taken or the server
    does not come up.
    """
    with _alone(data):
        with _started(place, data, port, {**_media(media_root), **settings}) as server:
            yield server


@contextmanager
def _started(
    place: Environment, data: Path, asked: int | None, settings: Mapping[str, str]
) -> Iterator[Running]:
    _end_leftover(data)
    if not (data / DATABASE).exists():
        publish(data / DATABASE, [place.template.read_bytes()])
    port = _free_port(asked)  # a leftover server may have held the one asked for
    password = _password(data)
    env = {**plain_environment(), **quiet_settings(data), **settings}
    # By the environment, not the command line, which everybody on the machine can read.
    env |= {"LABEL_STUDIO_USERNAME": ADMIN, "LABEL_STUDIO_PASSWORD": password}
    command = [
        str(place.python), "-m", "label_studio.server", "start", "--no-browser",
        "--internal-host", HOST, "--port", str(port), "--data-dir", str(data),
        "--log-level", "WARNING",
    ]  # fmt: skip
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    (data / "server.pid").write_text(str(process.pid))
    try:
        url = f"http://{HOST}:{port}"
        _wait(process, url, data / "server.log")
        yield Running(url, ADMIN, password, process.pid)
    finally:
        _stop(process)
        (data / "server.pid").unlink(missing_ok=True)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold a data folder alone.

    Without it a second command would take the first one's server for a leftover and end it.
    """
    with explained(data, "make"):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    busy = f"{data} is served already: use that server, or stop it and run this again"
    with held(data / "server.lock", busy):
        yield


def _media(root: Path | None) -> dict[str, str]:
    if root is None:
        return {"LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "false"}
    return {
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(root.resolve()),
    }


def administrator(data: Path) -> Account | None:
    """Return the administrator of a data folder; None before its first start."""
    file = data / _ADMIN_FILE
    if not file.is_file():
        return None
    return Account(ADMIN, str(json.loads(file.read_text(encoding="utf-8"))["password"]))


def _password(data: Path) -> str:
    """Return the administrator's password of a data folder, made at its first start."""
    if (known := administrator(data)) is not None:
        return known.password
    file = data / _ADMIN_FILE
    password = secrets.token_urlsafe(15)
    publish(file, [json.dumps({"email": ADMIN, "password": password}).encode()], mode=0o600)
    return password


def _free_port(port: int | None) -> int:
    """Return a port nobody listens on: the one asked for, or any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port or 0))
        except OSError as error:
            raise ToolkitError(
                f"port {port} is taken: stop what listens there or give another --port"
            ) from error
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Wait until the server is up; say its last words when it is not."""
    end = time.monotonic() + BOOT
    while process.poll() is None and time.monotonic() < end:
        try:
            if httpx.get(f"{url}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass  # not yet
        time.sleep(0.25)
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise ToolkitError(
        f"Label Studio did not come up ({words[-1][:200] if words else 'it said nothing'}): "
        f"see {log}"
    )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_leftover(data: Path) -> None:
    """End the server of a command that was killed: two may not share a database."""
    file = data / "server.pid"
    if not file.is_file():
        return
    pid = file.read_text().strip()
    words = Path(f"/proc/{pid}/cmdline")
    if pid.isdigit() and words.is_file() and str(data).encode() in words.read_bytes():
        os.kill(int(pid), signal.SIGTERM)
        end = time.monotonic() + _STOP
        while words.exists() and time.monotonic() < end:
            time.sleep(0.1)
    file.unlink()

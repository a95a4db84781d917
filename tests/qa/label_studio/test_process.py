"""A server of ours listens to this machine alone, keeps its answers, and ends with its command."""

import json
import os
import socket
import stat
from pathlib import Path

import httpx
import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.label_studio.doctor import examine
from imagewikiqa.qa.label_studio.environment import DATABASE, Environment
from imagewikiqa.qa.label_studio.people import Account, access_token
from imagewikiqa.qa.label_studio.process import running_server


def alive(pid: int) -> bool:
    """Return whether a process runs."""
    state = Path(f"/proc/{pid}/status")
    return state.is_file() and "State:\tZ" not in state.read_text()


def test_a_stopped_server_is_taken_up_again_with_its_accounts_and_projects(
    server_environment: Environment, tmp_path: Path
) -> None:
    from imagewikiqa.qa.label_studio.client import Server

    with running_server(server_environment, tmp_path) as first:
        account = Account(first.email, first.password)
        server = Server(first.url, access_token(first.url, account))
        project = server.create_project(title="kept", label_config="<View></View>")
        server.close()
    assert not alive(first.pid) and not (tmp_path / "server.pid").exists()
    with running_server(server_environment, tmp_path) as second:
        assert second.password == first.password
        server = Server(second.url, access_token(second.url, account))
        assert [one["id"] for one in server.projects()] == [project]
        server.close()


def test_it_listens_to_this_machine_only_and_no_secret_is_shared_or_shown(
    server_environment: Environment, tmp_path: Path
) -> None:
    with running_server(server_environment, tmp_path) as server:
        port = int(server.url.rpartition(":")[2])
        listening = Path("/proc/net/tcp").read_text().splitlines()
        mine = [line.split()[1] for line in listening if line.split()[1].endswith(f":{port:04X}")]
        assert set(mine) == {f"0100007F:{port:04X}"}
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert server.password.encode() not in command
    secret = tmp_path / "admin.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert json.loads(secret.read_text())["password"] == server.password
    assert server.password not in (tmp_path / "server.log").read_text(errors="replace")
    assert not (server_environment.template.parent / ".env").exists()
    assert server_environment.template.name == DATABASE


def test_the_server_of_a_killed_command_is_ended_by_the_next(
    server_environment: Environment, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = os.fork()
    if child == 0:
        with running_server(server_environment, tmp_path, port=port):
            os._exit(0)  # as if killed: nothing is cleaned up
    os.waitpid(child, 0)
    left = int((tmp_path / "server.pid").read_text())
    assert alive(left)
    with running_server(server_environment, tmp_path, port=port) as server:
        assert not alive(left)
        assert httpx.get(f"{server.url}/health").status_code == 200
    assert not alive(server.pid)


def test_a_taken_port_is_one_sentence(server_environment: Environment, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ToolkitError, match=f"port {port} is taken"):
            with running_server(server_environment, tmp_path, port=port):
                pass


def test_a_server_that_dies_at_its_start_says_why(
    server_environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database")
    with pytest.raises(ToolkitError, match="Label Studio did not come up .*server.log"):
        with running_server(server_environment, tmp_path):
            pass
    assert not (tmp_path / "server.pid").exists()


def test_a_folder_that_is_served_already_is_left_to_its_server(
    server_environment: Environment, tmp_path: Path
) -> None:
    with running_server(server_environment, tmp_path) as server:
        with pytest.raises(ToolkitError, match="is served already"):
            with running_server(server_environment, tmp_path):
                pass
        assert httpx.get(f"{server.url}/health").status_code == 200


def test_the_settings_of_a_users_own_server_do_not_reach_ours(
    server_environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs.sqlite3"
    for name, value in {
        "LABEL_STUDIO_DATABASE_NAME": str(theirs),
        "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "false",
        "LABEL_STUDIO_API_KEY": "a-token-of-another-server",
        "SECRET_KEY": "shared",
    }.items():
        monkeypatch.setenv(name, value)
    with running_server(server_environment, tmp_path / "data") as server:
        inherited = Path(f"/proc/{server.pid}/environ").read_bytes()
        token = access_token(server.url, Account(server.email, server.password))
        found = list(examine(server.url, token))
    assert b"theirs" not in inherited and b"a-token" not in inherited and not theirs.exists()
    assert [one.what for one in found if one.level == "bad"] == []
    assert "shared" not in (tmp_path / "data" / ".env").read_text()


def test_no_other_name_leads_to_the_server(server_environment: Environment, tmp_path: Path) -> None:
    with running_server(server_environment, tmp_path) as server:
        port = server.url.rpartition(":")[2]
        evil = httpx.get(f"{server.url}/user/login/", headers={"Host": f"evil.example:{port}"})
        good = httpx.get(f"{server.url}/user/login/", headers={"Host": f"localhost:{port}"})
    assert (evil.status_code, good.status_code) == (400, 200)

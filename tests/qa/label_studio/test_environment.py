"""The server's environment is whole or not there, and says what went wrong."""

from importlib import resources
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.label_studio import environment as module
from imagewikiqa.qa.label_studio.environment import (
    Environment,
    environment,
    install,
    lock_text,
    quiet_settings,
    server_version,
)


def test_the_lock_pins_every_package_and_names_no_place() -> None:
    lines = lock_text().splitlines()
    assert all(line.count("==") == 1 and " " not in line for line in lines)
    assert server_version() == "1.23.2" and len(lines) > 100
    assert (resources.files("imagewikiqa.qa.label_studio") / module.LOCK).is_file()


def test_an_installed_server_is_left_alone(server_environment: Environment) -> None:
    said: list[str] = []
    install(server_environment, said.append)
    assert said == []


def test_another_version_has_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = environment(tmp_path).home
    monkeypatch.setattr(module, "lock_text", lambda: "label-studio==9.9.9")
    assert environment(tmp_path).home != first


def test_a_failed_installation_is_one_sentence_and_is_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "lock_text", lambda: "label-studio==1.23.2\n/no/such/package.whl")
    place = environment(tmp_path)
    with pytest.raises(ToolkitError, match="could not be installed: .*package.*; check"):
        install(place, lambda line: None)
    assert not place.installed


def test_a_server_of_ours_talks_to_nobody_and_lets_nobody_in(tmp_path: Path) -> None:
    settings = quiet_settings(tmp_path)
    assert settings["COLLECT_ANALYTICS"] == settings["LATEST_VERSION_CHECK"] == "false"
    assert settings["SENTRY_DSN"] == settings["FRONTEND_SENTRY_DSN"] == ""
    assert settings["SSRF_PROTECTION_ENABLED"] == "true"

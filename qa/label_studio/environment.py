"""The server's own environment: it holds packages that ours cannot live with."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.core.runs import held

LOCK = "server-requirements.txt"
SIZE = "1 GB, two to four minutes"
_DONE = "installed"
DATABASE = "label_studio.sqlite3"
_PLAIN = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TMPDIR", "TZ")


@dataclass(frozen=True, slots=True)
class Environment:
    """A folder with a virtual environment for Label Studio and an empty, migrated database."""

    home: Path

    @property
    def python(self) -> Path:
        """Return the interpreter of the environment."""
        return self.home / "venv" / "bin" / "python"

    @property
    def template(self) -> Path:
        """Return the database that new servers start from; it holds no account and no secret."""
        return self.home / "template" / DATABASE

    @property
    def installed(self) -> bool:
        """Return whether the environment is there, whole."""
        return (self.home / _DONE).is_file()


def lock_text() -> str:
    """Return the exact versions of the server and all it needs."""
    return (resources.files("imagewikiqa.qa.label_studio") / LOCK).read_text(encoding="utf-8")


def server_version() -> str:
    """Return the version of Label Studio that is installed."""
    lines = lock_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith("label-studio=="))


def environment(cache: Path) -> Environment:
    """Return where the environment of this version and this Python lies below a cache folder."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Environment(cache / f"label-studio-{server_version()}-python{python}")


def install(place: Environment, say: Callable[[str], None]) -> None:
    """Install the server and migrate its empty database; do nothing where both are there.

    A mark is written last, so a killed installation is begun anew; a second one waits for the
    first. Raises ToolkitError with the installer's last words.
    """
    if place.installed:
        return
    with explained(place.home, "write", "IMAGEWIKIQA_CACHE"):
        place.home.mkdir(parents=True, exist_ok=True)
    with held(place.home / "installing", wait=True):
        if not place.installed:  # another one may have ended while this one waited
            _install(place, say)


def _install(place: Environment, say: Callable[[str], None]) -> None:
    for left in ("venv", "template"):
        shutil.rmtree(place.home / left, ignore_errors=True)
    say(f"installing Label Studio {server_version()} in an environment of its own ({SIZE})")
    _run([sys.executable, "-m", "venv", str(place.home / "venv")])
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / LOCK
        lock.write_text(lock_text(), encoding="utf-8")
        pip = [str(place.python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run([*pip, "-r", str(lock)])
    say("migrating an empty database (up to a minute)")
    _migrate(place)
    (place.home / _DONE).touch()
    say("Label Studio is installed")


def _migrate(place: Environment) -> None:
    place.template.parent.mkdir()
    libraries = place.home / "venv" / "lib"
    manage = next(libraries.glob("python*/site-packages/label_studio/manage.py"))
    with tempfile.TemporaryDirectory() as data:
        _run(
            [str(place.python), str(manage), "migrate", "--no-color", "-v", "0"],
            {**plain_environment(), **quiet_settings(Path(data))},
        )
        shutil.copyfile(Path(data) / DATABASE, place.template)


def plain_environment() -> dict[str, str]:
    """Return the variables that a server of ours may inherit.

    It reads its settings from many names, with and without a prefix: those of a user's own Label
    Studio would turn protection off, share its secret key, or lead to its database.
    """
    return {name: os.environ[name] for name in _PLAIN if name in os.environ}


def quiet_settings(data: Path) -> dict[str, str]:
    """Return the settings of a server that tells nobody anything and lets nobody in unasked."""
    return {
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "DJANGO_DB": "sqlite",
        "LATEST_VERSION_CHECK": "false",
        "COLLECT_ANALYTICS": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "false",
        "SSRF_PROTECTION_ENABLED": "true",
        "LABEL_STUDIO_ALLOWED_HOSTS": "127.0.0.1,localhost",  # no other name may lead here
    }


def _run(command: list[str], env: dict[str, str] | None = None) -> None:
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if ended.returncode:
        lines = (ended.stderr.strip() or ended.stdout.strip() or "it said nothing").splitlines()
        raise ToolkitError(
            f"Label Studio could not be installed: {lines[-1][:300]}; check the connection and "
            "the disk, then run the same command again"
        )

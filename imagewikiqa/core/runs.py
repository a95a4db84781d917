"""A run folder: one set of settings and inputs, what came out, and a manifest written last."""

import fcntl
import json
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from imagewikiqa import __version__
from imagewikiqa.core.code import package_versions
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish_text, remove_leftovers

# A reader may move or copy a run; these never decide a byte of a data file.
FREE_SETTINGS = frozenset({
    "out", "workers", "limit", "budget", "base_url", "rpm", "tpm", "in_flight", "dry_run", "json",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """An opened run folder; make it with `open_run`."""

    path: Path
    settings: dict[str, Any]
    inputs: dict[str, str]

    @property
    def work(self) -> Path:
        """Return the folder of journals and intermediate tables."""
        return self.path / "work"

    @property
    def identity(self) -> str:
        """Return the digest of what decides the data: settings and inputs, no path or clock."""
        return digest({"settings": self.settings, "inputs": self.inputs})


@contextmanager
def open_run(
    path: Path,
    settings: dict[str, Any],
    inputs: dict[str, str],
    config: dict[str, Any],
    *,
    keep_manifest: bool = False,
) -> Iterator[Run]:
    """Open or create a run folder and hold it alone.

    `settings` and `inputs` (name to sha256) decide the data and are compared with what the folder
    was made from; `config` is stored as config.yaml, ready for --config. `keep_manifest` is for
    files that never change once they are written. Raises ToolkitError when the folder belongs to
    something else, naming the difference, or when another process holds it.
    """
    bound = {key: value for key, value in settings.items() if key not in FREE_SETTINGS}
    run = Run(path, bound, dict(sorted(inputs.items())))
    with explained(path, "make the run folder"):
        path.mkdir(parents=True, exist_ok=True)
    _refuse_foreign(run)
    with explained(path, "write in"):
        run.work.mkdir(exist_ok=True)
    with held(run.work / "lock", _busy(path)):
        _refuse_foreign(run)  # again: another process may have begun and ended here in between
        remove_leftovers(path)
        if not keep_manifest:
            (path / "manifest.json").unlink(missing_ok=True)  # not whole again until the end
        identity = {"settings": run.settings, "inputs": run.inputs}
        publish_text(run.work / "identity.json", pretty(identity))
        publish_text(path / "config.yaml", yaml.safe_dump(config, sort_keys=True))
        yield run


def finish_run(run: Run, lineage: dict[str, Any], data_files: list[Path]) -> None:
    """Write run.json, then the manifest with the sha256 of every data file, last."""
    record_run(run, lineage)
    files = {
        file.relative_to(run.path).as_posix(): {
            "sha256": file_digest(file),
            "bytes": file.stat().st_size,
        }
        for file in sorted(data_files)
    }
    publish_text(run.path / "manifest.json", pretty({"version": 1, "files": files}))


def record_run(run: Run, lineage: dict[str, Any]) -> None:
    """Write run.json: what the run was made from, by which code, and what came of it."""
    record = {
        "settings_digest": run.identity,
        "settings": run.settings,
        "inputs": run.inputs,
        "code": {"version": __version__, "commit": _commit()},
        "python": platform.python_version(),
        "packages": package_versions(),
        **lineage,
    }
    publish_text(run.path / "run.json", pretty(record))


def verify_manifest(path: Path) -> list[str]:
    """Return what differs between a run folder and its manifest, one sentence each."""
    manifest = path / "manifest.json"
    if not manifest.is_file():
        return ["there is no manifest.json: the run is not finished"]
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    except (ValueError, KeyError, TypeError):
        return ["manifest.json is damaged: run the same command again"]
    wrong = []
    for name, entry in listed.items():
        file = path / name
        if not file.is_file():
            wrong.append(f"{name} is missing")
        elif file_digest(file) != entry["sha256"]:
            wrong.append(f"{name} has other bytes than the manifest says")
    return wrong


def _refuse_foreign(run: Run) -> None:
    identity = run.work / "identity.json"
    if not identity.is_file():
        strangers = [entry.name for entry in run.path.iterdir() if entry.name != "work"]
        if strangers:
            raise ToolkitError(
                f"{run.path} is not empty and no run folder (it holds {min(strangers)}): "
                "choose a new or empty folder for --out"
            )
        return
    if _is_bare(run):
        return  # an earlier command failed before it did anything: this one may take the folder
    before = _earlier(identity)
    now = json.loads(pretty({"settings": run.settings, "inputs": run.inputs}))
    for part in ("settings", "inputs"):
        for name in sorted(before[part].keys() | now[part].keys(), key=_telling):
            was, becomes = before[part].get(name), now[part].get(name)
            if was != becomes:
                what = name if part == "settings" else f"the content of {name}"
                raise ToolkitError(
                    f"{run.path} holds a run in which {what} was {_short(was)}, now it is "
                    f"{_short(becomes)}: choose another --out, or repeat the earlier settings"
                )


def _telling(name: str) -> tuple[bool, str]:
    """Order differences: which command a folder is of says more than how it was called."""
    return name not in ("command", "name"), name


def _is_bare(run: Run) -> bool:
    """Return whether nothing was finished in a folder: no output and no work in any journal."""
    outputs = {entry.name for entry in run.path.iterdir()} - {"work", "config.yaml"}
    return not outputs and not any(file.stat().st_size for file in run.work.glob("*.journal"))


@contextmanager
def held_run(path: Path) -> Iterator[None]:
    """Hold a folder alone if it is a run folder; ToolkitError while a command works in it."""
    lock = path / "work" / "lock"
    if not lock.is_file():
        yield
        return
    with held(lock, _busy(path)):
        yield


def _earlier(identity: Path) -> dict[str, dict[str, Any]]:
    try:
        before = json.loads(identity.read_text(encoding="utf-8"))
        return {"settings": dict(before["settings"]), "inputs": dict(before["inputs"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ToolkitError(
            f"{identity} is damaged, so nobody can tell what the folder was made from: "
            "choose another --out"
        ) from error


def _short(value: object) -> str:
    if value is None:
        return "not given"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


@contextmanager
def held(lock: Path, busy: str = "", *, wait: bool = False) -> Iterator[None]:
    """Hold a lock that the system drops when this process ends, however it ends.

    Raises ToolkitError with the sentence `busy` while another process holds it, or waits for it.
    """
    with explained(lock, "write"):
        stream = lock.open("w")
    with stream:  # what goes wrong inside the run is not the lock's to explain
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise ToolkitError(busy) from error
        yield


def _busy(path: Path) -> str:
    return f"another process is working in {path}: wait for it, or choose another --out"


def pretty(value: object) -> str:
    """Return a value as JSON for people: indented, keys sorted, newline at the end."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _commit() -> str | None:
    """Return the commit of the source tree this runs from; None for an installed wheel."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # no git on this machine
        return None
    return answer.stdout.strip() or None

"""A run folder belongs to one set of settings and one process, and is whole at its end."""

import contextlib
import fcntl
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagewikiqa.core import runs
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import TEMPORARY, publish_text
from imagewikiqa.core.runs import FREE_SETTINGS, Run, finish_run, open_run, verify_manifest

SETTINGS: dict[str, Any] = {"seed": 0, "mode": "strict", "judges": ["corpus"], "out": "/a/b"}
INPUTS = {"pages": "0" * 64, "classes": "1" * 64}
DATA = ("questions.jsonl", "hub/data.parquet")


@contextlib.contextmanager
def opened(path: Path, inputs: dict[str, str] | None = None, **changes: Any) -> Iterator[Run]:
    settings = {**SETTINGS, **changes}
    with open_run(path, settings, INPUTS if inputs is None else inputs, settings) as run:
        yield run


def finished(path: Path, **changes: Any) -> Run:
    """Make a whole run of two small data files."""
    with opened(path, **changes) as run:
        for name in DATA:
            publish_text(path / name, f"content of {name}\n")
        finish_run(run, {"prompts": ["a@1"]}, [path / name for name in DATA])
    return run


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def refusal(path: Path, inputs: dict[str, str] | None = None, **changes: Any) -> str:
    with pytest.raises(ToolkitError) as caught, opened(path, inputs, **changes):
        pass
    return str(caught.value)


def snapshot(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_a_finished_run_holds_its_settings_lineage_and_manifest(tmp_path: Path) -> None:
    run = finished(tmp_path / "r")
    config = yaml.safe_load((run.path / "config.yaml").read_text(encoding="utf-8"))
    assert config == SETTINGS
    record = read(run.path / "run.json")
    assert record["settings_digest"] == run.identity
    assert (record["inputs"], record["prompts"]) == (INPUTS, ["a@1"])
    assert record["settings"] == {k: v for k, v in SETTINGS.items() if k != "out"}
    manifest = read(run.path / "manifest.json")
    assert sorted(manifest["files"]) == sorted(DATA)
    assert manifest["files"][DATA[0]]["bytes"] == len(f"content of {DATA[0]}\n")
    assert verify_manifest(run.path) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 1}, "seed was 0, now it is 1"),
        ({"mode": "paper"}, 'mode was "strict", now it is "paper"'),
        ({"judges": ["corpus", "x"]}, 'judges was ["corpus"], now it is ["corpus", "x"]'),
        ({"new": True}, "new was not given, now it is true"),
        ({"mode": "x" * 99}, f'mode was "strict", now it is "{"x" * 56}...'),
    ],
)
def test_other_settings_are_refused_with_the_difference(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    finished(tmp_path)
    before = snapshot(tmp_path)
    assert refusal(tmp_path, **change) == (
        f"{tmp_path} holds a run in which {words}: "
        "choose another --out, or repeat the earlier settings"
    )
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({**INPUTS, "pages": "2" * 64}, "the content of pages was"),
        ({"classes": "1" * 64}, 'the content of pages was "000'),
        ({**INPUTS, "images": "2" * 64}, "the content of images was not given"),
    ],
)
def test_other_inputs_are_refused_with_the_difference(
    tmp_path: Path, inputs: dict[str, str], words: str
) -> None:
    finished(tmp_path)
    assert words in refusal(tmp_path, inputs)


@pytest.mark.parametrize("name", sorted(FREE_SETTINGS))
def test_what_decides_no_byte_is_no_reason_to_refuse(tmp_path: Path, name: str) -> None:
    first = finished(tmp_path, **dict[str, Any]({name: 1}))
    with opened(tmp_path, **dict[str, Any]({name: 2})) as again:
        assert again.identity == first.identity
        assert name not in again.settings


def test_the_order_of_settings_and_inputs_does_not_matter(tmp_path: Path) -> None:
    first = finished(tmp_path)
    settings = dict(reversed(SETTINGS.items()))
    with open_run(tmp_path, settings, dict(reversed(INPUTS.items())), settings) as again:
        assert again.identity == first.identity


def test_a_tuple_and_a_list_are_the_same_setting(tmp_path: Path) -> None:
    finished(tmp_path, judges=("corpus",))
    finished(tmp_path, judges=["corpus"])


@pytest.mark.parametrize("stranger", ["thesis.tex", ".hidden"])
def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path, stranger: str) -> None:
    (tmp_path / stranger).write_text("mine")
    (tmp_path / "zzz").mkdir()
    message = refusal(tmp_path)
    assert message == (
        f"{tmp_path} is not empty and no run folder (it holds {stranger}): "
        "choose a new or empty folder for --out"
    )
    assert snapshot(tmp_path) == {stranger: b"mine"}
    assert not (tmp_path / "work").exists()


def test_a_file_instead_of_a_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("mine")
    assert "a file is in the way: choose another --out" in refusal(tmp_path / "r")


def test_a_run_killed_before_its_first_file_can_begin_again(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / f"{TEMPORARY}identity.json").write_text("{")
    with opened(tmp_path) as run:
        assert [p.name for p in run.work.iterdir() if p.name.startswith(TEMPORARY)] == []


OTHER = """
import sys
from pathlib import Path
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.runs import open_run
try:
    with open_run(Path(sys.argv[1]), {"seed": 0}, {}, {}):
        print("inside", flush=True)
        sys.stdin.readline()
except ToolkitError as error:
    print(error, flush=True)
    sys.exit(2)
"""


def other_process(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", OTHER, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once_are_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    with other_process(tmp_path) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "inside\n"
        with other_process(tmp_path) as second:
            words, _ = second.communicate()
        assert (second.returncode, words) == (
            2,
            f"another process is working in {tmp_path}: wait for it, or choose another --out\n",
        )
        first.kill()
    with open_run(tmp_path, {"seed": 0}, {}, {}) as run:  # the lock died with its holder
        assert run.path == tmp_path


def test_the_folder_is_looked_at_again_once_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def late(stream: Any, operation: int) -> None:
        identity = {"settings": {"seed": 9}, "inputs": {}}
        publish_text(tmp_path / "work" / "identity.json", json.dumps(identity))
        publish_text(tmp_path / "work" / "pages.journal", "done\n")
        real(stream, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with (
        pytest.raises(ToolkitError, match="seed was 9, now it is 0"),
        open_run(tmp_path, {"seed": 0}, {}, {}),
    ):
        pass


def test_what_goes_wrong_inside_a_run_is_not_blamed_on_the_lock(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="an image"), opened(tmp_path):
        raise PermissionError(13, "an image cannot be read")


def test_the_manifest_is_written_last_and_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    real = publish_text

    def noted(path: Path, text: str) -> None:
        written.append(path.name)
        real(path, text)

    monkeypatch.setattr(runs, "publish_text", noted)
    finished(tmp_path)
    assert written == ["identity.json", "config.yaml", "run.json", "manifest.json"]
    with opened(tmp_path):
        assert not (tmp_path / "manifest.json").exists()
        assert verify_manifest(tmp_path) == ["there is no manifest.json: the run is not finished"]


def test_the_manifest_finds_what_is_missing_and_what_changed(tmp_path: Path) -> None:
    finished(tmp_path)
    first, second = (tmp_path / name for name in DATA)
    whole = first.read_bytes()
    for at in range(len(whole)):
        first.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert verify_manifest(tmp_path) == [f"{DATA[0]} has other bytes than the manifest says"]
    first.write_bytes(whole)
    assert verify_manifest(tmp_path) == []
    second.unlink()
    first.write_bytes(whole[:-1])
    assert sorted(verify_manifest(tmp_path)) == [
        f"{DATA[1]} is missing",
        f"{DATA[0]} has other bytes than the manifest says",
    ]


def test_the_same_run_elsewhere_has_the_same_bytes_and_names_no_place(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "elsewhere" / "two"]
    for number, folder in enumerate(folders):
        finished(folder, out=str(folder), workers=number + 1)
    for name in ("run.json", "manifest.json", "work/identity.json"):
        one, two = ((folder / name).read_text(encoding="utf-8") for folder in folders)
        assert one == two
        places = (
            str(tmp_path),
            str(Path.home()),
            str(Path.cwd()),
            json.dumps(socket.gethostname()),
        )
        assert [place for place in places if len(place) > 1 and place in one] == []


def test_a_repeated_run_has_the_same_bytes(tmp_path: Path) -> None:
    finished(tmp_path)
    before = snapshot(tmp_path)
    finished(tmp_path)
    assert snapshot(tmp_path) == before


def test_a_folder_in_which_nothing_was_done_takes_other_settings(tmp_path: Path) -> None:
    with contextlib.suppress(ToolkitError), opened(tmp_path):
        raise ToolkitError("the dump is none")
    with opened(tmp_path, seed=1) as run:
        (run.work / "pages.journal").write_bytes(b"x\n")
    with pytest.raises(ToolkitError, match="seed was 1, now it is 2"), opened(tmp_path, seed=2):
        pass


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"settings": 1}'])
def test_a_damaged_identity_is_one_sentence(tmp_path: Path, damage: str) -> None:
    finished(tmp_path)
    (tmp_path / "work" / "identity.json").write_text(damage)
    with pytest.raises(ToolkitError, match="identity.json is damaged"), opened(tmp_path):
        pass


def test_a_name_that_is_too_long_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="too long"), opened(tmp_path / ("x" * 300)):
        pass


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}"])
def test_a_damaged_manifest_is_told(tmp_path: Path, damage: str) -> None:
    finished(tmp_path)
    (tmp_path / "manifest.json").write_text(damage)
    assert verify_manifest(tmp_path) == ["manifest.json is damaged: run the same command again"]

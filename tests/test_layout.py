"""The room map, the links, the packages and their data files say the same thing."""

import json
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parent.parent
SETUPTOOLS: dict[str, Any] = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))[
    "tool"
]["setuptools"]
ROOMS: dict[str, str] = SETUPTOOLS["package-dir"]
ROOTS = {"imagewikiqa": "imagewikiqa", **ROOMS}
HEAVY = ("torch", "transformers", "datasets", "openai", "anthropic", "matplotlib", "pyarrow")


def tracked() -> list[str]:
    """Return the files of the packages, by git where there is one, else by walking."""
    if (REPO / ".git").exists():
        command = ["git", "-C", str(REPO), "ls-files", "-z", "--", *ROOTS.values()]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        names = [name for name in listed.split("\0") if name]
    else:
        found = (path for room in ROOTS.values() for path in (REPO / room).rglob("*"))
        names = [path.relative_to(REPO).as_posix() for path in found]
    return sorted({name for name in names if _is_content(REPO / name)})


def _is_content(path: Path) -> bool:
    """Tell files of the packages from the links to rooms and from what Python leaves behind."""
    return path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"


def package_of(name: str) -> str:
    """Return the dotted package of a folder below the repository root."""
    for package, folder in sorted(ROOTS.items(), key=lambda pair: -len(pair[1])):
        if name == folder or name.startswith(f"{folder}/"):
            return ".".join([package, *Path(name).relative_to(folder).parts])
    raise ValueError(f"{name} lies in no room")


def is_shipped(name: str, data: dict[str, list[str]]) -> bool:
    """Tell whether a pattern of package-data takes a file along into a wheel."""
    for folder in Path(name).parents:
        package = package_of(folder.as_posix()) if folder.parts else ""
        if package in SETUPTOOLS["packages"]:
            rest = Path(name).relative_to(folder)
            for pattern in data.get(package, []):
                same_depth = len(Path(pattern).parts) == len(rest.parts)
                if same_depth and fnmatch(rest.as_posix(), pattern):
                    return True
    return False


def package_data_files() -> list[str]:
    return [name for name in tracked() if not name.endswith(".py")]


def test_there_are_six_rooms() -> None:
    assert sorted(ROOMS.values()) == [
        "builders",
        "eval",
        "mixtures",
        "prompts",
        "qa",
        "trainers",
    ]


@pytest.mark.parametrize(("package", "folder"), sorted(ROOMS.items()))
def test_every_room_is_the_folder_its_link_shows(package: str, folder: str) -> None:
    link = REPO / package.replace(".", "/")
    if link.is_file() and not link.is_symlink():
        pytest.skip("this checkout holds no links, only the text of them")
    assert not Path(link.readlink()).is_absolute()
    assert link.samefile(REPO / folder)


def test_the_packages_found_are_the_packages_listed() -> None:
    found = [package_of(str(Path(n).parent)) for n in tracked() if Path(n).name == "__init__.py"]
    assert sorted(found) == sorted(SETUPTOOLS["packages"])


def test_every_module_lies_in_a_listed_package() -> None:
    modules = [name for name in tracked() if name.endswith(".py")]
    assert len(modules) > 20
    homeless = [n for n in modules if package_of(str(Path(n).parent)) not in SETUPTOOLS["packages"]]
    assert homeless == []


def test_every_data_file_is_shipped() -> None:
    names = package_data_files()
    assert "imagewikiqa/py.typed" in names and len(names) > 20
    assert [name for name in names if not is_shipped(name, SETUPTOOLS["package-data"])] == []


def test_a_data_file_without_a_pattern_is_noticed() -> None:
    without_core = {"imagewikiqa": ["py.typed"], "imagewikiqa.core": ["schemas/*"]}
    assert is_shipped("imagewikiqa/core/schemas/page.v1.schema.json", without_core)
    assert not is_shipped("imagewikiqa/core/data/imagenet_classes.jsonl", without_core)
    assert not is_shipped("imagewikiqa/core/schemas/deeper/x.json", without_core)


def loaded_by(module: str) -> list[str]:
    """Return which heavy packages stand in a fresh interpreter after one import."""
    code = (
        f"import json, sys, {module}\nprint(json.dumps([h for h in {HEAVY!r} if h in sys.modules]))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    names: list[str] = json.loads(answer.stdout)
    return names


def test_the_command_line_loads_nothing_heavy() -> None:
    if not (REPO / "imagewikiqa" / "cli" / "main.py").is_file():
        pytest.skip("there is no command line yet")
    assert loaded_by("imagewikiqa.cli.main") == []


def test_the_core_loads_nothing_heavy() -> None:
    names = ", ".join(
        f"imagewikiqa.core.{Path(name).stem}"
        for name in tracked()
        if Path(name).parent == Path("imagewikiqa/core") and Path(name).stem != "__init__"
    )
    assert "imagewikiqa.core.stages" in names
    assert loaded_by(names) == []


def test_a_heavy_import_is_noticed() -> None:
    assert loaded_by("pyarrow") == ["pyarrow"]

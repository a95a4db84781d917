"""The digest of the code: any file of a package and any deciding version changes it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewikiqa.core import code

FILES = {"__init__.py": "", "rules.py": "LIMIT = 3\n", "data/forms.yaml": "- form: diet\n"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "some_rules"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "some_rules", raising=False)
    return folder


def now() -> str:
    code.code_digest.cache_clear()
    return code.code_digest(("some_rules",))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "rules.py").write_text("LIMIT = 4\n"),
        lambda folder: (folder / "data" / "forms.yaml").write_text("- form: home\n"),
        lambda folder: (folder / "new.py").write_text(""),
        lambda folder: (folder / "rules.py").rename(folder / "other.py"),
        lambda folder: (folder / "rules.py").unlink(),
    ],
    ids=["a module", "a data file", "a new file", "another name", "a file less"],
)
def test_a_change_of_any_file_is_other_code(package: Path, change: Callable[[Path], None]) -> None:
    before = now()
    change(package)
    assert now() != before


def test_compiled_files_are_not_code(package: Path) -> None:
    before = now()
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "rules.pyc").write_bytes(b"compiled")
    assert now() == before


def test_another_version_of_a_package_that_decides_bytes_is_other_code(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = now()
    monkeypatch.setattr(code, "version", lambda name: f"{name} next")
    assert now() != before


def test_text_moved_from_one_file_to_the_next_is_other_code(package: Path) -> None:
    (package / "a.py").write_text("xy")
    (package / "b.py").write_text("")
    before = now()
    (package / "a.py").write_text("x")
    (package / "b.py").write_text("y")
    assert now() != before

"""No file and no function grows past what one can hold in mind."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
ROOMS = ("imagewikiqa", "builders", "prompts", "qa", "mixtures", "trainers", "eval")
FILE_LINES = 400
FUNCTION_LINES = 60


def python_files() -> list[str]:
    """Return the Python files of the repository, by git where there is one, else by walking."""
    if (REPO / ".git").exists():
        command = ["git", "-C", str(REPO), "ls-files", "-z", "--", "*.py"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        names = [name for name in listed.split("\0") if name]
    else:
        folders = [REPO / name for name in (*ROOMS, "tests", "benchmarks")]
        found = (path for folder in folders for path in folder.rglob("*.py"))
        names = [path.relative_to(REPO).as_posix() for path in found]
    return sorted({name for name in names if (REPO / name).is_file()})


def long_functions(source: str) -> Iterator[tuple[str, int]]:
    """Yield the name and length in lines of each function over the limit, decorators included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            length = (node.end_lineno or first) - first + 1
            if length > FUNCTION_LINES:
                yield node.name, length


def lines_of(name: str) -> int:
    return len((REPO / name).read_text(encoding="utf-8").splitlines())


def test_files_stay_short() -> None:
    names = python_files()
    assert len(names) > 40
    assert {n: lines_of(n) for n in names if lines_of(n) > FILE_LINES} == {}


def test_functions_stay_short() -> None:
    names = python_files()
    assert "imagewikiqa/core/stages.py" in names
    found = {n: list(long_functions((REPO / n).read_text(encoding="utf-8"))) for n in names}
    assert {name: long for name, long in found.items() if long} == {}


def test_a_long_function_is_noticed_wherever_it_hides() -> None:
    body = "        x = 1\n" * (FUNCTION_LINES - 1)
    fits = f"class A:\n    def f(self):\n{body}"
    assert list(long_functions(fits)) == []
    assert list(long_functions(f"{fits}        x = 1\n")) == [("f", FUNCTION_LINES + 1)]
    decorated = fits.replace("    def", "    @property\n    def")
    assert list(long_functions(decorated)) == [("f", FUNCTION_LINES + 1)]
    nested = f"def g():\n    async def f():\n{body}        x = 1\n"
    assert [name for name, _ in long_functions(nested)] == ["g", "f"]


def test_every_module_opens_with_a_sentence() -> None:
    wanting = []
    for name in python_files():
        tree = ast.parse((REPO / name).read_text(encoding="utf-8"))
        if tree.body and not (ast.get_docstring(tree) or "").rstrip().endswith((".", "`", '"')):
            wanting.append(name)
    assert wanting == []

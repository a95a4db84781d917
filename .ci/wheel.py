"""Build the wheel and check what it holds: one top-level package, and every data file."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Folder in the repository -> folder in the wheel, for everything that is data and no code.
DATA = {
    "imagewikiqa/core/data": "imagewikiqa/core/data",
    "imagewikiqa/core/schemas": "imagewikiqa/core/schemas",
    "imagewikiqa/core/report/templates": "imagewikiqa/core/report/templates",
    "builders/data": "imagewikiqa/builders/data",
    "builders/schemas": "imagewikiqa/builders/schemas",
    "builders/sample": "imagewikiqa/builders/sample",
    "prompts/templates": "imagewikiqa/prompts/templates",
    "prompts/conversations": "imagewikiqa/prompts/conversations",
    "mixtures/exports/report": "imagewikiqa/mixtures/exports/report",
    "mixtures/recipes": "imagewikiqa/mixtures/recipes",
    "mixtures/schemas": "imagewikiqa/mixtures/schemas",
    "qa/corpus": "imagewikiqa/qa/corpus",
    "qa/report": "imagewikiqa/qa/report",
    "qa/schemas": "imagewikiqa/qa/schemas",
}


def main() -> int:
    """Return 1 after naming what the wheel lacks or should not hold."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, str(ROOT)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wheel = next(Path(folder).glob("*.whl"))
        names = set(zipfile.ZipFile(wheel).namelist())
    top = {name.partition("/")[0] for name in names}
    wrong = [f"top level: {name}" for name in top if not name.startswith("imagewikiqa")]
    wrong += [f"test in the wheel: {name}" for name in names if "/test_" in name]
    wanted = {
        f"{inside}/{file.name}"
        for outside, inside in DATA.items()
        for file in (ROOT / outside).iterdir()
        if file.is_file() and not file.name.startswith(".")
    }
    wanted |= {"imagewikiqa/qa/label_studio/server-requirements.txt"}
    wanted |= {"imagewikiqa/qa/rounds/rater.css"}
    wanted |= {"imagewikiqa/py.typed", "imagewikiqa/prompts/templates.lock"}
    wanted |= {"imagewikiqa/__main__.py", "imagewikiqa/cli/main.py"}
    wrong += [f"missing: {name}" for name in sorted(wanted - names)]
    for line in wrong:
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"wheel: {len(names)} files, top level {sorted(top)}\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

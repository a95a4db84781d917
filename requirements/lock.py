"""Refresh the locks: base.txt runs the main job, dev.txt the tests, all.txt every room.

torch is pinned to a build that also exists without GPU packages; pyproject leaves it to the user.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TORCH = "torch==2.13.0"
LOCKS: dict[str, tuple[list[str], str | None]] = {
    "all.txt": (["all", "dev"], None),
    "dev.txt": (["dev"], "all.txt"),
    "base.txt": ([], "dev.txt"),
}
QUIET = ["--strip-extras", "--no-header", "--quiet"]
# The lock names packages and versions, never where they come from.
PLACELESS = ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"]


def main() -> None:
    """Resolve the widest lock first and the others within it: a package has one version."""
    with tempfile.TemporaryDirectory() as folder:
        torch = Path(folder) / "torch.txt"
        torch.write_text(TORCH + "\n")
        for name, (extras, within) in LOCKS.items():
            command = [sys.executable, "-m", "piptools", "compile", "pyproject.toml"]
            command += [*QUIET, *PLACELESS, "--constraint", str(torch)]
            command += ["--output-file", str(HERE / name)]
            command += [part for extra in extras for part in ("--extra", extra)]
            command += ["--constraint", str(HERE / within)] if within else []
            subprocess.run(command, check=True, cwd=HERE.parent)
            _clean(HERE / name)


def _clean(path: Path) -> None:
    """Drop comments, this project itself, and the local build tag of torch."""
    lines = [line.split("+cpu")[0] for line in path.read_text().splitlines()]
    # "imagewikiqa @ file:..." is this project itself, by way of the extra "all".
    dropped = ("#", "imagewikiqa")
    kept = [line for line in lines if line and not line.lstrip().startswith(dropped)]
    path.write_text("\n".join(kept) + "\n")


if __name__ == "__main__":
    main()

"""Runs a program again and again in forked children, each of which may die at one of its steps.

    python -m tests.faults.dying PROGRAM [MODULE_TO_IMPORT_FIRST]...

PROGRAM is a script or a module. Orders are JSON lines on stdin, answers JSON lines on stdout;
`harness.DyingProgram` speaks both. The imports are paid once, so a death costs milliseconds.
"""

import contextlib
import importlib
import json
import os
import runpy
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from imagewikiqa.core import files

from .io_steps import Steps, disk_full, kill_group, watched


def in_place(path: Path, chunks: Iterable[bytes]) -> None:
    """Write without temporary file, sync or rename: the negative control of the harness."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=0) as stream:
        for chunk in chunks:
            stream.write(chunk)


@contextlib.contextmanager
def opened_in_place(path: Path) -> Iterator[BinaryIO]:
    """Open a file without temporary file, sync or rename, as `in_place` writes one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=0) as stream:
        yield cast(BinaryIO, stream)


def break_publishing() -> None:
    """Put the writers in place wherever a module holds the real ones."""
    broken = {"publish": (files.publish, in_place), "published": (files.published, opened_in_place)}
    for module in list(sys.modules.values()):
        for name, (real, control) in broken.items():
            if getattr(module, name, None) is real:
                setattr(module, name, control)


def run_program(program: str, arguments: list[str]) -> int:
    """Run a script or module as the main program; return its exit code."""
    sys.argv = [program, *arguments]
    try:
        if program.endswith(".py"):
            sys.path.insert(0, str(Path(program).parent))
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def child(program: str, order: dict[str, Any]) -> int:
    """Do one order in this process: silent, in a group of its own, counted."""
    os.setpgid(0, 0)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
        os.dup2(descriptor, target)
    if order["broken"]:
        break_publishing()
    steps = Steps(
        folder=Path(order["folder"]),
        end_at=order["die_at"],
        torn=order["torn"],
        end=disk_full() if order["disk_full"] else kill_group,
    )
    with watched(steps):
        code = run_program(program, order["argv"])
    Path(order["steps"]).write_text(json.dumps(steps.taken), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> None:
    """Answer orders until stdin ends."""
    program, *modules = sys.argv[1:]
    for module in modules:
        importlib.import_module(module)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            code = 1
            try:
                code = child(program, json.loads(line))
            finally:
                os._exit(code)
        _, status = os.waitpid(process, 0)
        answer = {"code": os.waitstatus_to_exitcode(status)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

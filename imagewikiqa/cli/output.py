"""What a command prints: a summary for people, or one JSON line for programs."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any


def show(summary: Mapping[str, Any], as_json: bool) -> None:
    """Print a summary to stdout; with `as_json` as the last line, one object."""
    if as_json:
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, sort_keys=True) + "\n")
        return
    width = max(len(name) for name in summary)
    for name, value in summary.items():
        if isinstance(value, Mapping):
            sys.stdout.write(f"{name}:\n" if value else "")
            for key, count in value.items():
                sys.stdout.write(f"  {count!s:>6}  {key}\n")
        else:
            sys.stdout.write(f"{name:<{width}}  {value}\n")


def show_lines(lines: Iterable[str]) -> None:
    """Print lines for people to stdout."""
    sys.stdout.writelines(f"{line}\n" for line in lines)

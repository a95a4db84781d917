"""Fail when a test was skipped for a reason that .ci/allowed_skips.txt does not list."""

import argparse
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ALLOWED = Path(__file__).parent / "allowed_skips.txt"
ALONE = "[alone] "  # a reason that only holds where nothing lies beside the repository


def main() -> int:
    """Return 1 after naming every skip that is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("junit", type=Path)
    parser.add_argument("--alone", action="store_true", help="nothing lies beside the repository")
    arguments = parser.parse_args()
    lines = [line for line in ALLOWED.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    allowed = {line for line in lines if line and not line.startswith(ALONE)}
    if arguments.alone or not (ALLOWED.parents[2] / "shared").is_dir():
        allowed |= {line.removeprefix(ALONE) for line in lines if line.startswith(ALONE)}
    cases = list(ElementTree.parse(arguments.junit).iter("testcase"))
    wrong = 0
    for case in cases:
        for skip in case.iter("skipped"):
            if skip.get("message") not in allowed:
                wrong += 1
                sys.stdout.write(
                    f"not allowed: {case.get('classname')}::{case.get('name')}: "
                    f"{skip.get('message')}\n"
                )
    sys.stdout.write(f"{len(cases)} tests, {wrong} skipped without leave\n")
    return int(wrong > 0 or not cases)


if __name__ == "__main__":
    sys.exit(main())

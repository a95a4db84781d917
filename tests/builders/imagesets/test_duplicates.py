"""Images of the same bytes are found exactly, in bounded memory."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.imagesets.dispositions import USABLE
from imagewikiqa.builders.imagesets.duplicates import WORDS, find_twins

REPO = Path(__file__).resolve().parents[3]
INDEX = """
from pathlib import Path
from tests.builders.imagesets.fake_set import fake_set
from imagewikiqa.builders.imagesets.index import build_index
report = build_index(fake_set(60, 1000), Path(FOLDER))
print(report.images, report.repeated)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
Row = tuple[bytes, str, str]
ROWS = st.lists(
    st.tuples(
        # digests that differ in one of their four numbers alone, as an attacker may make them
        st.tuples(st.integers(0, 31), st.integers(0, 2)).map(
            lambda pair: bytes(pair[1] if at == pair[0] else 0 for at in range(32))
        ),
        st.sampled_from(["cat", "dog", "owl"]),
        st.sampled_from(["ok", "ok_grey", "truncated"]),
    ),
    max_size=30,
)


def tables(rows: list[Row], cuts: list[int]) -> list[pa.Table]:
    ends = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    names = ("sha256", "class_id", "disposition")
    spans = zip(ends, ends[1:], strict=False)
    return [
        pa.table({name: [row[at] for row in rows[a:b]] for at, name in enumerate(names)})
        for a, b in spans
    ]


def looked_up(rows: list[Row]) -> list[tuple[str, int]]:
    """Return what find_twins should, by comparing each row with every other."""
    found = []
    for at, (digest, class_id, disposition) in enumerate(rows):
        same = [i for i, one in enumerate(rows) if one[0] == digest and one[2] in USABLE]
        if disposition not in USABLE:
            found.append(("", -1))
            continue
        foreign = any(rows[i][1] != class_id for i in same)
        later = same[0] != at
        word = "conflicting" if foreign else "repeated" if later else ""
        found.append((word, same[0] if later else -1))
    return found


@given(ROWS, st.lists(st.integers(0, 30), max_size=3))
def test_twins_are_those_that_comparing_all_pairs_finds(rows: list[Row], cuts: list[int]) -> None:
    twins = find_twins(tables(rows, cuts))
    found = [(WORDS[kind], int(at)) for kind, at in zip(twins.kind, twins.same_as, strict=True)]
    assert found == looked_up(rows)


def test_an_index_of_many_images_is_made_in_bounded_memory(tmp_path: Path) -> None:
    text = f"FOLDER = {str(tmp_path)!r}\n{INDEX}"
    ended = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, cwd=REPO, check=False
    )
    assert ended.returncode == 0, ended.stderr
    counts, peak = ended.stdout.splitlines()
    assert counts == "60000 4320"
    assert int(peak) < 300 * 1024  # of which half is Python with its packages

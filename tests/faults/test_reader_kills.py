"""Readers that are killed and start again, with other ranks, read what one reads."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewikiqa.mixtures import load
from tests.mixtures.reader.made import make_mixture

pytestmark = pytest.mark.faults
COUNTS = (90, 7, 150, 1, 152)
ALL_RANKS = """
import json, sys
from pathlib import Path
from imagewikiqa.mixtures import load

folder, cache, state, ranks = sys.argv[1:]
readers = []
for rank in range(int(ranks)):
    mixture = load(folder, cache=Path(cache), seed=8, rank=rank, ranks=int(ranks))
    if state:
        mixture.load_state_dict(json.loads(state))
    readers.append(mixture)
for samples in zip(*readers):
    keys = [sample.key for sample in samples]
    print(json.dumps([keys, readers[0].state_dict()]), flush=True)
"""


def test_kills_change_no_sample_of_an_epoch(
    tmp_path: Path, full_faults: bool, record_property: Callable[[str, object], None]
) -> None:
    make_mixture(tmp_path / "m", COUNTS)
    chance, state, found, epoch = random.Random(3), "", list[str](), 0
    kills = 20 if full_faults else 6
    for attempt in range(kills + 1):
        ranks = 1 if attempt == kills else chance.choice([1, 2, 4])
        command = [sys.executable, "-c", ALL_RANKS, str(tmp_path / "m"), str(tmp_path / "cache")]
        options = [state, str(ranks)]
        lines = sum(COUNTS) if attempt == kills else chance.randint(0, 60 // kills)
        with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            for _, line in zip(range(lines), reader.stdout, strict=False):
                keys, after = json.loads(line)
                found += keys
                state, epoch = json.dumps(after), after["epoch"]
            reader.kill()  # what it has read since is lost, and must come again
    whole = [sample.key for sample in load(tmp_path / "m", cache=tmp_path / "other", seed=8)]
    record_property("faults", f"{kills} kills, {len(found)} samples")
    assert (found, epoch) == (whole, 1)

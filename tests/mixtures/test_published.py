"""The schemas of this room's files are its records, closed."""

import pytest
from pydantic import BaseModel

from imagewikiqa.mixtures.published import FOLDER, PUBLISHED
from imagewikiqa.mixtures.records import Manifest, Receipt, SampleReceipt
from tests.published import assert_closed, assert_committed

ZERO = "0" * 64
ROWS: tuple[BaseModel, ...] = (
    Manifest(plan=ZERO, shards={"a-000000.tar": ZERO}, samples=1, bytes=10_240),
    Receipt(
        shard="a-000000.tar", count=1, bytes=10_240, sha256=ZERO, plan=ZERO,
        samples=(SampleReceipt(key="k", offset=0, size=1_024, sha256=ZERO),),
    ),
)  # fmt: skip


def test_the_committed_schemas_are_the_records_and_no_other() -> None:
    assert_committed(FOLDER, PUBLISHED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_written_row_satisfies_its_schema_and_a_stranger_does_not(row: BaseModel) -> None:
    assert_closed(FOLDER, row)

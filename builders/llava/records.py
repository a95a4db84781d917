"""What the LLaVA readers write: the columns of rows.parquet, and what became of a part of them."""

from functools import cache
from typing import TYPE_CHECKING

from pydantic import Field

from imagewikiqa.core.records import Record, Sha256

if TYPE_CHECKING:
    import pyarrow

SCHEMA_VERSION = 2


class PartDone(Record):
    """A part of the rows whose images were looked at: its file and what was counted in it."""

    rows: int = Field(ge=0, description="kept")
    text_only: int = Field(ge=0)
    multi_image: int = Field(ge=0)
    sha256: Sha256 = Field(description="of the part's file")
    repairs: dict[str, int]
    dispositions: dict[str, int] = Field(description="of the images, counted once a row")
    sources: dict[str, int] = Field(description="kept rows by file")


@cache
def schema() -> "pyarrow.Schema":
    """Return the columns of rows.parquet.

    `id` is SOURCE#POSITION (0-based, as the file counts), `row_id` the file's own id, which may
    repeat; `images[].name` is what the row says, `path`, `sha256`, `format` and `disposition` what
    lies in the image folder (null when none was given); `conversations` is LLaVA's form.
    """
    import pyarrow as pa

    image = [(name, pa.string()) for name in ("name", "path", "sha256", "format", "disposition")]
    fields = [
        ("id", pa.string()),
        ("row_id", pa.string()),
        ("source", pa.string()),
        ("images", pa.list_(pa.struct(image))),
        ("conversations", pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))),
        ("repairs", pa.list_(pa.string())),
    ]
    return pa.schema(fields, metadata={"imagewikiqa.llava_rows": str(SCHEMA_VERSION)})

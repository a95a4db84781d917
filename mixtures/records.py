"""The tables of a mixture: the plan, what a shard holds, and the receipt beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from imagewikiqa.core.records import Part, Sha256

KEY = r"^[0-9a-z_-]+$"  # of a sample inside a shard: webdataset cuts a name at its first dot
SHARD = r"^[0-9A-Za-z_-][0-9A-Za-z_.-]*\.tar$"  # of a shard's file, always beside the manifest
MAX_SAMPLE = 1 << 28  # bytes of a sample in a shard: a reader has one whole in memory
EXTENSIONS = ("jpg", "png", "webp", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Bytes that lie in a file: a whole file, or a member of an archive."""

    path: Path | str  # of a million images a str each takes a tenth of the time
    offset: int = 0
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFile:
    """One file of a sample: its extension, and its bytes or where they lie."""

    extension: str  # one of EXTENSIONS
    content: bytes | Span


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSample:
    """One sample of a shard: an image file if it has one, then its JSON.

    `image_sha256` is of the first file, as it was planned: another content is refused.
    """

    key: str  # as KEY allows
    files: tuple[ShardFile, ...]
    image_sha256: str | None = None


class SampleReceipt(Part):
    """Where a sample stands in its shard: from its first header to the end of its last padding."""

    key: str = Field(pattern=KEY)
    offset: int = Field(ge=0, description="bytes from the start of the shard")
    size: int = Field(ge=0, description="bytes, headers and padding included")
    sha256: Sha256 = Field(description="of the contents of its files, one after the other")


class Receipt(Part):
    """What makes a shard exist: written after it, and only when it is whole."""

    VERSION: ClassVar[int] = 1
    version: Literal[1] = 1
    shard: str = Field(pattern=SHARD, description="file name, as in train-000012.tar")
    count: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: Sha256 = Field(description="of the whole file")
    plan: Sha256 = Field(description="of the plan rows that the shard is made from")
    samples: tuple[SampleReceipt, ...]


class PlanRow(Part):
    """One line of a plan: which sample of which source stands at which place."""

    VERSION: ClassVar[int] = 1
    shard: int = Field(ge=0)
    slot: int = Field(ge=0)
    key: str = Field(pattern=KEY, description="of the sample; unique in the mixture")
    sample_id: str = Field(description="digest of source, row id and template; 32 hex digits")
    source: str = Field(description="name of the source in the recipe")
    row: int = Field(ge=0, description="row of the source's index")
    template: str = Field(description="name of the conversation template")
    repeat: int = Field(0, ge=0, description="how often the row was drawn before")
    image_sha256: Sha256 | None = None


class Manifest(Part):
    """The last file of a mixture: every shard with its receipt's digest."""

    VERSION: ClassVar[int] = 1
    version: Literal[1] = 1
    plan: Sha256 = Field(description="of the whole plan")
    shards: dict[Annotated[str, Field(pattern=SHARD)], Sha256] = Field(
        description="shard file name -> sha256 of its receipt file"
    )
    samples: int = Field(ge=1)
    bytes: int = Field(ge=1)

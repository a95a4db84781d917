"""The records of an index over an image set: what one image is, one unit gave, the whole holds."""

from pydantic import Field

from imagewikiqa.core.records import Part, Record, Sha256


class Inspection(Part):
    """What one image file is; fields that its bytes do not tell are None."""

    disposition: str = Field(description="one of dispositions.DISPOSITIONS")
    also: tuple[str, ...] = Field((), description="further dispositions that hold of it")
    format: str | None = Field(None, description="JPEG, PNG, GIF or WEBP, by content")
    mode: str | None = Field(None, description="pixel mode of Pillow, as in RGB, L, P, CMYK")
    width: int | None = Field(None, description="pixels as stored, before EXIF's orientation")
    height: int | None = None
    frames: int | None = Field(None, description="1, or at least 2 where there are several")
    exif_orientation: int | None = Field(None, ge=1, le=8, description="None where none is stated")
    detail: str = Field("", description="why it is rejected, in words")


class UnitDone(Record):
    """One unit of an image set as the index holds it; `id` is the unit's own."""

    part: str = Field(description="file name of its rows")
    sha256: Sha256 = Field(description="of that file")
    images: int = Field(ge=0)
    dispositions: dict[str, int]
    not_images: dict[str, int] = Field(description="entries the reader rejected, by reason")


class IndexReport(Part):
    """What an index holds: the counts of index.json."""

    version: int = 1
    set_name: str
    units: int
    images: int = Field(description="rows of images.parquet, usable or not")
    usable: int
    dispositions: dict[str, int] = Field(description="images by disposition")
    splits: dict[str, int] = Field(description="usable images by split")
    classes: dict[str, int] = Field(description="usable images by class, 0 included")
    repeated: int = Field(description="usable images whose bytes an earlier one of the class has")
    conflicting: int = Field(description="usable images whose bytes lie in two classes")
    not_images: dict[str, int] = Field(description="entries the reader rejected, by reason")
    files: dict[str, Sha256] = Field(description="sha256 of images.parquet and rejects.jsonl")

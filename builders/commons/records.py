"""What Commons says about a file, what its pixels are, and what is kept of it."""

from typing import Literal

from pydantic import Field

from imagewikiqa.core.records import Part, Record, Sha256

Why = Literal["lead image", "article", "category"]
WHYS: tuple[Why, ...] = ("lead image", "article", "category")  # the best first


class Licence(Part):
    """A licence of the allow-list, with the address of its terms."""

    id: str = Field(description="as in CC-BY-SA-4.0, CC-BY-2.5-DK, CC0-1.0 or public-domain")
    name: str = Field(min_length=1, description="as Commons writes it")
    url: str = Field(min_length=1, description="of the terms; of public domain the source page")
    attribution_required: bool


class FileFacts(Record):
    """What Commons says about a file; `id` is its title there, as in "File:Tiger.jpg"."""

    url: str = Field(min_length=1, description="of the original")
    fetch_url: str = Field(min_length=1, description="of the picture in the size asked for")
    source_page: str = Field(min_length=1)
    mime: str
    bytes: int = Field(ge=0, description="of the original")
    width: int = Field(ge=0, description="pixels of the original")
    height: int = Field(ge=0)
    sha1: str = Field(pattern=r"^[0-9a-f]{40}$", description="of the original, as published")
    uploaded: str = Field(description="time of this version, ISO 8601")
    uploader: str
    said: dict[str, str] = Field(description="of extmetadata: author, licence, categories; HTML")

    @property
    def is_original(self) -> bool:
        """Say whether the file itself is fetched, not a smaller picture of it."""
        return self.fetch_url == self.url


class Media(Record):
    """A stored file; `id` is the sha256 of its bytes."""

    file: str = Field(description="path below the folder of stored files")


class Pixels(Record):
    """What a stored file shows; `id` is the sha256 of its bytes."""

    problem: str = Field("", description="why it cannot be used, else empty")
    detail: str = ""
    format: Literal["JPEG", "PNG", "WEBP", ""] = ""
    bytes: int = 0
    width: int = Field(0, description="as stored, before EXIF's orientation")
    height: int = 0
    phash: str = Field("", description="64 bits in hexadecimal: of frequencies")
    dhash: str = Field("", description="64 bits in hexadecimal: of neighbours")


class Photo(Record):
    """One photograph of the set; `id` is its path below `images`, as in "n02129604/tiger.jpg"."""

    class_id: str
    title: str = Field(description="of the file on Commons")
    why: Why
    found_in: str = Field(description="title of the article, or name of the category")
    author: str = Field(min_length=1)
    credit: str = Field(min_length=1, description="the words asked for, else the author")
    source: str = Field("", description="where Commons has it from, as stated there")
    licence: Licence
    usage_terms: str = ""
    restrictions: str = Field("", description="other than copyright, as in personality")
    changes: str = Field(min_length=1, description="what was done to the original")
    source_page: str = Field(min_length=1)
    original_url: str
    original_sha1: str = Field(description="as published; checked where the original was fetched")
    original_width: int
    original_height: int
    original_bytes: int
    uploaded: str
    uploader: str
    is_original: bool
    sha256: Sha256
    bytes: int
    width: int
    height: int
    format: Literal["JPEG", "PNG", "WEBP"]
    phash: str
    dhash: str


class CollectReport(Part):
    """What a collection holds, and what became of the rest."""

    photos: int
    bytes: int
    classes: dict[str, int] = Field(description="photographs by class, 0 included")
    licences: dict[str, int]
    found: dict[str, int] = Field(description="photographs by why they were chosen")
    articles: dict[str, int] = Field(description="titles by what became of them")
    files: int = Field(description="files of the articles and categories, each class by itself")
    rejects: dict[str, int] = Field(description="files by why they were refused")
    unseen: int = Field(description="files beyond the number that is looked at for a class")
    spare: int = Field(description="files that could be used, beyond the number wanted")

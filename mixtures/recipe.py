"""The recipe of a mixture: which sources, how much of each, in which words and shards."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from imagewikiqa.core.digests import digest
from imagewikiqa.core.records import Part
from imagewikiqa.prompts.conversation import load_conversation

KINDS = ("captions", "images", "llava", "questions")  # of readers, as in llava:ROWS
NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
Split = Literal["train", "val", "test", "all"]
# What each reader can fill in of a template, by the words of prompts.conversation.VARIABLES.
TAKEN = {
    "captions": ("caption", "label", "choices"),
    "images": ("label", "choices"),
    "llava": ("conversation",),
    "questions": ("question",),
}
# What each reader knows of a row, by the fields of `where`.
KNOWN = {
    "captions": ("classes", "with_image"),
    "images": ("splits", "classes", "shortest_side", "with_image"),
    "llava": ("files", "with_image"),
    "questions": ("splits", "classes", "with_image"),
}
_SPEC = re.compile(r"(?P<kind>[a-z]+):(?P<place>.+)", re.DOTALL)
_AMOUNTS = ("epochs", "count", "weight", "frequencies")


class Where(Part):
    """Which rows of a source are asked for; what is left out stands in the plan's counts."""

    splits: tuple[Split, ...] = Field((), description="none: all of them")
    classes: tuple[str, ...] = Field((), description="class ids; none: all of them")
    files: tuple[str, ...] = Field((), description="of a LLaVA mix, by name; none: all of them")
    shortest_side: int = Field(0, ge=0, description="pixels that an image's short side must have")
    with_image: bool | None = Field(None, description="false: text only; none: both")


class SourceSettings(Part):
    """One source: its reader, its words, and how much of it is drawn."""

    name: str = Field(pattern=NAME)
    read: str = Field(description="KIND:PATH, as in images:INDEX or llava:ROWS.parquet")
    images: Path | None = Field(None, description="folder below which its images lie")
    layout: str | None = Field(
        None, description="published layout of `images`, as in imagenet, if packed or rearranged"
    )
    classes: str | None = Field(None, description="class list whose names the ids stand for")
    templates: tuple[str, ...] = Field((), description="one is drawn for every sample")
    labels: int = Field(10, ge=2, description="labels of a closed-world list, the right one among")
    epochs: float | None = Field(
        None, gt=0, le=10_000, description="how often its rows are drawn; 1 without an amount"
    )
    count: int | None = Field(None, ge=1, description="samples, in place of epochs")
    weight: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="share of the recipe's `samples` that other sources leave",
    )
    frequencies: dict[str, Annotated[int, Field(ge=0)]] | None = Field(
        None, description="class id -> how often it is to be seen, exactly"
    )
    per_class: int | None = Field(None, ge=1, description="images of a class that may be drawn")
    wrong_names: float = Field(0, ge=0, le=1, description="share named as another class")
    where: Where = Where()
    license: str | None = Field(
        None, min_length=1, max_length=100, description="of its images and texts, as in cc-by-4.0"
    )
    credit: str | None = Field(
        None, min_length=1, max_length=2000, description="whom to credit, in the card's words"
    )

    @property
    def kind(self) -> str:
        """Return the kind of the reader."""
        return self.read.partition(":")[0]

    @property
    def place(self) -> Path:
        """Return the path that the reader reads."""
        return Path(self.read.partition(":")[2])

    @property
    def listed(self) -> int:
        """Return how many labels the longest list of its templates has; 1 without a list."""
        takes = {load_conversation(one).takes for one in self.templates}
        return self.labels if "choices" in takes else 1

    @field_validator("read")
    @classmethod
    def _names_a_reader(cls, value: str) -> str:
        found = _SPEC.fullmatch(value)
        if found is None or found["kind"] not in KINDS:
            raise ValueError(f"a reader is KIND:PATH with a kind of {', '.join(KINDS)}")
        return value

    @model_validator(mode="before")
    @classmethod
    def _has_templates(cls, values: object) -> object:
        if isinstance(values, dict) and not values.get("templates"):
            usual = {
                "captions": "caption",
                "images": "name_object",
                "llava": "as_written",
                "questions": "choose_letter",
            }
            kind = str(values.get("read", "")).partition(":")[0]
            return {**values, "templates": (usual[kind],)} if kind in usual else values
        return values

    @model_validator(mode="after")
    def _can_be_drawn(self) -> "SourceSettings":
        given = [name for name in _AMOUNTS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{given[0]} and {given[1]} both say how much is drawn: keep one")
        if len(set(self.templates)) < len(self.templates):
            raise ValueError("a template stands twice: name each once")
        for template in self.templates:
            takes = load_conversation(template).takes
            if takes not in TAKEN[self.kind]:
                raise ValueError(
                    f"the template {template} takes a {takes}, which {self.kind} have not: they"
                    f" have {' and '.join(TAKEN[self.kind])}"
                )
        self._has_classes()
        for name in self.where.model_dump(exclude_defaults=True):
            if name not in KNOWN[self.kind]:
                known = " and ".join(KNOWN[self.kind])
                raise ValueError(f"where.{name} is unknown of {self.kind}, which have {known}")
        if self.layout is not None and (self.kind != "images" or self.images is None):
            raise ValueError("layout says how the images of an index lie: give images beside it")
        return self

    def _has_classes(self) -> None:
        named: dict[str, object] = {"frequencies": self.frequencies, "per_class": self.per_class}
        named |= {"wrong_names": self.wrong_names}
        for name, value in named.items():
            if value and self.kind == "llava":
                raise ValueError(f"{name} needs classes, which LLaVA rows have not: leave it out")
        for name, value in {"wrong_names": self.wrong_names, "classes": self.classes}.items():
            if value and self.kind != "images":
                raise ValueError(f"{name} is for images named by their class: leave it out")
        if self.frequencies is not None and not any(self.frequencies.values()):
            raise ValueError("frequencies ask for no sample at all: give a class a count above 0")
        if self.frequencies is not None and self.per_class is not None:
            raise ValueError("frequencies already say how often a class is seen: no per_class")


class ShardSize(Part):
    """Where a shard ends: at so many samples or bytes, whichever comes first."""

    samples: int = Field(
        10_000, ge=1, le=65_536, description="at most in a shard; no receipt grows past 16 MiB"
    )
    megabytes: float = Field(
        1000,
        gt=0,
        allow_inf_nan=False,
        description="of 10**6 bytes, before images are re-encoded",
    )


class ImagePolicy(Part):
    """What is done to the bytes of images.

    Kept bytes are those of the source: of a picture with transparent parts, loaders that only ask
    for RGB show what lies under these. All other policies lay it on white, as our own loader does.
    """

    policy: Literal["keep", "reencode", "short_side", "cap"] = Field(
        "keep", description="keep bytes; or new JPEGs, with a short side or a longest side"
    )
    side: int | None = Field(None, ge=1, description="pixels: of the short side, or the most")
    quality: int = Field(90, ge=1, le=100, description="of JPEG")

    @model_validator(mode="after")
    def _has_its_side(self) -> "ImagePolicy":
        needs = self.policy in {"short_side", "cap"}
        if needs and self.side is None:
            raise ValueError(f"the policy {self.policy} needs a side in pixels: give it")
        if not needs and self.side is not None:
            raise ValueError(f"the policy {self.policy} changes no size: leave side out")
        return self


class Recipe(Part):
    """A mixture in words: what `mix plan` and `mix build` are told."""

    name: str = Field(pattern=NAME, description="of the shards, as in NAME-000000.tar")
    about: str = Field("", description="words for people")
    seed: int = Field(0, ge=0, description="decides every choice")
    samples: int | None = Field(
        None, ge=1, description="of the whole mixture, where sources have weights"
    )
    shard: ShardSize = ShardSize()
    image: ImagePolicy = ImagePolicy()
    sources: tuple[SourceSettings, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> "Recipe":
        names = [source.name for source in self.sources]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two sources are named {twice[0]}: give each a name of its own")
        weighted = [source.name for source in self.sources if source.weight is not None]
        if weighted and self.samples is None:
            raise ValueError(f"{weighted[0]} has a weight: say with samples how many there are")
        if self.samples is not None and not weighted:
            raise ValueError("samples is shared out by weights: give a source one, or leave it out")
        return self

    @property
    def deciding(self) -> dict[str, Any]:
        """Return all that decides the mixture; paths and words about it do not."""
        held = self.model_dump(mode="json", exclude={"about"})
        for source in held["sources"]:
            for words in ("images", "layout", "license", "credit"):
                del source[words]
            source["read"] = source["read"].partition(":")[0]
            if source["classes"] is not None:  # a list's name, or the file that holds one
                source["classes"] = Path(source["classes"]).name
        return held

    @property
    def digest(self) -> str:
        """Return the digest of all that decides the mixture."""
        return digest(self.deciding)

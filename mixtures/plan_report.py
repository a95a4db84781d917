"""What a plan counted: every row of every source is drawn or left out for a reason."""

from typing import ClassVar

from pydantic import Field, model_validator

from imagewikiqa.core.records import Part, Sha256


class SourceReport(Part):
    """What became of the rows of one source."""

    name: str
    index: Sha256 = Field(description="of the table that was read")
    templates: dict[str, Sha256] = Field(description="template -> digest of its file")
    rows: int = Field(ge=0)
    left_out: dict[str, int] = Field(description="rows that are not drawn, by reason")
    rows_drawn: int = Field(ge=0, description="once or more")
    samples: int = Field(ge=0, description="draws")
    text_only: int = Field(ge=0, description="of the samples")
    classes: dict[str, int] = Field(description="samples by class id, 0 included")

    @model_validator(mode="after")
    def _accounts_for_every_row(self) -> "SourceReport":
        if self.rows_drawn + sum(self.left_out.values()) != self.rows:
            raise ValueError("the rows drawn and left out do not add up to all rows")
        return self


class PlanReport(Part):
    """The counts of plan.json."""

    VERSION: ClassVar[int] = 1
    version: int = 1
    name: str
    recipe: Sha256 = Field(description="digest of all that decides the mixture")
    sources: list[SourceReport]
    samples: int = Field(ge=1)
    shards: int = Field(ge=1)
    text_only_shards: int = Field(ge=0)
    bytes: int = Field(ge=1, description="of all shards, as an estimate")
    plan: Sha256 = Field(description="of plan.parquet")

"""What the resolver writes down: its decision for a class and the evidence behind it."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from imagewikiqa.core.records import Part, Record

Outcome = Literal["resolved", "ambiguous", "missing"]
ClueKind = Literal[
    "prior", "title", "redirect", "more names", "case", "standing", "qualifier", "rival", "section",
    "lead", "description", "categories", "definition", "scientific name",
]  # fmt: skip


class Clue(Part):
    """One piece of evidence for or against an article."""

    kind: ClueKind
    weight: float = Field(description="log-odds: above 0 speaks for the article, below against")
    detail: str


class Candidate(Part):
    """An article that may be about the class."""

    title: str
    score: float = Field(description="sum of the weights of its clues, in log-odds")
    share: float = Field(ge=0, le=1, description="its chance beside the others and 'none of them'")
    found_by: tuple[str, ...] = Field(description="how it was found, as in \"title 'tench'\"")
    clues: tuple[Clue, ...]
    page_id: int | None = None
    revision_id: int | None = None
    fragment: str | None = Field(None, description="section a redirect leads to")


class Resolution(Record):
    """What was decided for one class; `id` is the class's id."""

    VERSION: ClassVar[int] = 1
    class_name: str
    outcome: Outcome
    titles: tuple[str, ...] = Field(description="empty unless resolved; several are all meant")
    how: Literal["auto", "hand"] = "auto"
    confidence: float = Field(ge=0, le=1, description="1 when a person decided")
    candidates: tuple[Candidate, ...] = Field((), description="best first")
    shared_with: tuple[str, ...] = Field((), description="ids of other classes with a title of it")
    note: str = ""

    @model_validator(mode="after")
    def _titles_only_when_resolved(self) -> "Resolution":
        if bool(self.titles) != (self.outcome == "resolved"):
            raise ValueError("a resolution has titles exactly when its outcome is 'resolved'")
        return self

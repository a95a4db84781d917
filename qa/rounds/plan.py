"""What decides a round, and its folder: read whole, and only as it was prepared."""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Part
from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.rounds.records import Answer, Assignment, Kind, Subject, Task

M = TypeVar("M", bound=BaseModel)
ROUND = "round.json"
SUBJECTS = "subjects.jsonl"
ASSIGNMENTS = "assignments.jsonl"
ANSWERS = "answers.jsonl"
TASKS = "tasks"
# A server of ours may show what lies below media/, and nothing else of the folder.
MEDIA = "media/pictures"
CONFIG = "label_config.xml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_EMAIL = re.compile(r"[^\s@=,;]+@[^\s@=,;]+")


class Rater(Part):
    """A person who answers; with an e-mail only the account of that address counts."""

    name: Annotated[str, Field(pattern=_NAME.pattern)]
    email: str | None = None


class RoundPlan(Part):
    """What a round is: its id follows from all that decided it."""

    round: str = Field(pattern=r"^[0-9a-f]{12}$")
    kind: Kind
    raters: tuple[Rater, ...] = Field(min_length=1)
    overlap: int = Field(ge=1)
    seed: int = Field(ge=0)
    after: str | None = Field(None, description="the round whose disagreements this one decides")

    @model_validator(mode="after")
    def _names_differ(self) -> "RoundPlan":
        names = [rater.name for rater in self.raters]
        if len(set(names)) < len(names):
            raise ValueError("two raters have one name")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Return the raters' names in their order."""
        return tuple(rater.name for rater in self.raters)


class Round:
    """A prepared round folder."""

    def __init__(self, path: Path) -> None:
        if not (path / ROUND).is_file():
            raise ToolkitError(
                f"{path} holds no round: run imagewikiqa verify prepare RUN --out {path} first"
            )
        if wrong := verify_manifest(path):
            raise ToolkitError(
                f"{path} is not as it was prepared ({wrong[0]}): run the same verify prepare again"
            )
        self.path = path
        try:
            self.plan = RoundPlan.model_validate_json((path / ROUND).read_bytes())
        except ValidationError as error:
            raise ToolkitError(
                f"{path / ROUND} is of another version: prepare the round anew"
            ) from error

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """Return all questions of the round, gold ones among them."""
        return tuple(read_table(self.path / SUBJECTS, Subject))

    @cached_property
    def assignments(self) -> Mapping[str, Assignment]:
        """Return the secret half of every task by its ext_id."""
        rows = read_table(self.path / ASSIGNMENTS, Assignment)
        return {one.id: one for one in rows}

    def tasks(self, rater: str) -> tuple[Task, ...]:
        """Return what a rater is asked, in order."""
        return tuple(read_table(self.path / TASKS / f"{rater}.jsonl", Task))

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Return what was pulled; raise ToolkitError before the first pull."""
        if not (self.path / ANSWERS).is_file():
            raise ToolkitError(
                f"{self.path} has no answers yet: run imagewikiqa verify pull {self.path}"
            )
        return tuple(read_table(self.path / ANSWERS, Answer))


def read_raters(given: str) -> tuple[Rater, ...]:
    """Return raters from 'anna,ben=ben@lab.org' or a number of them.

    Raises ToolkitError for a name that can be no file name, an address that is none, or a repeat.
    """
    if given.strip().isdigit() and 1 <= int(given) <= 99:
        return tuple(Rater(name=f"rater-{at}") for at in range(1, int(given) + 1))
    raters = []
    for part in filter(None, (part.strip() for part in given.split(","))):
        name, equals, email = (piece.strip() for piece in part.partition("="))
        if not _NAME.fullmatch(name) or (equals and not _EMAIL.fullmatch(email)):
            raise ToolkitError(
                f"--raters cannot read {part!r}: write names of letters, digits, - and _, with an "
                "address if you like, as in anna,ben=ben@lab.org, or how many raters there are"
            )
        raters.append(Rater(name=name, email=email or None))
    if not raters or len({rater.name.casefold() for rater in raters}) < len(raters):
        raise ToolkitError(f"--raters {given!r} names nobody, or one twice: name each rater once")
    return tuple(raters)

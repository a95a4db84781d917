"""The table of the 1,000 ImageNet classes and their articles, judged one by one by a person."""

import csv
import io
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from imagewikiqa.builders.raw import normal_title
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Part

Difference = Literal[
    "same", "redirect", "more specific", "less specific", "other article", "added", "removed",
    "split",
]  # fmt: skip

COLUMNS = (
    "class_id", "name", "titles", "how", "map_titles", "difference", "sure", "reason",
    "shared_with",
)  # fmt: skip
TABLE = "imagenet_articles.csv"
NONE = "-"  # in place of titles: there is no article


class ArticleRow(Part):
    """The articles of one class, and why they are not those of the hand-made map.

    The map is the one of Bujwid and Sullivan (2021), made for the English Wikipedia of January
    2020. A title is one of 2024 to 2026; the main article of a class is the first.
    """

    class_id: str = Field(min_length=1, description="wnid of the class")
    name: str = Field(min_length=1)
    titles: tuple[str, ...] = Field(description="several only where the class is two things")
    how: Literal["auto", "hand"] = Field(
        description="auto: `resolve` finds the same from the map's candidate titles alone"
    )
    map_titles: tuple[str, ...] = Field(description="of the hand-made map, in its order")
    difference: Difference
    sure: bool = Field(description="false: the article may stand under another exact title")
    reason: str = Field(description="one sentence; empty only where nothing differs")
    shared_with: tuple[str, ...] = Field(description="ids of the other classes with the article")

    @model_validator(mode="after")
    def _fits_its_difference(self) -> "ArticleRow":
        ours, theirs = set(self.titles), set(self.map_titles)
        fits = {
            "same": ours == theirs,
            "added": bool(ours) and not theirs,
            "removed": ours < theirs,
            "split": len(ours) > 1 and len(theirs) == 1,
        }
        if not fits.get(self.difference, bool(ours and theirs) and not ours <= theirs):
            raise ValueError(f"the titles do not differ as {self.difference!r} says")
        if not self.reason and self.difference != "same":
            raise ValueError("a difference has a reason")
        for title in (*self.titles, *self.map_titles):
            if normal_title(title) != title:
                raise ValueError(f"{title!r} is not written as MediaWiki writes titles")
        return self


@cache
def imagenet_articles() -> tuple[ArticleRow, ...]:
    """Return the articles of all ImageNet classes in label order.

    Raise ToolkitError naming the line that is no row of the table.
    """
    table = resources.files("imagewikiqa.builders") / "data" / TABLE
    return read_articles(table.read_text(encoding="utf-8"))


def read_articles(text: str) -> tuple[ArticleRow, ...]:
    """Return the rows of a table of articles; raise ToolkitError naming the line of a mistake."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[ArticleRow] = []
    try:
        if tuple(next(reader, ())) != COLUMNS:
            raise ValueError(f"the columns are not {','.join(COLUMNS)}")
        for cells in reader:
            rows.append(_row(cells))
    except (csv.Error, ValueError) as error:
        raise ToolkitError(
            f"{TABLE}, line {max(1, reader.line_num)}: {_why(error)}; correct the line or install"
            " the package again"
        ) from error
    return tuple(rows)


def _row(cells: list[str]) -> ArticleRow:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"it has {len(cells)} cells for {len(COLUMNS)} columns")
    values: dict[str, object] = dict(zip(COLUMNS, cells, strict=True))
    values["titles"] = _titles(str(values["titles"]))
    values["map_titles"] = _titles(str(values["map_titles"]))
    values["shared_with"] = tuple(str(values["shared_with"]).split())
    sure = str(values["sure"])
    if sure not in ("yes", "no"):
        raise ValueError(f"sure is {sure!r}, not yes or no")
    values["sure"] = sure == "yes"
    return ArticleRow.model_validate(values, strict=True)


def _titles(cell: str) -> tuple[str, ...]:
    if not cell.strip():
        raise ValueError(f"titles are missing; write {NONE} where there is no article")
    return () if cell == NONE else tuple(cell.split(" | "))


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")

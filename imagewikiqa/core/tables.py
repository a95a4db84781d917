"""Tables: JSON lines of one record type, published whole, read with the line named on a mistake."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish

M = TypeVar("M", bound=BaseModel)


class Addressable(Protocol):
    """Anything with a string id."""

    @property
    def id(self) -> str:
        """Return the row's address."""


def line_of(record: BaseModel) -> bytes:
    """Return a record as one JSON line: fields in declared order, UTF-8, newline at the end."""
    return record.model_dump_json().encode() + b"\n"


def write_table(path: Path, records: Iterable[BaseModel]) -> int:
    """Publish records as JSON lines; return how many. Raises ValueError on a repeated id."""
    seen: set[str] = set()
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for record in records:
            identity = getattr(record, "id", None)
            if identity is not None:
                if identity in seen:
                    raise ValueError(f"two rows of {path.name} have the id {identity}")
                seen.add(identity)
            count += 1
            yield line_of(record)

    publish(path, lines())
    return count


def read_table(path: Path, model: type[M]) -> Iterator[M]:
    """Yield the records of a table; raise ToolkitError naming the line that is not one."""
    if not path.is_file():
        raise ToolkitError(f"there is no table {path}: run the stage that writes it first")
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield model.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
                where = ".".join(map(str, first["loc"])) or "the line"
                raise ToolkitError(
                    f"{path.name} line {number} is not a {model.__name__}: {where}: "
                    f"{first['msg']}; delete the file and run its stage again"
                ) from error

"""Settings of any command: defaults, then a YAML file, then --set, then options."""

from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from imagewikiqa.core.errors import ToolkitError


class Closed(BaseModel):
    """A group of settings: frozen, and no other name is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


C = TypeVar("C", bound=Closed)


def resolve_as(
    model: type[C], config: Path | None, assignments: list[str], options: dict[str, Any]
) -> C:
    """Return the settings; later sources win. Raises ToolkitError naming the setting at fault."""
    values = _from_file(config) if config else {}
    for assignment in assignments:
        _assign(values, assignment)
    values |= {name: value for name, value in options.items() if value is not None}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            have = ", ".join(sorted(_group(model, first["loc"]).model_fields))
            raise ToolkitError(f"there is no setting {name}; have: {have}") from error
        if first["type"] == "missing":
            raise ToolkitError(f"the setting {name} is needed: give it and run again") from error
        what = "it is no path" if first["type"] == "path_type" else first["msg"].lower()
        raise ToolkitError(
            f"the setting {name} cannot be {first['input']!r}: {what}; correct it and run again"
        ) from error


def _group(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel]:
    """Return the group of settings in which a name was not found."""
    for part in place[:-1]:
        kind = model.model_fields[str(part)].annotation
        inner = [one for one in (kind, *get_args(kind)) if isinstance(one, type)]
        model = next((one for one in inner if issubclass(one, BaseModel)), model)
    return model


def _from_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ToolkitError(f"there is no config {path}: check the path given to --config")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise ToolkitError(f"{path} is not YAML{line}: correct it and run again") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ToolkitError(f"{path} holds no settings: write 'name: value' lines")
    return values


def assigned(assignment: str) -> tuple[str, Any]:
    """Return name and value of one --set a.b=c; the value is YAML, so a number is one."""
    name, equals, text = assignment.partition("=")
    if not equals or not name:
        raise ToolkitError(f"--set takes name=value, got {assignment!r}: as in --set per_class=3")
    try:
        return name, yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # as of a date that cannot be
        raise ToolkitError(f"the value in --set {assignment!r} is not YAML: quote it") from error


def _assign(values: dict[str, Any], assignment: str) -> None:
    name, value = assigned(assignment)
    *path, last = name.split(".")
    target = values
    for part in path:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise ToolkitError(f"--set {name}: {part} is a value, not a group of settings")
    target[last] = value

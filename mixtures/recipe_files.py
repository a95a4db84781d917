"""Recipes by name or file: YAML read into a Recipe, each mistake said in one sentence."""

from collections.abc import Sequence
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe import Recipe, SourceSettings
from imagewikiqa.mixtures.recipe_yaml import read_yaml

_SUFFIX = ".yaml"
Changes = Sequence[tuple[str, Any]]


def recipe_names() -> list[str]:
    """Return the names of the recipes that ship with the toolkit, sorted."""
    names = (
        file.name for file in resources.files("imagewikiqa.mixtures").joinpath("recipes").iterdir()
    )
    return sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


def recipe_source(name: str) -> str:
    """Return the YAML of a built-in recipe; ToolkitError lists those there are."""
    if name not in recipe_names():
        raise ToolkitError(f"unknown recipe {name!r}; have: {', '.join(recipe_names())}")
    file = resources.files("imagewikiqa.mixtures").joinpath("recipes", f"{name}{_SUFFIX}")
    return file.read_text(encoding="utf-8")


def load_recipe(spec: str, data: Path | None = None, changes: Changes = ()) -> Recipe:
    """Return a recipe by its name or from a .yaml file.

    Relative paths in it begin at `data`, or else at the folder of the file; those of a named recipe
    at `data` or the current folder. `changes` are fields with their values, as in ("seed", 3) or
    ("sources.imagenet.epochs", 2). Raises ToolkitError naming the file and the field at fault.
    """
    if spec in recipe_names():
        return parse_recipe(spec, recipe_source(spec), data or Path(), changes)
    path = Path(spec)
    if path.suffix not in {".yaml", ".yml"}:
        raise ToolkitError(
            f"unknown recipe {spec!r}; have: {', '.join(recipe_names())}, or a .yaml"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ToolkitError(
            f"the recipe {path} cannot be read ({error}): give a file of YAML in UTF-8"
        ) from error
    return parse_recipe(str(path), text, data or path.parent, changes)


def parse_recipe(name: str, text: str, data: Path, changes: Changes = ()) -> Recipe:
    """Return the recipe of a YAML text whose relative paths begin at `data`."""
    values = read_yaml(f"the recipe {name}", text)
    if not isinstance(values, dict):
        raise ToolkitError(f"the recipe {name} holds no fields: write 'name: value' lines")
    for field, value in changes:
        _change(name, values, field, value)
    for source in values["sources"] if isinstance(values.get("sources"), list) else ():
        if isinstance(source, dict) and isinstance(source.get("frequencies"), str):
            source["frequencies"] = _frequencies(name, data / source["frequencies"])
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise ToolkitError(f"the recipe {name}: {_fault(first, values)}") from error
    return rooted(recipe, data)


def _change(name: str, values: dict[str, Any], field: str, value: object) -> None:
    """Set a field by its dotted name; a source is named, not numbered."""
    *path, last = field.split(".")
    target: Any = values
    for part in path:
        if isinstance(target, list):
            named = {str(one.get("name")): one for one in target if isinstance(one, dict)}
            if part not in named:
                have = ", ".join(named)
                raise ToolkitError(f"the recipe {name} has no {'.'.join(path)}; have: {have}")
            target = named[part]
        elif isinstance(target, dict):
            target[part] = target.get(part) or {}
            target = target[part]
    if not isinstance(target, dict):
        raise ToolkitError(f"the recipe {name}: {'.'.join(path)} is no group of fields: name one")
    target[last] = value


def _frequencies(name: str, path: Path) -> object:
    """Return the counts of a file of "class id: count" lines, in YAML or JSON."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ToolkitError(
            f"the recipe {name}: the frequencies in {path} cannot be read: give a YAML or JSON file"
            " of class ids and counts"
        ) from error
    return read_yaml(f"the recipe {name}: the file of frequencies {path}", text)


def rooted(recipe: Recipe, data: Path) -> Recipe:
    """Return a recipe with its paths below a folder; absolute ones stay."""
    sources = tuple(_rooted(source, data) for source in recipe.sources)
    return recipe.model_copy(update={"sources": sources})


def _rooted(source: SourceSettings, data: Path) -> SourceSettings:
    changed: dict[str, Any] = {"read": f"{source.kind}:{data / source.place}"}
    if source.images is not None:
        changed["images"] = data / source.images
    if source.classes is not None and Path(source.classes).suffix:
        changed["classes"] = str(data / source.classes)
    return source.model_copy(update=changed)


def _fault(error: ErrorDetails, values: dict[str, Any]) -> str:
    """Say what is wrong with a field, and of which source."""
    place = error["loc"]
    field = ".".join(str(part) for part in place if not isinstance(part, int))
    what = (
        error["msg"].removeprefix("Value error, ").replace("valid tuple", "list, as in [one, two]")
    )
    if place[:1] == ("sources",) and len(place) > 1:
        field = ".".join(map(str, place[2:]))
        source = values["sources"][place[1]] if isinstance(place[1], int) else None
        named = source.get("name") if isinstance(source, dict) else None
        field = f"{field + ' of ' if field else ''}source {named or place[1]}"
    if error["type"] == "extra_forbidden":
        have = ", ".join(sorted(_group(place).model_fields))
        return f"there is no field {field}; have: {have}"
    if error["type"] == "missing":
        return f"the field {field} is needed: give it"
    if error["type"] == "value_error":
        return f"{field + ': ' if field else ''}{what}"
    if error["type"] == "string_type" and isinstance(error["input"], bool | int | float | date):
        what = "write it in quotes, as YAML takes it for no text"
    return (
        f"{field} cannot be {str(error['input'])[:60]!r}: {what[0].lower()}{what[1:]}; correct it"
    )


def _group(place: tuple[int | str, ...]) -> type[BaseModel]:
    """Return the group of fields in which a name was not found."""
    model: type[BaseModel] = Recipe
    for part in place[:-1]:
        if isinstance(part, str):
            kind = model.model_fields[part].annotation
            inner = [one for one in (kind, *get_args(kind)) if isinstance(one, type)]
            model = next((one for one in inner if issubclass(one, BaseModel)), model)
    return model

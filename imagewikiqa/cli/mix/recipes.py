"""`imagewikiqa mix recipes`: what recipes there are, what they say, and what one can say."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from imagewikiqa.cli.output import show, show_lines
from imagewikiqa.mixtures.recipe import TAKEN, Recipe
from imagewikiqa.mixtures.recipe_files import load_recipe, recipe_names, recipe_source
from imagewikiqa.prompts.conversation import conversation_names, load_conversation


def run_recipes(name: str | None, *, fields: bool, as_json: bool) -> None:
    """List the built-in recipes, print one of them, or every field that a recipe can have."""
    if name is not None:
        show_lines(recipe_source(name).splitlines())
    elif fields:
        show_lines([*_fields(Recipe, ""), "", *_templates()])
    else:
        about = {one: " ".join(load_recipe(one).about.split()) for one in recipe_names()}
        if as_json:
            show(about, True)
        else:
            show_lines(f"{one}\n    {said}" for one, said in about.items())


def _fields(model: type[BaseModel], place: str) -> Iterator[str]:
    """Yield a line for each field, groups after their own line."""
    for name, field in model.model_fields.items():
        inner = _group(field)
        dots = "[]" if inner is not None and "tuple" in str(field.annotation) else ""
        yield f"{place}{name}{dots}  {_said(field)}".rstrip()
        if inner is not None:
            yield from _fields(inner, f"{place}{name}{dots}.")


def _group(field: FieldInfo) -> type[BaseModel] | None:
    kinds = (field.annotation, *get_args(field.annotation))
    models = (one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel))
    return next(models, None)


def _said(field: FieldInfo) -> str:
    """Return what is said of a field, and its default where that says something."""
    default: Any = None if field.is_required() else field.default
    if isinstance(default, BaseModel) or default in (None, (), ""):
        return field.description or ""
    return f"{field.description or ''} (default {default})".strip()


def _templates() -> Iterator[str]:
    """Yield the templates by the reader that can fill them in."""
    for kind, taken in TAKEN.items():
        fitting = [one for one in conversation_names() if load_conversation(one).takes in taken]
        yield f"templates of {kind}: {', '.join(fitting)}"

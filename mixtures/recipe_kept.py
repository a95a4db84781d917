"""The recipe of a mixture, kept beside its shards: all its words, and no path of this machine."""

from pathlib import Path
from typing import Any

import yaml

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish_text
from imagewikiqa.mixtures.recipe import Recipe, SourceSettings
from imagewikiqa.mixtures.recipe_files import parse_recipe

KEPT = "recipe.yaml"
_TABLES = {
    "captions": "captions.jsonl", "images": "index", "llava": "rows.parquet", "questions": "build",
}  # fmt: skip


def keep_recipe(recipe: Recipe, folder: Path) -> None:
    """Write FOLDER/recipe.yaml; what is said of licences may change without a shard changing."""
    publish_text(folder / KEPT, recipe_text(recipe))


def kept_recipe(folder: Path, digest: str) -> Recipe:
    """Return the recipe kept in a mixture's folder.

    Raises ToolkitError where there is none, or one with another digest than the plan's.
    """
    path = folder / KEPT
    again = "run imagewikiqa mix build again with the mixture's recipe, which writes it"
    if not path.is_file():
        raise ToolkitError(f"there is no {path}: {again}")
    with explained(path, "read", instead="folder"):
        content = path.read_bytes()
    recipe = parse_recipe(str(path), content.decode(errors="replace"), Path())
    if recipe.digest != digest:
        raise ToolkitError(f"{path} is not the recipe that the mixture was planned by: {again}")
    return recipe


def recipe_text(recipe: Recipe) -> str:
    """Return a recipe as YAML whose paths begin at a folder of each source's name."""
    said = recipe.model_dump(mode="json", exclude_defaults=True, exclude={"sources"})
    said["seed"] = recipe.seed
    said["sources"] = [_portable(source) for source in recipe.sources]
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=96)


def _portable(source: SourceSettings) -> dict[str, Any]:
    said = source.model_dump(mode="json", exclude_defaults=True)
    said["read"] = f"{source.kind}:{source.name}/{_TABLES[source.kind]}"
    if source.images is not None:
        said["images"] = f"{source.name}/images"
    if source.classes is not None and Path(source.classes).suffix:
        said["classes"] = f"{source.name}/{Path(source.classes).name}"
    return said

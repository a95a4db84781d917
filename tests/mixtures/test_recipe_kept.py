"""A recipe is kept beside its mixture in full, without a path, and is the same when read again."""

from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe_files import load_recipe, parse_recipe, recipe_names
from imagewikiqa.mixtures.recipe_kept import keep_recipe, kept_recipe, recipe_text

FULL = """
name: full
about: "Words: of all kinds\\n# and 'quotes'"
samples: 10
shard: {samples: 7, megabytes: 2.5}
image: {policy: cap, side: 300}
sources:
  - name: pics
    read: images:sets/index
    images: sets/images
    classes: lists/mine.csv
    templates: [name_object, name_object_closed]
    weight: 0.5
    per_class: 3
    wrong_names: 0.25
    where: {splits: [train], shortest_side: 20}
    license: "odd: licence"
    credit: "- somebody"
  - {name: talk, read: "llava:deep/down/rows.parquet", images: /abs/images, weight: 1}
"""


def test_a_kept_recipe_decides_the_same_mixture_and_has_no_path(tmp_path: Path) -> None:
    recipe = parse_recipe("full", FULL, Path("/home/someone"))
    keep_recipe(recipe, tmp_path)
    text = (tmp_path / "recipe.yaml").read_text()
    for path in ("/home", "someone", "/abs", "deep", "sets", "lists"):
        assert path not in text
    kept = kept_recipe(tmp_path, recipe.digest)
    assert kept.digest == recipe.digest and kept.about == recipe.about
    assert [(one.license, one.credit) for one in kept.sources] == [
        ("odd: licence", "- somebody"), (None, None),
    ]  # fmt: skip
    assert [one.read for one in kept.sources] == ["images:pics/index", "llava:talk/rows.parquet"]
    assert recipe_text(kept) == text


def test_every_built_in_recipe_can_be_kept() -> None:
    for name in recipe_names():
        recipe = load_recipe(name, Path("/data"))
        again = parse_recipe(name, recipe_text(recipe), Path())
        assert again.digest == recipe.digest


def test_the_digest_depends_on_neither_folder_nor_licence() -> None:
    one = parse_recipe("full", FULL, Path("/home/someone"))
    assert one.digest == parse_recipe("full", FULL, Path("/elsewhere")).digest
    assert one.digest == parse_recipe("full", FULL.replace("odd", "even"), Path()).digest
    assert one.digest != parse_recipe("full", FULL.replace("mine.csv", "yours.csv"), Path()).digest


@pytest.mark.parametrize("text", ["name: [", "words", "name: x\nsources: []", b"\xff\xfe"])
def test_a_damaged_recipe_is_one_sentence(text: str | bytes, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ToolkitError):
        kept_recipe(tmp_path, "0" * 64)

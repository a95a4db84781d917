"""The YAML at the head of a dataset card: what a hub lists, and what `datasets` opens it by."""

from collections.abc import Sequence
from typing import Any

import yaml

from imagewikiqa.mixtures.exports.licences import GATE, license_fields
from imagewikiqa.mixtures.exports.tally import Tally
from imagewikiqa.mixtures.exports.text_table import DATA
from imagewikiqa.mixtures.interchange import FACTS
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.qa.hub_card import size_category


def metadata(
    recipe: Recipe,
    tally: Tally,
    *,
    samples: int,
    sha256: str,
    imagenet: Sequence[str],
    with_pixels: bool,
) -> str:
    """Return the block; yaml quotes whatever a name may hold.

    `datasets` names its cache after the folder's last name and this block alone: `sha256` keeps one
    mixture from being served for another. The types are said, as it would take them from the first
    five samples, and shards hold images of several kinds.
    """
    tasks = ["image-text-to-text", "visual-question-answering"]
    block: dict[str, Any] = {
        "pretty_name": recipe.name,
        **license_fields(recipe.sources, imagenet),
        "task_categories": tasks if tally.extensions else ["text-generation"],
        "size_categories": [size_category(samples)],
        "tags": ["imagewikiqa", "instruction-tuning", *(["webdataset"] if with_pixels else [])],
        "configs": [
            {
                "config_name": "default",
                "description": f"sha256 {sha256}",
                "data_files": [
                    {"split": "train", "path": "*.tar" if with_pixels else f"{DATA}/*.parquet"}
                ],
            }
        ],
    }
    if with_pixels:
        block["dataset_info"] = {"features": _features(tally)}
        block |= GATE if imagenet else {}
    return yaml.safe_dump(block, sort_keys=False, allow_unicode=True, width=1000).strip()


def _features(tally: Tally) -> list[dict[str, Any]]:
    texts = ["id", *(name for name in FACTS if name in tally.facts)]
    turn = [_text("from"), _text("value")]
    record = [*map(_text, texts), {"name": "conversations", "list": turn}]
    return [
        *({"name": one, "dtype": "image"} for one in sorted(tally.extensions)),
        {"name": "json", "struct": record},
        _text("__key__"),
        _text("__url__"),
    ]


def _text(name: str) -> dict[str, str]:
    return {"name": name, "dtype": "string"}

"""The set as a folder that `datasets.load_dataset` opens: parquet, dataset card, attribution."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.records import Item, Page, Question
from imagewikiqa.qa.attribution import ATTRIBUTION, cited_pages, write_attribution
from imagewikiqa.qa.hub_card import HubInfo, card, parquet_of, split_names
from imagewikiqa.qa.hub_table import Pixels, parquet_bytes, rows_of

__all__ = ["HubInfo", "write_hub"]


def write_hub(
    folder: Path,
    questions: Sequence[Question],
    items: Sequence[Item],
    pages: Sequence[Page],
    info: HubInfo,
    pixels: Pixels | None = None,
) -> None:
    """Publish one parquet file a split, ATTRIBUTION.tsv and the dataset card below `folder`.

    `pixels` gives the bytes of an image by its path and turns the column `image` into images;
    without it only paths leave, as ImageNet's terms ask. The same input and pyarrow give the same
    bytes. Raises ToolkitError on a question without its page, on no items, and on pixels of a
    file named like ImageNet's.
    """
    if not items:
        raise ToolkitError(
            "there is no item to export: run assemble first and see rejects.jsonl for what it drops"
        )
    cited = cited_pages(questions, pages)
    with_pixels = pixels is not None
    tables = {
        parquet_of(name): parquet_bytes(
            rows_of(questions, [one for one in items if one.split == name], cited, pixels),
            with_pixels=with_pixels,
        )
        for name in split_names(items)
    }
    sha256 = hashlib.sha256(b"".join(tables.values())).hexdigest()
    text = card(questions, items, cited, info, data_sha256=sha256, with_pixels=with_pixels)
    for path, data in tables.items():
        publish(folder / path, [data])
    write_attribution(folder / ATTRIBUTION, questions, cited)
    publish_text(folder / "README.md", text)

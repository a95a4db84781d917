"""The embedded sample: articles written for this project about some ImageNet classes."""

from collections.abc import Iterator
from importlib import resources

from imagewikiqa.builders.raw import RawPage
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

_SUFFIX = ".wikitext"
_TIMESTAMP = "2026-11-21T00:00:00Z"


def read_sample() -> Iterator[RawPage]:
    """Yield the sample's articles in the order of ImageNet's classes."""
    texts = _texts()
    for entry in sample_classes():
        yield RawPage(
            title=(*entry.titles, entry.name)[0],
            page_id=_index(entry) + 1,
            revision_id=1,
            timestamp=_TIMESTAMP,
            wikitext=texts[entry.id],
            redirect=None,
            namespace=0,
            source="sample",
            url=f"urn:imagewikiqa:sample:{entry.id}:1",
            language="en",
            license="CC-BY-4.0",
            class_id=entry.id,
        )


def sample_classes() -> tuple[ClassEntry, ...]:
    """Return the ImageNet classes that have a sample article, in label order."""
    texts = _texts()
    entries = tuple(entry for entry in load_classes("imagenet") if entry.id in texts)
    unknown = sorted(set(texts) - {entry.id for entry in entries})
    if unknown:
        raise ToolkitError(
            f"the sample has an article for {unknown[0]}, which is no ImageNet class: "
            "name the file after the wnid of its class"
        )
    return tuple(sorted(entries, key=_index))


def _texts() -> dict[str, str]:
    folder = resources.files("imagewikiqa.builders").joinpath("sample")
    files = (file for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    return {file.name.removesuffix(_SUFFIX): file.read_text("utf-8") for file in files}


def _index(entry: ClassEntry) -> int:
    if entry.index is None:
        raise ToolkitError(f"the ImageNet class {entry.id} has no index: repair the class list")
    return entry.index

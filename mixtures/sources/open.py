"""Opens the sources of a recipe by the kind of their readers."""

from pathlib import Path

from imagewikiqa.mixtures.recipe import Recipe, SourceSettings
from imagewikiqa.mixtures.sources.images import ImageSource
from imagewikiqa.mixtures.sources.llava import LlavaSource
from imagewikiqa.mixtures.sources.protocol import Source
from imagewikiqa.mixtures.sources.tables import TableSource


def open_sources(recipe: Recipe, work: Path) -> tuple[Source, ...]:
    """Return the sources of a recipe in its order; nothing is read yet.

    `work` is a folder for what is made once and may be deleted.
    """
    return tuple(open_source(settings, work) for settings in recipe.sources)


def open_source(settings: SourceSettings, work: Path) -> Source:
    """Return one source."""
    if settings.kind == "images":
        return ImageSource(settings, work)
    if settings.kind == "llava":
        return LlavaSource(settings, work)
    return TableSource(settings)

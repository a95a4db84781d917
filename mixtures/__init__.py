"""From image sets and LLaVA data to WebDataset shards, and back: `load` reads a mixture."""

from imagewikiqa.mixtures.reader.mixture import Mixture, load
from imagewikiqa.mixtures.reader.sample import Sample

__all__ = ["Mixture", "Sample", "load"]

"""A causal language model on disk: where its files are, and a name for what stands in them."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import MissingExtraError, ToolkitError

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(?:@[\w./-]+)?")
_READ = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")  # data, never code


@dataclass(frozen=True, slots=True)
class Weights:
    """The files of one model and the digest of all that decides its answers."""

    folder: Path
    digest: str  # sha256 over names and bytes: a moved folder is the same model
    kind: str  # the architecture's name, as in "llama"

    @property
    def name(self) -> str:
        """Return a name that other weights do not share, and no path stands in."""
        return f"{self.kind}-{self.digest[:12]}"


def find_weights(place: str) -> Weights:
    """Return the model of a folder or of a Hub id, ORG/NAME or ORG/NAME@REVISION.

    Every byte of it is read once in a process: two models of one architecture differ in nothing
    else. Raises ToolkitError for no such folder or model, and for one that is no causal language
    model in safetensors.
    """
    folder = Path(place)
    if not folder.is_dir():
        folder = _fetched(place)
    config = _config(folder, place)
    if not any(str(one).endswith("ForCausalLM") for one in config.get("architectures") or ()):
        raise ToolkitError(
            f"local:{place} is no causal language model ({config.get('architectures')}): "
            "give one whose config.json names an architecture ...ForCausalLM"
        )
    files = sorted({file for mark in _READ for file in folder.glob(mark)})
    if not any(file.suffix == ".safetensors" for file in files):
        raise ToolkitError(
            f"local:{place} holds no weights in safetensors: save the model again with "
            "save_pretrained, other formats can run code and are not read"
        )
    kind = re.sub(r"[^\w.-]", "", str(config.get("model_type"))) or "model"
    return Weights(folder, digest([[file.name, _file_digest(file)] for file in files]), kind)


def _config(folder: Path, place: str) -> dict[str, Any]:
    file = folder / "config.json"
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ToolkitError(
            f"local:{place} holds no config.json of a model: give local: a folder that "
            "save_pretrained wrote, or the id of a model on the Hub"
        ) from error
    return found if isinstance(found, dict) else {}


def _fetched(place: str) -> Path:
    """Return the folder of a model in the Hub's cache, after fetching what is missing there."""
    if not _HUB_ID.fullmatch(place):
        raise ToolkitError(
            f"there is no folder {place}: give local: the folder of a model, or an id of the Hub "
            "such as ORG/NAME"
        )
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise MissingExtraError("huggingface-hub", "eval") from error
    name, _, revision = place.partition("@")
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=[*_READ]))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ToolkitError(
            f"there is no folder {place}, and the Hub gives no model of that name "
            f"({type(error).__name__}): check the name, or that the Hub can be reached"
        ) from error


def _file_digest(file: Path) -> str:
    stat = file.stat()
    return _digest_of(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest_of(file: Path, size: int, changed_ns: int) -> str:
    """Return the digest of a file; a changed size or time makes it be read again."""
    return file_digest(file)

"""What the plan and the builder ask of a source."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

from imagewikiqa.mixtures.recipe import SourceSettings
from imagewikiqa.mixtures.records import Span
from imagewikiqa.mixtures.sources.index import SourceIndex

SAMPLE_ID_BYTES = 16


class Source(Protocol):
    """Rows that can become samples. A source travels to worker processes: it holds paths."""

    @property
    def settings(self) -> SourceSettings:
        """Return what the recipe says of it."""

    def digest(self) -> str:
        """Return the digest of the table that it reads."""

    def index(self) -> SourceIndex:
        """Return its index; raise ToolkitError where the table is missing or damaged."""

    def sample(
        self, row: int, template: str, seed: int, repeat: int = 0
    ) -> tuple[dict[str, Any], Span | None]:
        """Return the sample of a row as JSON in LLaVA's form, and where its image lies.

        The same arguments give the same sample. `repeat` counts how often the row was drawn before
        and changes the wording only. Raises ToolkitError when the image is not there.
        """


def sample_id(source: str, row_id: str, ref: str) -> str:
    """Return the id of a sample: 32 hex digits of its source, row and template."""
    packed = json.dumps([source, row_id, ref], ensure_ascii=False).encode()
    return hashlib.blake2b(packed, digest_size=SAMPLE_ID_BYTES).hexdigest()


def sample_json(
    source: str, row_id: str, ref: str, said: list[dict[str, str]], facts: Mapping[str, str]
) -> dict[str, Any]:
    """Return what a shard holds of a sample beside its image."""
    head = {"id": sample_id(source, row_id, ref), "source": source, "source_id": row_id}
    return {**head, **facts, "template": ref, "conversations": said}

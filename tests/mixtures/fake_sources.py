"""Sources without files, for plans: rows by name, some unusable, some text only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from imagewikiqa.core.digests import digest, text_digest
from imagewikiqa.mixtures.recipe import Recipe, SourceSettings
from imagewikiqa.mixtures.records import Span
from imagewikiqa.mixtures.sources.index import Reasons, SourceIndex, encoded, packed_size


@dataclass(frozen=True)
class FakeSource:
    """Rows given as (id, class, usable, has an image)."""

    settings: SourceSettings
    rows: tuple[tuple[str, str, bool, bool], ...]

    def digest(self) -> str:
        """Return the digest of the rows."""
        return digest(self.rows)

    def index(self) -> SourceIndex:
        """Return the rows as an index."""
        class_ids, class_of = encoded(pa.array([row[1] for row in self.rows], pa.string()))
        reasons = Reasons.none(len(self.rows))
        reasons.leave_out(np.array([not row[2] for row in self.rows], bool), "truncated")
        images = np.array([1000 * row[3] for row in self.rows], np.int64)
        digests = [bytes.fromhex(text_digest(r[0])) if r[3] else None for r in self.rows]
        return SourceIndex(
            ids=pa.array([row[0] for row in self.rows], pa.string()),
            class_ids=class_ids,
            class_of=class_of,
            sizes=packed_size(images, np.full(len(self.rows), 300)),
            kinds=np.array([row[3] for row in self.rows], np.int8),
            image_sha256=pa.array(digests, pa.binary(32)),
            reasons=tuple(reasons.names),
            reason_of=reasons.of,
        )

    def sample(
        self, row: int, template: str, seed: int, repeat: int = 0
    ) -> tuple[dict[str, Any], Span | None]:
        """Fail: a plan asks for no sample."""
        raise AssertionError(f"a plan read row {row}")


def fake_recipe(sources: Sequence[dict[str, Any]], **more: Any) -> Recipe:
    """Return a recipe; each source is an image source by default."""
    usual = {"read": "images:nowhere"}
    return Recipe.model_validate({"name": "mix", "sources": [usual | s for s in sources], **more})

"""The names that images are given: their class's or a wrong one, and lists to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import keyed_choice, keyed_int, keyed_order
from imagewikiqa.core.errors import ToolkitError

_ALL = 1 << 64


@dataclass(frozen=True, slots=True)
class ClassNaming:
    """Names by class id; the same seed gives an image the same name and list."""

    source: str
    names: dict[str, str]
    wrong: float = 0.0  # share of images that are named as another class
    labels: int = 10

    def named_class(self, class_id: str, row_id: str, seed: int) -> str:
        """Return the class that an image is named after: mostly its own."""
        if not self.wrong or keyed_int(seed, "wrong", self.source, row_id) >= self.wrong * _ALL:
            return class_id
        others = [one for one in self.names if one != class_id]
        return keyed_choice(others, seed, "wrong class", self.source, row_id)

    def choices(self, class_id: str, *key: str | int) -> str:
        """Return `labels` names between commas, that of a class among them, in keyed order."""
        ids = [*self.names]
        drawn = {class_id: None}
        turn = 0
        while len(drawn) < self.labels:
            drawn.setdefault(ids[keyed_int(*key, "label", turn) % len(ids)])
            turn += 1
        return ", ".join(self.names[one] for one in keyed_order(drawn, str, *key, "order"))


def naming_of(
    source: str, classes: str | None, ids: Sequence[str], *, wrong: float, labels: int
) -> ClassNaming:
    """Return names from a class list, or the ids themselves with spaces for underscores.

    Raises ToolkitError for fewer classes than a list of `labels` needs, and for wrong names where
    there is one class only.
    """
    if classes is None:
        names = {one: one.replace("_", " ") for one in ids}
    else:
        names = {entry.id: entry.name for entry in load_classes(classes)}
    if wrong and len(names) < 2:
        raise ToolkitError(f"source {source} has one class: there is no wrong name to give it")
    if labels > len(names):
        raise ToolkitError(
            f"source {source} has {len(names)} classes and its lists ask for {labels} labels: set"
            f" labels to {len(names)} at most"
        )
    return ClassNaming(source, names, wrong, labels)

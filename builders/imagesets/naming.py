"""Which class of a list a folder or label name means, whatever its spaces, slashes and dashes."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagewikiqa.core.records import ClassEntry

_YEAR = re.compile(r"((?:19|20)[0-9]{2})(.+)")


@dataclass(frozen=True, slots=True)
class ClassNames:
    """The ids of a class list by everything that may name them."""

    ids: Mapping[str, str]

    @classmethod
    def of(cls, classes: Sequence[ClassEntry]) -> "ClassNames":
        """Collect ids, names and synonyms; a name that means two classes means none."""
        found: dict[str, set[str]] = {}
        for names in _by_rank(classes):
            fresh: dict[str, set[str]] = {}
            for name, class_id in names:
                fresh.setdefault(folded(name), set()).add(class_id)
            found = fresh | found  # an id wins over a name, a name over a synonym
        return cls({name: min(ids) for name, ids in found.items() if name and len(ids) == 1})

    def id_of(self, name: str) -> str | None:
        """Return the id of the class that a name means, None if there is none or no single one."""
        return self.ids.get(folded(name))


def folded(name: str) -> str:
    """Return the letters and digits of a name, a leading year at the end.

    Folders cannot hold "/", and mirrors write "_" or "-" for it and for spaces; Stanford Cars
    comes with the year first or last.
    """
    plain = "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())
    year = _YEAR.fullmatch(plain)
    return f"{year[2]}{year[1]}" if year else plain


def _by_rank(classes: Sequence[ClassEntry]) -> list[list[tuple[str, str]]]:
    return [
        [(entry.id, entry.id) for entry in classes],
        [(entry.name, entry.id) for entry in classes],
        [(synonym, entry.id) for entry in classes for synonym in entry.synonyms],
    ]

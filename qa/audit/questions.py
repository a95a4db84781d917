"""Group rows into questions and tell each what its class is called."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from imagewikiqa.core.records import ClassEntry
from imagewikiqa.qa.audit.records import AuditQuestion, AuditRow

# Each of these stands for two classes in some published list of ImageNet names: CLIP's has two
# "missile" and "sunglasses", WordNet's first lemmas add the others.
SHARED_NAMES = frozenset({"missile", "sunglasses", "crane", "maillot", "cardigan"})


@dataclass(frozen=True)
class ClassNames:
    """What a class list knows: entries by id and by case-folded name or synonym."""

    by_id: dict[str, ClassEntry]
    by_name: dict[str, tuple[ClassEntry, ...]]
    by_synonym: dict[str, tuple[ClassEntry, ...]]

    @classmethod
    def of(cls, entries: Sequence[ClassEntry]) -> "ClassNames":
        """Index a class list."""
        names = ((entry.name, entry) for entry in entries)
        synonyms = ((text, entry) for entry in entries for text in entry.synonyms)
        return cls({e.id: e for e in entries}, _gathered(names), _gathered(synonyms))

    def find(self, row: AuditRow) -> tuple[ClassEntry, ...]:
        """Return the classes a row may mean: by id, else by name, else by synonym.

        A name in SHARED_NAMES means every class that bears it; an unknown class means none.
        """
        if row.class_id in self.by_id:
            return (self.by_id[row.class_id],)
        name = (row.class_name or row.class_id or "").casefold()
        named, known = self.by_name.get(name, ()), self.by_synonym.get(name, ())
        return named + known if name in SHARED_NAMES else named or known

    def index(self, row: AuditRow) -> frozenset[int]:
        """Return the label positions a row's class may have; empty when it is unknown."""
        return frozenset(e.index for e in self.find(row) if e.index is not None)


def group(rows: Iterable[AuditRow], names: ClassNames) -> list[AuditQuestion]:
    """Return the questions of a file, in order of first row: (class, text, option set)."""
    together: dict[tuple[str | None, str, tuple[str, ...]], list[AuditRow]] = defaultdict(list)
    for row in rows:
        together[(row.class_key, row.question, tuple(sorted(row.choices)))].append(row)
    return [_question(tuple(same), names.find) for same in together.values()]


def _question(
    rows: tuple[AuditRow, ...], find: Callable[[AuditRow], tuple[ClassEntry, ...]]
) -> AuditQuestion:
    first, known = rows[0], find(rows[0])
    name = first.class_name or (known[0].name if known else None)
    synonyms = {text for entry in known for text in (entry.name, *entry.synonyms)} - {name}
    return AuditQuestion(
        rows=rows,
        class_id=first.class_key or f"row {first.row}",
        names=(name,) if name else (),
        synonyms=tuple(sorted(synonyms)) if known else None,
    )


def _gathered(pairs: Iterable[tuple[str, ClassEntry]]) -> dict[str, tuple[ClassEntry, ...]]:
    found: dict[str, tuple[ClassEntry, ...]] = {}
    for text, entry in pairs:
        found[text.casefold()] = (*found.get(text.casefold(), ()), entry)
    return found

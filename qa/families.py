"""The hypernym family of a class: a dog, a bird, a vehicle; for quotas that no kind outgrows."""

from collections.abc import Iterable

from imagewikiqa.core.records import ClassEntry

# WordNet's names. A class belongs to the first that its hypernyms, from the nearest on, reach: so
# a terrier is a dog and no mammal. The list is fixed, so that more classes move none elsewhere.
FAMILIES = frozenset({
    "dog", "feline", "primate", "ungulate", "mammal", "bird", "reptile", "amphibian", "fish",
    "arthropod", "invertebrate", "plant", "fungus", "food", "fruit", "vegetable", "beverage",
    "vehicle", "musical instrument", "measuring instrument", "weapon", "machine", "tool",
    "electronic equipment", "device", "implement", "equipment", "container", "furniture",
    "furnishing", "clothing", "footwear", "covering", "fabric", "building", "structure",
    "toiletry", "home appliance", "public transport", "geological formation", "person",
})  # fmt: skip


def families(classes: Iterable[ClassEntry]) -> dict[str, str]:
    """Return the family of each class by id; "" for one without such a hypernym."""
    return {entry.id: _family(entry) for entry in classes}


def _family(entry: ClassEntry) -> str:
    return next((name for name in entry.hypernyms if name in FAMILIES), "")

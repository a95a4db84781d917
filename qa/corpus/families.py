"""Which family a class belongs to, from its hypernyms or, without them, from its infobox."""

from collections.abc import Mapping

from imagewikiqa.core.records import ClassEntry

# Family -> the hypernyms that put a class into it. A class may have several families.
_HYPERNYMS: dict[str, frozenset[str]] = {
    "dog": frozenset({"dog"}),
    "animal": frozenset({"animal"}),
    "plant": frozenset({"plant", "edible fruit", "fruit", "vegetable", "flower", "fungus"}),
    "food": frozenset(
        {"dish", "beverage", "condiment", "bread", "baked goods", "foodstuff", "nutriment",
         "snack food", "dessert", "sandwich", "course", "sauce"}
    ),
    "instrument": frozenset({"musical instrument"}),
    "vehicle": frozenset({"vehicle", "craft", "vessel"}),
    "structure": frozenset({"structure", "building"}),
    "landform": frozenset({"geological formation", "body of water"}),
    "thing": frozenset({"artifact"}),
}  # fmt: skip
_FIELDS: dict[str, frozenset[str]] = {
    "dog": frozenset({"litter_size", "maleweight", "coat"}),
    "animal": frozenset(),
    "plant": frozenset(),
    "food": frozenset({"main_ingredient"}),
    "instrument": frozenset({"hornbostel_sachs", "musicians"}),
    "person": frozenset({"birth_date", "birth_place", "death_date", "death_place"}),
    "country": frozenset({"capital", "currency", "official_languages", "national_anthem"}),
    "organisation": frozenset({"industry", "foundation", "founder", "headquarters"}),
}
# Infobox fields of persons, places, works and firms: a class without hypernyms that has one is
# nothing that is invented, made of something or kept in a kitchen.
_NO_THING = frozenset(
    """birth_date birth_place birth_name death_date occupation nationality spouse alma_mater
    capital population population_total settlement_type official_languages demonym official_name
    government_type subdivision_type coordinates latd director starring author writer genre
    publisher isbn label background industry revenue hq_location headquarters founded formation
    mission_type launch_date leader1 basin_countries protoname god_of address architect
    composer""".split()
)


# Too general to make two classes the same kind of thing.
_GENERAL = frozenset(
    {"artifact", "artefact", "instrumentality", "instrumentation", "device", "machine", "equipment",
     "whole", "unit", "object", "physical object", "physical entity", "entity", "structure",
     "construction", "instrument", "container", "conveyance", "transport"}
)  # fmt: skip


def kinds_of(entry: ClassEntry) -> tuple[str, ...]:
    """Return the hypernyms that say what kind of thing a class is, the general ones left out."""
    return tuple(name for name in entry.hypernyms if name not in _GENERAL)


def families_of(entry: ClassEntry, facts: Mapping[str, str]) -> frozenset[str]:
    """Return the families of a class; one that nothing places is a 'thing' or 'other'."""
    above = set(entry.hypernyms)
    found = {family for family, names in _HYPERNYMS.items() if above & names}
    if not found:
        found = {family for family, fields in _FIELDS.items() if fields & facts.keys()}
        kingdom = facts.get("regnum", "").lower()
        found |= {"animal"} if kingdom.startswith("animal") else set()
        found |= {"plant"} if kingdom.startswith("plant") else set()
    if "dog" in found:
        found.add("animal")
    if "plant" in found or "animal" in found:
        found.discard("food")
    if found & {"instrument", "vehicle", "structure"}:
        found.discard("thing")
    if not found and not above and _NO_THING & {field.lower() for field in facts}:
        return frozenset({"other"})
    return frozenset(found or {"thing"})

"""The five lists beside ImageNet agree with the image sets, and every row can be used."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import imagewikiqa.core as core
from imagewikiqa.core.classes import NAMED, load_classes
from imagewikiqa.core.digests import canonical_json
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

COUNTS = {
    "caltech101": 100,
    "flowers102": 102,
    "food101": 101,
    "oxford_pets": 37,
    "stanford_cars": 196,
}
CORE = Path(str(core.__file__)).parent
WITHOUT_ARTICLE = {"cheese_plate", "tuna_tartare"}
# Where our name is not the paper's: a typing slip, a plural, or a word that tells senses apart.
RENAMED = {
    "binocular": "binoculars",
    "buddha": "Buddha statue",
    "flower-085": "desert rose",
    "headphone": "headphones",
    "water_lilly": "water lily",
    "yin_yang": "yin and yang symbol",
}
CLIP_NAMES = {"flowers102": "Flowers102", "stanford_cars": "StanfordCars", "food101": "Food101"}
every_list = pytest.mark.parametrize("name", sorted(COUNTS))


def by_id(name: str) -> dict[str, ClassEntry]:
    return {entry.id: entry for entry in load_classes(name)}


def names_of(entry: ClassEntry) -> list[str]:
    return [text.casefold() for text in (entry.name, *entry.synonyms)]


def paper_names(shared: Path, file: str) -> list[str]:
    names: list[str] = json.loads((shared / "vlmclassifier_lists" / file).read_text("utf-8"))
    return names


def owc_rows(shared: Path, name: str) -> list[dict[str, str]]:
    path = shared / "class_lists" / f"lmms_owc_{name}.csv"
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def test_every_named_list_loads_and_no_file_is_left_over() -> None:
    assert sorted(NAMED) == sorted([*COUNTS, "imagenet"]) == list(NAMED)
    files = {path.name for path in (CORE / "data").glob("*_classes.jsonl")}
    assert files == {f"{name}_classes.jsonl" for name in NAMED}
    assert all(load_classes(name) for name in NAMED)


def test_an_unknown_name_is_answered_with_all_there_are() -> None:
    with pytest.raises(ToolkitError) as caught:
        load_classes("flowers")
    sentence = str(caught.value)
    assert "'flowers'" in sentence and "\n" not in sentence
    assert ", ".join(sorted(NAMED)) in sentence


@every_list
def test_a_list_has_its_official_count_in_label_order(name: str) -> None:
    entries = load_classes(name)
    assert len(entries) == COUNTS[name]
    assert [entry.index for entry in entries] == list(range(len(entries)))


@every_list
def test_ids_are_distinct_and_can_name_folders_on_any_disk(name: str) -> None:
    ids = [entry.id for entry in load_classes(name)]
    assert len({each.casefold() for each in ids}) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", each) for each in ids)


@every_list
def test_no_name_or_synonym_belongs_to_two_classes(name: str) -> None:
    told = Counter(text for entry in load_classes(name) for text in names_of(entry))
    assert [text for text, times in told.items() if times > 1] == []


@every_list
def test_every_row_is_filled_in(name: str) -> None:
    entries = load_classes(name)
    for entry in entries:
        assert 10 < len(entry.definition) <= 110 and not entry.definition.endswith("."), entry.id
        assert len(entry.hypernyms) >= 2 and entry.hypernyms[-1] == "entity", entry.id
        assert len(set(entry.hypernyms)) == len(entry.hypernyms), entry.id
        assert not {kind.casefold() for kind in entry.hypernyms} & set(names_of(entry)), entry.id
        texts = (entry.name, *entry.synonyms, entry.definition, *entry.hypernyms)
        assert all(text == text.strip() and text.isprintable() for text in texts), entry.id
        assert entry.name[-1].isalnum() and not set(entry.name) & set("_()"), entry.id
    assert len({entry.definition for entry in entries}) == len(entries)


@every_list
def test_titles_are_written_as_the_encyclopedia_writes_them(name: str) -> None:
    entries = load_classes(name)
    assert {entry.id for entry in entries if not entry.titles} <= WITHOUT_ARTICLE
    for entry in entries:
        assert entry.title is None or entry.title == " | ".join(entry.titles), entry.id
        assert len(set(entry.titles)) == len(entry.titles), entry.id
        for title in entry.titles:
            assert not re.search(r"[_#<>\[\]{}]|\s\s|%[0-9A-Fa-f]{2}|[^\S ]", title), title
            assert title[0] == title[0].upper() and len(title.encode()) < 256, title


@every_list
def test_a_list_is_stored_in_canonical_lines_that_satisfy_the_schema(name: str) -> None:
    text = (CORE / "data" / f"{name}_classes.jsonl").read_text("utf-8")
    assert text == "".join(f"{canonical_json(entry)}\n" for entry in load_classes(name))
    schema = json.loads((CORE / "schemas" / "classentry.v1.schema.json").read_text("utf-8"))
    validator = Draft202012Validator(schema)
    assert [row for row in map(json.loads, text.splitlines()) if not validator.is_valid(row)] == []


def test_ids_follow_the_official_labels() -> None:
    flowers, cars = load_classes("flowers102"), load_classes("stanford_cars")
    assert [entry.id for entry in flowers] == [f"flower-{label:03d}" for label in range(1, 103)]
    assert [entry.id for entry in cars] == [f"car-{label:03d}" for label in range(1, 197)]
    assert by_id("flowers102")["flower-077"].name == "passion flower"
    assert by_id("stanford_cars")["car-196"].name == "2012 smart fortwo Convertible"
    pets = [entry.id for entry in load_classes("oxford_pets")]
    assert pets == sorted(pets) and pets[:3] == [
        "abyssinian",
        "american_bulldog",
        "american_pit_bull_terrier",
    ]
    food = [entry.id for entry in load_classes("food101")]
    assert food == sorted(food) and (food[0], food[-1]) == ("apple_pie", "waffles")


def test_the_two_folders_of_faces_are_one_class_and_the_background_is_none() -> None:
    classes = by_id("caltech101")
    assert list(classes) == sorted(classes) and list(classes)[0] == "Faces"
    assert "Faces_easy" in classes["Faces"].synonyms
    assert not {"Faces_easy", "BACKGROUND_Google"} & set(classes)


def test_pictures_decide_the_article_where_a_flower_name_misleads() -> None:
    titles = {entry.name: entry.title for entry in load_classes("flowers102")}
    assert titles["watercress"] == "Tropaeolum majus"
    assert titles["fire lily"] == "Gloriosa superba"
    assert titles["orange dahlia"] == titles["pink and yellow dahlia"] == "Dahlia"


def test_cars_that_differ_in_body_or_year_may_share_an_article() -> None:
    cars = load_classes("stanford_cars")
    shared = Counter(entry.title for entry in cars)
    assert shared["Chevrolet Silverado"] == 5 and shared["Audi 100"] == 2
    assert len(shared) == 160
    for entry in cars:
        year, model = entry.name.split(" ", 1)
        assert 1990 < int(year) < 2013 and entry.synonyms[0] == f"{model} {year}"
        assert "vehicle" in entry.hypernyms


def test_number_follows_the_grammar_of_the_names() -> None:
    food = {entry.name: entry.number for entry in load_classes("food101")}
    assert (food["guacamole"], food["french fries"], food["hot dog"]) == ("mass", "plural", "count")
    assert {e.number for e in load_classes("stanford_cars")} == {"count"}
    caltech = {entry.name: entry.number for entry in load_classes("caltech101")}
    assert (caltech["scissors"], caltech["Snoopy"], caltech["ant"]) == ("plural", "mass", "count")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("flowers102", "flowers_classes.json"),
        ("stanford_cars", "cars_classes.json"),
        ("caltech101", "caltech_classes.json"),
    ],
)
def test_names_are_those_of_the_paper_but_for_a_few(
    name: str, file: str, shared_data: Path
) -> None:
    pairs = zip(load_classes(name), paper_names(shared_data, file), strict=True)
    for entry, theirs in pairs:
        assert entry.name.casefold() == RENAMED.get(entry.id, theirs).casefold()
        assert theirs.casefold() in names_of(entry), entry.id


@every_list
def test_the_order_and_folders_are_those_of_another_reader(name: str, shared_data: Path) -> None:
    entries, rows = load_classes(name), owc_rows(shared_data, name)
    for entry, row in zip(entries, rows, strict=True):
        assert str(entry.index) == row["idx"]
        assert row["class_name"].replace("_", " ").casefold() in names_of(entry), entry.id
        if row["folder_name"]:
            folder = row["folder_name"]
            assert entry.id == (folder.lower() if name == "oxford_pets" else folder)


@pytest.mark.parametrize("name", sorted(CLIP_NAMES))
def test_the_names_of_clip_are_known_in_the_same_order(name: str, shared_data: Path) -> None:
    path = shared_data / "class_lists" / "clip_classes_and_templates.json"
    theirs = json.loads(path.read_text("utf-8"))[CLIP_NAMES[name]]["classes"]
    for entry, text in zip(load_classes(name), theirs, strict=True):
        assert text.casefold() in names_of(entry), entry.id


@pytest.mark.parametrize(
    ("name", "key", "skip"),
    [("oxford_pets", "OxfordPets", set()), ("caltech101", "Caltech101", {"background"})],
)
def test_every_name_of_clip_means_one_class(
    name: str, key: str, skip: set[str], shared_data: Path
) -> None:
    path = shared_data / "class_lists" / "clip_classes_and_templates.json"
    theirs = set(json.loads(path.read_text("utf-8"))[key]["classes"]) - skip
    known = {text for entry in load_classes(name) for text in names_of(entry)}
    assert {text for text in theirs if text.casefold() not in known} == set()

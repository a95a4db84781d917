"""Which files look like photographs, which categories articles name, and who keeps a picture."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.builders.commons.articles import file_title, linked_categories, named_categories
from imagewikiqa.builders.commons.candidates import Candidate
from imagewikiqa.builders.commons.pixels import hashes
from imagewikiqa.builders.commons.publish import image_path
from imagewikiqa.builders.commons.records import WHYS, FileFacts, Why
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.commons.rules import refuse_facts, refuse_name
from imagewikiqa.builders.commons.settings import Caps
from imagewikiqa.builders.commons.shares import Hashed, alike, contested, near_pairs
from imagewikiqa.core.records import ClassEntry

from .pictures import jpeg, picture, retouched

TIGER = ClassEntry(id="t", name="tiger")
LEAD, ARTICLE, CATEGORY = WHYS


@pytest.mark.parametrize(
    ("wikitext", "names"),
    [
        ("{{Commons category|Panthera tigris}}", ("Panthera tigris",)),
        ("{{commonscat|Olea europaea|Olivenbaum (''Olea europaea'')}}", ("Olea europaea",)),
        ("{{Commons category-inline|1=Tigers}}", ("Tigers",)),
        ("{{commons cat|Category:Tigers|tigers}}", ("Tigers",)),
        ("{{Commons category multi|Tigers|Big cats}}", ("Tigers", "Big cats")),
        ("{{Commons and category|Tiger|Panthera tigris}}", ("Panthera tigris",)),
        ("{{Sister project links|commons=Category:Tigers|n=no|b=no}}", ("Tigers",)),
        ("{{Sister project links|Toronto|v=no}}", ()),
        ("{{Commons category}} {{commonscat|}}", ()),
        ("<!-- {{Commons category|Draft}} --> text", ()),
        ("{{Commons\n |Canis_rufus}}", ("Canis rufus",)),
        ("{{Other|Commons category|x}} [[Commons category]]", ()),
    ],
)
def test_templates_name_the_category(wikitext: str, names: tuple[str, ...]) -> None:
    assert named_categories(wikitext) == names


@given(st.text(alphabet="{}|Comns catgry<!->=:", max_size=200))
def test_any_wikitext_gives_names_without_markup(wikitext: str) -> None:
    for name in named_categories(wikitext):
        assert name and not re.search(r"[{}|]", name)


def test_links_of_the_finished_page_name_the_category_too() -> None:
    links = [
        {"prefix": "wikt", "title": "Category:X"},
        {"prefix": "commons", "title": "Hammer"},
        {"prefix": "c", "title": "Category:Hammers"},
        {"prefix": "commons", "*": "category:Ñ"},
    ]
    assert linked_categories({"iwlinks": links}) == ("Hammers", "Ñ")
    assert linked_categories({}) == ()


def test_files_are_named_as_on_commons_whatever_the_language() -> None:
    assert file_title("Datei:tiger_am  Fluss.jpg") == "File:Tiger am Fluss.jpg"
    assert file_title("File:Ñu: a.jpg") == "File:Ñu: a.jpg"


def facts(categories: str = "", **changes: object) -> FileFacts:
    said = {"Categories": categories}
    base = {"id": "File:X.jpg", "url": "u", "fetch_url": "u", "source_page": "s", "bytes": 1,
            "mime": "image/jpeg", "width": 500, "height": 400, "sha1": "0" * 40,
            "uploaded": "", "uploader": "", "said": said}  # fmt: skip
    return FileFacts.model_validate(base | changes)


@pytest.mark.parametrize(
    "title",
    ["File:Tiger map.jpg", "File:Tiger_maps.jpg", "File:Logo-tiger.PNG", "File:Tiger.svg",
     "File:Tiger", "File:Tiger.jpg.pdf", "File:Coat of arms of Tigris.jpg", "File:Tiger.gif"],
)  # fmt: skip
def test_names_of_no_photograph_are_refused(title: str) -> None:
    with pytest.raises(RefusedError):
        refuse_name(title, TIGER)


@pytest.mark.parametrize(
    "title", ["File:Tiger mapping.jpg", "File:Tiger.JPEG", "File:Iconic tiger.png", "File:T.webp"]
)
def test_names_of_photographs_are_taken(title: str) -> None:
    refuse_name(title, TIGER)


def test_the_words_of_a_class_are_not_held_against_its_pictures() -> None:
    turtle = ClassEntry(id="m", name="map turtle")
    refuse_name("File:Map turtle.jpg", turtle)
    refuse_facts(facts("Northern map turtles"), turtle, Caps())
    with pytest.raises(RefusedError):
        refuse_facts(facts("Maps of turtles"), TIGER, Caps())


def test_housekeeping_categories_say_nothing_about_the_picture() -> None:
    refuse_facts(
        facts("Pages with maps|Uploaded with Icon tool|Images from Map House"), TIGER, Caps()
    )
    with pytest.raises(RefusedError, match="category"):
        refuse_facts(facts("Pages with maps|Tiger paintings"), TIGER, Caps())


def candidate(class_id: str, title: str, why: Why) -> Candidate:
    return Candidate(class_id=class_id, title=title, why=why, found_in="x")


@pytest.mark.parametrize(
    ("first", "second", "keeps"),
    [
        (LEAD, LEAD, ""),
        (LEAD, ARTICLE, "a"),
        (LEAD, CATEGORY, "a"),
        (ARTICLE, LEAD, "b"),
        (ARTICLE, ARTICLE, ""),
        (ARTICLE, CATEGORY, "a"),
        (CATEGORY, CATEGORY, ""),
        (CATEGORY, ARTICLE, "b"),
    ],
)
def test_of_two_classes_the_better_claim_from_an_article_keeps_a_picture(
    first: Why, second: Why, keeps: str
) -> None:
    both = [candidate("a", "File:X.jpg", first), candidate("b", "File:X.jpg", second)]
    lost = contested([(one, "sha1") for one in both])
    assert "".join(one.class_id for one in both if one not in lost) == keeps
    same = [Hashed(candidate=one, phash="f" * 16, dhash="0" * 16) for one in both]
    lost = alike(same)
    assert "".join(one.class_id for one in both if one not in lost) == keeps


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(WHYS), st.integers(0, 2)),
        max_size=8,
    )
)
def test_no_picture_stays_in_two_classes_whatever_the_order(
    claims: list[tuple[str, Why, int]],
) -> None:
    pictures = [
        Hashed(
            candidate=candidate(class_id, f"File:{at}.jpg", why),
            phash=f"{0xFFFF << (16 * which):016x}",
            dhash=f"{0xFFFF << (16 * which):016x}",
        )
        for at, (class_id, why, which) in enumerate(claims)
    ]
    lost = alike(pictures)
    kept = [one for one in pictures if one.candidate not in lost]
    assert len({one.phash for one in kept}) == len(kept)
    mixed = [*reversed(pictures)]
    told = {one: refused.args for one, refused in lost.items()}
    assert {one: refused.args for one, refused in alike(mixed).items()} == told


def test_retouched_pictures_are_near_and_others_are_not() -> None:
    originals = [picture(seed) for seed in range(40)]
    found = [hashes(jpeg(image)) for image in originals]
    found += [hashes(jpeg(retouched(image), quality=60)) for image in originals]
    near = near_pairs([one for one, _ in found], [two for _, two in found])
    assert near == {at: [(at + 40) % 80] for at in range(80)}


@given(st.text(max_size=300), st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_a_path_holds_nothing_of_a_title_but_letters_and_digits(title: str, form: str) -> None:
    path = image_path("n1", f"File:{title}", form)
    assert re.fullmatch(r"n1/[a-z0-9-]{1,60}-[0-9a-f]{10}\.(jpg|png|webp)", path)
    assert image_path("n1", f"File:{title}x", form) != path

"""Facts are what a page says about its own class, with the very words that say so."""

import re
from collections.abc import Callable

import pytest

from imagewikiqa.core.records import ClassEntry, Page
from imagewikiqa.qa.corpus.facts import ClassFacts, class_facts, stem
from imagewikiqa.qa.leaks import LeakChecker, fold, words

MakePage = Callable[..., Page]
TIGER = ClassEntry(id="tiger", name="tiger", hypernyms=("big cat", "animal"))
TOASTER = ClassEntry(id="toaster", name="toaster", hypernyms=("appliance", "artifact"))
PIZZA = ClassEntry(id="pizza", name="pizza", hypernyms=("dish", "food"))
UNIT = re.compile(r"\d[\d,.]*")
SPELLED = {"1": ("one", "single", "a "), "0.5": ("half",)} | {
    str(number): (word,)
    for number, word in enumerate("two three four five six seven eight nine ten".split(), 2)
}  # fmt: skip


def found(entry: ClassEntry, page: Page) -> dict[str, list[str]]:
    facts = class_facts(entry, (page,), LeakChecker([entry]))
    values: dict[str, list[str]] = {}
    for fact in facts.facts:
        values.setdefault(fact.form, []).append(fact.value)
    return values


def test_infobox_fields_become_facts(page_of: MakePage) -> None:
    page = page_of(
        "A toaster browns bread.", inventor="Charles Strite (pop-up)", introduced="1909",
        manufacturer="Dualit, Sunbeam", weight="1–2 kg", caption="A toaster",
    )  # fmt: skip
    facts = found(TOASTER, page)
    assert facts["inventor"] == ["Charles Strite"]
    assert facts["invented"] == ["1909"]
    assert facts["manufacturer"] == ["Dualit", "Sunbeam"]
    assert facts["weight_thing"] == ["1 to 2 kg"]


@pytest.mark.parametrize(
    ("prose", "form", "value"),
    [
        ("The tiger weighs 65 to 170 kg.", "weight", "65 to 170 kg"),
        ("Tigers are wild. They weigh about 90 kg.", "weight", "90 kg"),
        ("The tiger lives for 10 to 15 years.", "lifespan", "10 to 15 years"),
        ("Wild tigers live for up to 15 years.", "lifespan", "15 years"),
        ("The gestation period lasts about 105 days.", "gestation", "105 days"),
        ("A litter usually contains two or three cubs.", "litter", "2 to 3"),
        ("An adult has 30 teeth.", "teeth", "30"),
        ("The tiger has 38 chromosomes.", "chromosomes", "38"),
        ("The tiger feeds mainly on deer and wild boar.", "diet", "Deer and wild boar"),
        ("It lives in forests and swamps.", "habitat", "Forests and swamps"),
        ("The tiger is a large cat native to Asia.", "native_range", "Asia"),
        ("The young are called cubs.", "young", "Cubs"),
        ('The word "tiger" comes from Greek.', "name_language", "Greek"),
        ('The name comes from Latin and means "swift arrow".', "name_meaning", "Swift arrow"),
        ("International Cat Day is held on 29 July.", "celebration", "29 July"),
        ("It is the largest living cat.", "distinction", "The largest living cat"),
        (
            "The tiger was first described scientifically by Carl Linnaeus in 1758.",
            "described_by",
            "Carl Linnaeus",
        ),
    ],
)
def test_sentences_about_the_class_become_facts(
    prose: str, form: str, value: str, page_of: MakePage
) -> None:
    assert found(TIGER, page_of(prose)).get(form) == [value]


@pytest.mark.parametrize(
    ("prose", "form"),
    [
        ("The leopard weighs 60 kg.", "weight"),
        ("The leopard is smaller. It weighs 60 kg.", "weight"),
        ("The Siberian tiger is pale. It weighs 300 kg.", "weight"),
        ("A newborn tiger weighs about 1 kg.", "weight"),
        ("The tiger hunts the gaur, which weighs 900 kg.", "weight"),
        ("A cub lives with its mother for 2 years.", "lifespan"),
        ("The tiger lives in a cage for 2 years.", "lifespan"),
        ("Wild tigers rarely live longer than 15 years.", "lifespan"),
        ("The tiger has two rows of teeth.", "teeth"),
        ("The tiger has two sets of chromosomes.", "chromosomes"),
        ("The female gives birth to cubs 30 cm long.", "litter"),
        ("The tiger lives in a small family group.", "habitat"),
        ("The tiger is native to tropical forests.", "native_range"),
        ("The leopard feeds mainly on impala.", "diet"),
        ("The genus name comes from Greek.", "name_language"),
        ("The Latin word came from Greek.", "name_language"),
        ("The word leopard comes from Greek.", "name_language"),
        ("A poet said:\n\nIt is the largest of fears.", "distinction"),
        ("The lion is the largest African cat.", "distinction"),
        ("The tiger roars.", "weight"),
    ],
)
def test_other_subjects_and_other_quantities_are_refused(
    prose: str, form: str, page_of: MakePage
) -> None:
    assert form not in found(TIGER, page_of(prose))


def test_a_form_asks_only_its_own_families(page_of: MakePage) -> None:
    page = page_of("The pizza weighs 1 kg. It feeds mainly on air.", course="Main course")
    assert found(PIZZA, page) == {"weight_thing": ["1 kg"], "course": ["Main course"]}


def test_a_value_that_gives_the_class_away_is_dropped(page_of: MakePage) -> None:
    page = page_of("A pizza is flat.", variations="Calzone, Neapolitan pizza, Pizzas fritte")
    assert found(PIZZA, page)["variant"] == ["Calzone"]


def test_the_infobox_comes_before_sentences_and_repeats_are_one_fact(page_of: MakePage) -> None:
    page = page_of("The toaster weighs 3 kg. The toaster weighs 2 kg.", weight="2 kg")
    assert found(TOASTER, page)["weight_thing"] == ["2 kg", "3 kg"]


def test_evidence_is_the_sentence_or_the_infobox_line(page_of: MakePage) -> None:
    prose = "Köpek 🐅. The tiger is big. It weighs 90 kg. It roars."
    page = page_of(prose, status="EN", state="status: VU")
    facts = class_facts(TIGER, (page,), LeakChecker([TIGER])).facts
    quotes = {fact.form: page.text[fact.start : fact.end] for fact in facts}
    assert quotes["weight"] == "It weighs 90 kg."
    assert quotes["status"] == "status: EN"
    assert {fact.page for fact in facts} == {page.id}


def test_a_class_without_a_page_or_words_has_no_facts(page_of: MakePage) -> None:
    nothing = class_facts(TIGER, (), LeakChecker([TIGER]))
    assert nothing.facts == () and nothing.stems == ()
    assert found(TIGER, page_of("")) == {}


def test_several_pages_of_a_class_are_read_together(page_of: MakePage) -> None:
    one, two = page_of("The tiger weighs 90 kg.", "a"), page_of("It has 30 teeth.", "b")
    facts = class_facts(TIGER, (one, two), LeakChecker([TIGER])).facts
    assert {(fact.form, fact.page) for fact in facts} == {
        ("weight", "page:a"),
        ("teeth", "page:b"),
    }


def test_stems_join_the_numbers_of_a_word() -> None:
    assert stem("berries") == stem("berry") and stem("forests") == stem("forest")
    assert stem("bus") == "bus"


def test_the_sample_gives_many_facts_of_many_forms(facts: tuple[ClassFacts, ...]) -> None:
    every = [fact for one in facts for fact in one.facts]
    assert len(facts) >= 32 and len(every) >= 8 * len(facts)
    assert len({fact.form for fact in every}) >= 40
    assert sum(len(one.facts) >= 4 for one in facts) >= 30


def test_every_fact_of_the_sample_is_in_its_evidence(
    facts: tuple[ClassFacts, ...], pages: dict[str, Page]
) -> None:
    checked = 0
    for one in facts:
        for fact in one.facts:
            quote = fold(pages[one.id].text[fact.start : fact.end])
            for number in UNIT.findall(fact.value):
                spelled = SPELLED.get(number, ())
                assert number in quote or any(word in quote for word in spelled), (fact, quote)
            if fact.low is None and fact.form != "status":
                missing = [word for word in words(fact.value) if word not in quote]
                assert not missing, (fact.value, quote)
            checked += 1
    assert checked >= 500

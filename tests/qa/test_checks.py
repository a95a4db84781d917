"""Every check of a draft, once passed and once failed, and the reason that is given."""

import pytest

from imagewikiqa.core.records import Authorship, Choice, ClassEntry, Draft, Evidence
from imagewikiqa.qa.checks import CHECKS, FLAGS, check_draft, first_failure
from imagewikiqa.qa.leaks import LeakChecker

PAGE = "The red panda eats bamboo. It lives in the eastern Himalayas — up to 4,800 m."
QUOTE = "It lives in the eastern Himalayas — up to 4,800 m."
PLACES = ("Himalayas", "The Alps", "Mount Etna", "Atacama Desert")
CLASSES = [
    ClassEntry(id="c1", name="red panda", synonyms=("lesser panda", "firefox")),
    ClassEntry(id="c2", name="tiger"),
]


def draft(
    question: str = "Where does this object live?",
    options: tuple[str, str, str, str] = PLACES,
    quote: str = QUOTE,
    start: int = PAGE.index(QUOTE),
    page: str = "p",
) -> Draft:
    a, b, c, d = (Choice(text=text) for text in options)
    evidence = Evidence(
        page=page, page_id=1, revision_id=1, url="u", quote=quote, start=start,
        end=start + len(quote),
    )  # fmt: skip
    return Draft(
        id="d", class_id="c1", class_name="red panda", question=question,
        question_named=question, choices=(a, b, c, d), evidence=evidence,
        author=Authorship(name="test", model="none", prompt="none", seed=0),
    )  # fmt: skip


def failed(one: Draft) -> set[str]:
    found = check_draft(one, LeakChecker(CLASSES), {"p": PAGE})
    assert list(found) == [*CHECKS, *FLAGS]
    return {name for name, passed in found.items() if not passed}


def test_a_sound_draft_passes_every_check() -> None:
    assert failed(draft()) == set()


def test_a_question_without_a_placeholder_is_noticed() -> None:
    assert failed(draft(question="Where do these objects live?")) == set()
    assert failed(draft(question="Where does this animal live?")) == {"placeholder"}


@pytest.mark.parametrize("twin", ["The Himalayas", "himalayas.", "HIMALAYAS", " Himalayas"])
def test_options_that_differ_only_in_dress_are_the_same(twin: str) -> None:
    assert failed(draft(options=("Himalayas", twin, "Alps", "Andes"))) == {"distinct_options"}


def test_options_that_share_words_are_not_the_same() -> None:
    assert failed(draft(options=("Himalayas", "Himalayas and Alps", "1.5 m", "15 m"))) == set()


@pytest.mark.parametrize(
    "option",
    ["All of the above", "none of the above", "Both of these", "Neither of the options",
     "All these", "Both A and B", "Neither B nor C", "Some of the options", "Any of the above."],
)  # fmt: skip
def test_options_about_the_other_options_are_not_plain(option: str) -> None:
    assert failed(draft(options=("Himalayas", "Alps", "Andes", option))) == {"plain_options"}


@pytest.mark.parametrize(
    "option", ["All kinds of leaves", "None", "Both sexes", "Any dry place", "Overall length"]
)
def test_options_that_only_begin_alike_are_plain(option: str) -> None:
    assert failed(draft(options=("Himalayas", "Alps", "Andes", option))) == set()


@pytest.mark.parametrize("style", ["{}. {}", "{}) {}", "({}) {}"])
def test_options_that_carry_letters_are_not_plain(style: str) -> None:
    a, b, c, d = (style.format("abcd"[at], place) for at, place in enumerate(PLACES))
    assert failed(draft(options=(a, b, c, d))) == {"plain_options"}


def test_one_initial_is_a_name_and_no_letter() -> None:
    makers = ("C. Bechstein", "Steinway & Sons", "Yamaha", "Fazioli")
    assert failed(draft(options=makers)) == set()
    assert failed(draft(options=(*makers[:3], "A. Blüthner"))) == {"plain_options"}


@pytest.mark.parametrize(
    "debris", ["[[Alps]]", "{{convert|3|m}}", "'''Alps'''", "Alps<ref>", "a &nbsp; b", "{| x"]
)
def test_markup_in_the_question_or_an_option_is_noticed(debris: str) -> None:
    assert failed(draft(options=("Himalayas", "Alps", "Andes", debris))) == {"no_markup"}
    assert failed(draft(question=f"Is this object near {debris}?")) == {"no_markup"}


def test_signs_that_are_no_markup_pass() -> None:
    options = ("Less than 3 m (10 ft)", "3 < x", "Marks & Spencer", "Below −5 °C [Alps]")
    assert failed(draft(options=options)) == set()


@pytest.mark.parametrize("leak", ["Red pandas", "a Lesser Panda", "near Firefox"])
def test_the_name_a_synonym_and_a_plural_leak_wherever_they_stand(leak: str) -> None:
    assert failed(draft(question=f"Where does this object, {leak}, live?")) == {"no_name_leak"}
    assert failed(draft(options=("Himalayas", "Alps", "Andes", leak))) == {"no_name_leak"}


def test_the_name_of_another_class_is_no_leak() -> None:
    assert failed(draft(options=("Himalayas", "Alps", "Andes", "Tiger Hill"))) == set()


@pytest.mark.parametrize(
    ("quote", "start", "page"),
    [
        (QUOTE, PAGE.index(QUOTE) + 1, "p"),
        (QUOTE.replace("—", "-"), PAGE.index(QUOTE), "p"),
        ("", 0, "p"),
        (QUOTE, PAGE.index(QUOTE), "another"),
        (QUOTE, len(PAGE), "p"),
    ],
)
def test_evidence_must_stand_in_its_page_at_its_offsets(quote: str, start: int, page: str) -> None:
    assert failed(draft(quote=quote, start=start, page=page)) == {"evidence_verbatim"}


def test_the_first_failure_is_the_reason() -> None:
    assert first_failure(dict.fromkeys(CHECKS, True)) is None
    for at, (name, reason) in enumerate(CHECKS.items()):
        found = {check: number < at for number, check in enumerate(CHECKS)}
        assert first_failure(found) == reason
        assert first_failure(dict.fromkeys(CHECKS, True) | {name: False}) == reason

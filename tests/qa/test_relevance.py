"""Long pages are cut to a budget: leads first, then sections that promise facts, in page order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.matching import MatchedPage
from imagewikiqa.builders.pages import make_page
from imagewikiqa.builders.sample import read_sample, sample_classes
from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.records import Page, Section
from imagewikiqa.qa.corpus.facts import class_facts
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.relevance import ELISION, cut_pages, promise

DESCRIPTION = "Its body is 40 cm long and weighs 5 kg. The coat is rust red, the tail has rings."
CULTURE = "A song of 1999 by a band names it. In 2003 the film won an award in the city."


def paged(*sections: tuple[str, str], name: str = "p") -> Page:
    """Return a page of (title, body) sections; the first is the lead."""
    text, spans = "", []
    for title, body in sections:
        text += f"{title}\n" if title else ""
        spans.append(Section(path=(title,) if title else (), start=len(text),
                             end=len(text) + len(body)))  # fmt: skip
        text += f"{body}\n"
    return Page(
        id=name, class_ids=("c",), title=name, page_id=1, revision_id=1, revision_timestamp=None,
        url="", license="", text=text, sections=tuple(spans), facts={}, source="test",
        sha256=text_digest(text),
    )  # fmt: skip


def long(words: str, size: int = 600) -> str:
    return " ".join([words] * (size // len(words) + 1))


def test_a_page_within_the_budget_is_shown_whole() -> None:
    page = paged(("", "A lead."), ("See also", "Other things."))
    assert cut_pages([page], 100) == [page.text]


def test_the_lead_comes_first_and_description_before_popular_culture() -> None:
    page = paged(
        ("", "A lead."),
        ("In popular culture", long(CULTURE)),
        ("Description", long(DESCRIPTION)),
        ("Infobox", "length: 40 cm\nweight: 5 kg"),
    )
    (cut,) = cut_pages([page], 200)
    assert cut.startswith(f"A lead.\n{ELISION}\n")
    assert DESCRIPTION in cut and "length: 40 cm" in cut
    assert CULTURE not in cut
    assert cut.index(DESCRIPTION) < cut.index("length: 40 cm")


def test_words_decide_where_titles_do_not() -> None:
    assert promise(("Description",), DESCRIPTION) > promise(("Other",), DESCRIPTION)
    assert promise(("Other",), DESCRIPTION) > promise(("In popular culture",), DESCRIPTION)
    assert promise(("Other",), DESCRIPTION) > promise(("Other",), "People like to talk of it.")


def test_a_section_that_does_not_fit_gives_its_first_paragraphs() -> None:
    page = paged(("", "A lead."), ("History", "\n".join(f"In {year} it came." * 5 for year in
                                                        range(1900, 1960))))  # fmt: skip
    (cut,) = cut_pages([page], 150)
    assert "In 1900 it came" in cut and "In 1959 it came" not in cut
    assert cut.endswith(f"\n{ELISION}")


def test_the_lead_of_every_page_is_shown() -> None:
    pages = [paged(("", f"Lead of {name}."), ("History", long(DESCRIPTION, 3_000)), name=name)
             for name in ("first", "second")]  # fmt: skip
    cuts = cut_pages(pages, 400)
    assert [cut.splitlines()[0] for cut in cuts] == ["Lead of first.", "Lead of second."]
    assert sum(map(len, cuts)) <= 400 * 4 + 2 * 2 * (len(ELISION) + 1)


def test_of_a_single_long_paragraph_whole_sentences_are_shown() -> None:
    (cut,) = cut_pages([paged(("", long("It eats bamboo.", 5_000)))], 100)
    assert cut.endswith(f"bamboo.\n{ELISION}")
    (torn,) = cut_pages([paged(("", "x" * 5_000))], 100)
    assert torn == "x" * 400 + f"\n{ELISION}"


BODY = st.text(alphabet="ab 1.\n", max_size=80)
PAGES = st.lists(
    st.lists(st.tuples(st.sampled_from(["History", "See also", "X"]), BODY), min_size=1,
             max_size=6),
    min_size=1, max_size=3,
)  # fmt: skip


@given(PAGES, st.integers(1, 60))
def test_what_is_shown_stands_in_the_page_in_order_and_within_the_budget(
    parts: list[list[tuple[str, str]]], tokens: int
) -> None:
    pages = [paged(*(("", body) if at == 0 else (title, body)
                     for at, (title, body) in enumerate(part)), name=f"p{number}")
             for number, part in enumerate(parts)]  # fmt: skip
    cuts = cut_pages(pages, tokens)
    assert cuts == cut_pages(pages, tokens)
    shown = 0
    for page, cut in zip(pages, cuts, strict=True):
        place = 0
        for piece in [line for line in cut.split("\n") if line != ELISION]:
            place = page.text.index(piece, place) + len(piece)
            shown += len(piece)
    assert shown <= tokens * 4 + max(map(len, cuts))  # an opening has a share of its own
    if sum(len(page.text) for page in pages) <= tokens * 4:
        assert cuts == [page.text for page in pages]


@pytest.fixture(scope="module")
def sample_facts() -> list[tuple[Page, set[str]]]:
    """Return the sample's pages with the sentences and lines that state a fact."""
    entries = {entry.id: entry for entry in sample_classes()}
    checker = LeakChecker(list(entries.values()))
    found = []
    for raw in read_sample():
        page = make_page(MatchedPage(raw=raw, class_ids=(str(raw.class_id),)))
        assert isinstance(page, Page)
        facts = class_facts(entries[page.class_ids[0]], (page,), checker).facts
        found.append((page, {page.text[fact.start : fact.end] for fact in facts}))
    return found


def test_far_more_facts_stay_than_in_the_beginnings_of_pages(
    sample_facts: list[tuple[Page, set[str]]],
) -> None:
    kept = plain = total = 0
    for page, facts in sample_facts:
        (cut,) = cut_pages([page], 500)
        total += len(facts)
        kept += sum(fact in cut for fact in facts)
        plain += sum(fact in page.text[:2_000] for fact in facts)
    assert total > 400
    assert kept / total > 0.85 > 0.45 > plain / total

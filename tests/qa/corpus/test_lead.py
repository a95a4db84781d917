"""A bare title is asked about as its own page writes it."""

from collections.abc import Callable

import pytest

from imagewikiqa.core.records import ClassEntry, Page
from imagewikiqa.qa.corpus.lead import as_written
from imagewikiqa.qa.naming import name_question


@pytest.mark.parametrize(
    ("title", "prose", "expected"),
    [
        ("Aardvark", "The aardvark (a mammal) digs. Lions eat the aardvark.", "the aardvark"),
        ("Aikido", "Aikido is an art. He taught aikido. In aikido one bows.", "aikido"),
        ("Angola", "Angola is a country. Most of Angola is dry.", "Angola"),
        ("Red Sea", "The Red Sea is a sea. In the Red Sea it is hot.", "the Red Sea"),
        ("Aldous Huxley", "Aldous Leonard Huxley was a writer.", "Aldous Huxley"),
        ("Animalia (book)", "Animalia is a book.", "Animalia"),
        ("Tyler, Texas", "Tyler, Texas is a city.", "Tyler, Texas"),
        ("Samsung", "The Samsung Group (or simply Samsung) is a firm.", "Samsung"),
        ("Acid", "An acid is a substance. Some acid burns.", "the acid"),
        ("Trousers", "Trousers are clothes. He wore trousers. In trousers he ran.", "trousers"),
        ("? (film)", "? (also written Tanda Tanya) is a film.", "?"),
        ("C++", "C++ is a language. He wrote C++ daily.", "C++"),
    ],
)  # fmt: skip
def test_the_page_decides_about_article_and_capital(
    title: str, prose: str, expected: str, page_of: Callable[..., Page]
) -> None:
    entry = ClassEntry(id="c", name=title)
    written = as_written(entry, page_of(prose))
    assert name_question("Where is this object from?", written).endswith(f" {expected} from?")
    assert written.id == entry.id


def test_a_plural_title_takes_plural_verbs(page_of: Callable[..., Page]) -> None:
    page = page_of("Trousers (or pants) are clothes. He wore trousers, and trousers were new.")
    written = as_written(ClassEntry(id="c", name="Trousers"), page)
    assert name_question("What is this object?", written) == "What are trousers?"


@pytest.mark.parametrize(
    "entry",
    [
        ClassEntry(id="a", name="tiger", hypernyms=("animal",)),
        ClassEntry(id="b", name="guacamole", number="mass"),
        ClassEntry(id="c", name="Jeans", number="plural"),
    ],
)
def test_a_class_whose_grammar_is_known_stays_as_it_is(
    entry: ClassEntry, page_of: Callable[..., Page]
) -> None:
    assert as_written(entry, page_of("Nothing here names it.")) is entry

"""Values are read from text as a person would write them down, and doubtful ones are refused."""

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.corpus import values
from imagewikiqa.qa.corpus.forms import Kind

Reader = Callable[[str], values.Value | None]
QUANTITIES: tuple[Kind, ...] = ("mass", "length", "speed", "time", "count")
READERS: tuple[Reader, ...] = (
    values.year, values.phrase, values.first, values.person, values.place, values.taxon,
    values.language, values.number, values.date, values.status, values.quoted,
)  # fmt: skip
PIECES = st.sampled_from(
    """12 1,300 0.5 15–23 7-8 two one a single between and to or about up kg km/h cm metres years
    eggs [[x]] {{y}} | <b> = ( ) " ' the The Africa Carl von Linnaeus 1853 1950s BC , ; : . native
    which é – × Latin or Greek U.S. LC 29 July""".split()
)
TEXT = st.one_of(st.text(), st.lists(PIECES, max_size=9).map(" ".join))


@pytest.mark.parametrize(
    ("kind", "text", "shown", "low", "high"),
    [
        ("mass", "between 90 and 310 kilograms", "90 to 310 kg", 90, 310),
        ("mass", " up to 6,000 kilograms", "6,000 kg", 6000, 6000),
        ("mass", "half a kilogram", "0.5 kg", 0.5, 0.5),
        ("mass", "ten tonnes", "10 tonnes", 10_000, 10_000),
        ("mass", "500–1,000 g", "500 to 1,000 g", 0.5, 1),
        ("length", "15–23 cm", "15 to 23 cm", 0.15, 0.23),
        ("length", "60-85 centimetres (24 in)", "60 to 85 cm", 0.6, 0.85),
        ("length", "3.0 and 3.4 metres tall", "3.0 to 3.4 m", 3, 3.4),
        ("length", "10 to 12 m", "10 to 12 m", 10, 12),
        ("speed", "up to 70 km/h", "70 km/h", 70, 70),
        ("time", "about seven days", "7 days", 7, 7),
        ("time", "one year", "1 year", 365.25, 365.25),
        ("time", "seven to eight months", "7 to 8 months", 212.8, 243.2),
        ("count", "a single egg", "1", 1, 1),
        ("count", "two or three cubs", "2 to 3", 2, 3),
        ("count", "about 1,000 seeds", "1,000", 1000, 1000),
        ("count", "20 eggs", "20", 20, 20),
    ],
)
def test_a_quantity_is_read_with_its_unit_and_bounds(
    kind: Kind, text: str, shown: str, low: float, high: float
) -> None:
    value = values.measure(kind, text)
    assert value is not None and value.text == shown
    assert value.low == pytest.approx(low) and value.high == pytest.approx(high)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("mass", "310 to 90 kg"),
        ("mass", "0 kg"),
        ("mass", "5 mph"),
        ("mass", "40 cm"),
        ("mass", "heavy"),
        ("length", "5 m/s"),
        ("length", "3 ft 5 in"),
        ("length", "1,5 m"),
        ("time", "1,50 days"),
        ("count", "30 cm long"),
        ("count", "5 years later"),
        ("count", "2 rows of teeth"),
        ("count", "eight sets of chromosomes"),
        ("count", "12.5% of them"),
        ("count", "12 per cent"),
        ("count", "2 million"),
        ("count", "4/5"),
        ("count", "3rd"),
    ],
)
def test_what_is_no_such_quantity_is_refused(kind: Kind, text: str) -> None:
    assert values.measure(kind, text) is None


@pytest.mark.parametrize(
    ("reader", "text", "shown"),
    [
        (values.year, "May 16, 1929", "1929"),
        (values.year, "1914 (first scheduled airline)", "1914"),
        (values.phrase, "the leaves of eucalyptus trees", "The leaves of eucalyptus trees"),
        (values.phrase, "marine mammals such as seals", "Marine mammals"),
        (values.phrase, "mainly deer, which it stalks", "Deer"),
        (values.phrase, "concrete and steel, and is 133 m tall", "Concrete and steel"),
        (values.phrase, "Hawthorne, California, U.S.", "Hawthorne, California, U.S."),
        (values.first, "Malbork Castle, Poland", "Malbork Castle"),
        (values.first, "Ojos del Salado, 6,893 m", "Ojos del Salado"),
        (values.person, "Carl Linnaeus", "Carl Linnaeus"),
        (values.person, "Thomas Saint (early design)", "Thomas Saint"),
        (values.person, "Jean de La Fontaine", "Jean de La Fontaine"),
        (values.place, "India, where it lives", "India"),
        (values.place, "Germany in the 19th century", "Germany"),
        (values.place, "a region from Iran to India", "A region from Iran to India"),
        (values.taxon, "Cynara cardunculus var. scolymus", "Cynara cardunculus var. scolymus"),
        (values.taxon, "Fragaria × ananassa", "Fragaria × ananassa"),
        (values.taxon, "Felidae (cats)", "Felidae"),
        (values.language, "the Middle English word", "Middle English"),
        (values.language, "Medieval Latin", "Latin"),
        (values.number, "321.322-5 (with frets)", "321.322-5"),
        (values.date, "29 July", "29 July"),
        (values.status, "vu", "Vulnerable"),
        (values.status, "Least Concern", "Least Concern"),
        (values.quoted, "place where trees stand", "Place where trees stand"),
    ],
)  # fmt: skip
def test_a_field_is_read_as_one_value(reader: Reader, text: str, shown: str) -> None:
    value = reader(text)
    assert value is not None and value.text == shown


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (values.year, "1950s"),
        (values.year, "500 BC"),
        (values.year, "c. 1700"),
        (values.year, "16th century"),
        (values.year, "1766–1790"),
        (values.year, "1829 or 1830"),
        (values.year, "early 1900"),
        (values.year, "by 1900"),
        (values.year, "1,853"),
        (values.phrase, "it"),
        (values.phrase, "its prey"),
        (values.phrase, "forests and"),
        (values.phrase, "a | b"),
        (values.phrase, "one two three four five six seven eight nine ten"),
        (values.person, "Percy"),
        (values.person, "the English"),
        (values.person, "Orville Wright and Wilbur Wright"),
        (values.person, "Boeing, Inc"),
        (values.place, "tropical forests"),
        (values.place, "Region 12"),
        (values.taxon, "cats"),
        (values.language, "Spanish or Portuguese"),
        (values.language, "an unknown tongue"),
        (values.number, "none"),
        (values.number, "1, 2"),
        (values.date, "July 29"),
        (values.date, "31 Brumaire"),
        (values.status, "XX"),
        (values.quoted, "x: y"),
        (values.quoted, "‐ ‐"),
        (values.phrase, "‐ ‐"),
    ],
)
def test_a_doubtful_field_is_refused(reader: Reader, text: str) -> None:
    assert reader(text) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Steel cables and deck", ["Steel cables", "Deck"]),
        ("Dome (anda), railing (harmika)", ["Dome", "Railing"]),
        ("Nylon or polyester canopy, steel ribs", ["Steel ribs"]),
        ("Bakelite, later ABS plastic", ["Bakelite"]),
        ("Polypropylene; formerly glass and metal", ["Polypropylene"]),
        ("Wheat flour, water, etc.", ["Wheat flour", "Water"]),
        ("a drum, the tub and usually a pump", ["Drum", "Tub", "Pump"]),
        ("Lyon & Healy\nSalvi Harps", ["Lyon & Healy", "Salvi Harps"]),
        ("many others", []),
        ("", []),
    ],
)
def test_a_list_gives_its_entries(text: str, shown: list[str]) -> None:
    assert [value.text for value in values.items(text)] == shown


def _sound(value: values.Value | None) -> bool:
    if value is None:
        return True
    clean = not any(mark in value.text for mark in ("[[", "{{", "|", "<", "="))
    ordered = value.low is None or (value.high is not None and 0 < value.low <= value.high)
    return bool(value.text.strip() and value.key) and clean and ordered


@given(TEXT)
def test_no_text_breaks_a_reader_or_leaves_markup(text: str) -> None:
    assert all(_sound(reader(text)) for reader in READERS)
    assert all(_sound(value) for value in values.items(text))


@given(st.sampled_from(QUANTITIES), TEXT)
def test_no_text_breaks_a_measure(kind: Kind, text: str) -> None:
    assert kind in get_args(Kind)
    assert _sound(values.measure(kind, text))


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([" to ", "–", "-", " and "]))
def test_a_range_keeps_its_bounds(one: int, two: int, joint: str) -> None:
    low, high = sorted((one, two))
    value = values.measure("mass", f"{low}{joint}{high} kg")
    assert value is not None and (value.low, value.high) == (low, high)
    assert value.text == f"{low} to {high} kg"

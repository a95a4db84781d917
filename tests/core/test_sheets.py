"""No text is a formula in a spreadsheet, and every text comes back."""

from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.sheets import inert, plain

TEXTS = st.text() | st.text(alphabet="=+-@'\t a1", max_size=4)


@given(TEXTS)
def test_an_inert_text_is_no_formula_and_comes_back(text: str) -> None:
    assert inert(text)[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert plain(inert(text)) == text

"""What a command prints at its end: words for people, one JSON line for programs."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewikiqa.cli.output import show

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(summary=st.dictionaries(st.text(min_size=1), JSON, min_size=1, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_is_one_line_that_reads_back(
    summary: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    show(summary, as_json=True)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.endswith("\n")
    assert captured.out.count("\n") == 1
    assert json.loads(captured.out) == summary


def test_names_are_sorted_and_letters_kept_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show({"b": "é", "a": 1}, as_json=True)
    assert capsys.readouterr().out == '{"a": 1, "b": "é"}\n'


def test_people_get_aligned_names_and_counts_by_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show({"out": "run", "questions": 12, "rejects": {"draft: name leak": 3}}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "out        run",
        "questions  12",
        "rejects:",
        "       3  draft: name leak",
    ]

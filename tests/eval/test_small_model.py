"""A real small language model, served over HTTP, drafts and judges: no quality, all structure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import small_model
from benchmarks._llama_server import installed, serving

pytestmark = pytest.mark.skipif(
    not installed(), reason="needs the packages that .ci/small_model.sh installs"
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as address:
        yield address


def test_what_a_real_model_writes_over_http_is_valid_wherever_it_is_whole(
    tmp_path: Path, url: str
) -> None:
    found = small_model.drafted(tmp_path, url, 1)
    assert set(found["replies"]) <= {"ok", "truncated"} and 1 <= sum(found["replies"].values()) <= 2
    assert found["whole_and_valid"] == found["whole"]
    assert found["drafts"] or found["rejects"]  # each question is one or the other, none is lost


def test_a_real_model_judges_drafts_over_http_and_every_trial_is_counted(
    tmp_path: Path, url: str
) -> None:
    found = small_model.judged(tmp_path, url, 4)
    named, blind = found["with_name"], found["without_name"]
    assert named["trials"] == blind["trials"] == found["judged"] > 0
    for asked in (named, blind):
        assert 0 <= asked["unparsed"] < asked["trials"]
        assert sum(asked["picks"].values()) == pytest.approx(100, abs=0.5)

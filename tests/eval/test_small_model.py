"""A real small language model, served over HTTP, drafts and judges: no quality, all structure."""

from pathlib import Path

import pytest

from benchmarks import small_model
from benchmarks._llama_server import installed, serving

pytestmark = pytest.mark.skipif(
    not installed(), reason="needs the packages that .ci/small_model.sh installs"
)


def test_what_a_real_model_writes_over_http_is_valid_wherever_it_is_whole(tmp_path: Path) -> None:
    classes, out = tmp_path / "classes.jsonl", tmp_path / "run"
    small_model.few_classes(classes, 1)
    with serving() as url:
        models = ["--base-url", url, "--author", "openai:smollm2"]
        small_model.run("draft", classes, out, models)
        found = small_model.structure(out, url)
    ends = found["author_answers"]
    assert set(ends) <= {"ok", "truncated"} and sum(ends.values()) == 1
    assert found["whole_answers_valid"] == ends.get("ok", 0)

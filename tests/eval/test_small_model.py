"""A real small language model, served over HTTP, drafts and judges: no quality, all structure."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from benchmarks import small_model
from benchmarks._llama_server import installed, serving
from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.core.llm.client import user_request
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from tests.eval.tiny import SHORT

pytestmark = pytest.mark.skipif(
    not installed(), reason="needs the packages that .ci/small_model.sh installs"
)
SHORTEST = (
    "--per-class 1 --set drafting.oversample=1 --set drafting.rounds=1"
    " --set drafting.max_tokens=256 --set drafting.page_tokens=100 --set drafting.kinds=[use]"
).split()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as address:
        yield address


def test_every_reply_over_http_fits_a_schema_that_lets_it_end(url: str) -> None:
    provider = OpenAIProvider("smollm2", url)

    async def ask(seed: int) -> str:
        words = f"Question {seed}: where does it live?"
        request = user_request("smollm2", "test@0", words, 200, seed=seed, json_schema=SHORT)
        reply = provider.read((await provider.send(request)).body)
        assert reply.finish == "stop"
        return reply.text

    async def all_of_them() -> list[str]:
        return [await ask(seed) for seed in range(2)]

    said = asyncio.run(all_of_them())
    for text in said:
        jsonschema.validate(json.loads(text), SHORT)
    assert len(set(said)) > 1  # the model wrote them, not the grammar alone


def test_what_a_real_model_drafts_over_http_is_valid_wherever_it_is_whole(
    tmp_path: Path, url: str
) -> None:
    found = small_model.drafted(tmp_path, url, 1, SHORTEST)
    assert set(found["replies"]) <= {"ok", "truncated"} and 1 <= sum(found["replies"].values()) <= 2
    assert found["whole_and_valid"] == found["whole"]
    assert found["drafts"] or found["rejects"]  # each question is one or the other, none is lost


def test_a_real_model_judges_drafts_over_http_and_every_trial_is_counted(
    tmp_path: Path, url: str
) -> None:
    file = tmp_path / "classes.jsonl"  # the corpus author compares five classes or more
    entries = [one.model_dump_json(exclude={"index"}) + "\n" for one in sample_classes()[-5:]]
    file.write_text("".join(entries), encoding="utf-8")
    found = small_model.judged(tmp_path, url, 5, str(file))
    named, blind = found["with_name"], found["without_name"]
    assert named["trials"] == blind["trials"] == found["judged"] > 0
    for asked in (named, blind):
        assert 0 <= asked["unparsed"] < asked["trials"]
        assert sum(asked["picks"].values()) == pytest.approx(100, abs=0.5)

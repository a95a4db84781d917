"""Local models: JSON that always parses, the same answer every time, honest ends and errors."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Message, Request, TextPart, user_request
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient
from imagewikiqa.core.llm.prices import nothing_to_pay
from imagewikiqa.eval.models.local import LocalProvider
from imagewikiqa.eval.models.weights import find_weights
from imagewikiqa.qa.llm_reply import QuestionDrafts
from tests.eval.tiny import SHORT, save_tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def provider(folder: Path) -> LocalProvider:
    return LocalProvider(find_weights(str(folder)))


def request(text: str = "Where does it live?", tokens: int = 200, **options: Any) -> Request:
    return user_request("tiny", "test@0", text, tokens, **options)


def reply(provider: LocalProvider, asked: Request) -> Any:
    return provider.read(asyncio.run(provider.send(asked)).body)


@pytest.mark.parametrize(("temperature", "seeds"), [(0.0, 2), (1.0, 6), (3.0, 6)])
def test_every_reply_that_ends_by_itself_fits_its_schema(
    provider: LocalProvider, temperature: float, seeds: int
) -> None:
    seen = set()
    for seed in range(seeds):
        said = reply(provider, request(json_schema=SHORT, temperature=temperature, seed=seed))
        assert said.finish == "stop"
        jsonschema.validate(json.loads(said.text), SHORT)
        seen.add(said.text)
    assert (len(seen) == 1) == (temperature == 0)


def test_without_the_constraint_the_same_model_writes_no_json(provider: LocalProvider) -> None:
    with pytest.raises(ValueError):
        json.loads(reply(provider, request(tokens=20)).text)


def test_questions_are_either_whole_or_said_to_be_cut(provider: LocalProvider) -> None:
    schema = QuestionDrafts.model_json_schema()
    for seed in range(2):
        asked = request(json_schema=schema, temperature=1.0, seed=seed, tokens=80)
        said = reply(provider, asked)
        if said.finish == "stop":
            QuestionDrafts.model_validate_json(said.text)
        else:
            assert said.usage.output_tokens == 80 and said.text.startswith('{"questions":[')


def test_the_same_request_is_answered_the_same_by_a_model_loaded_again(folder: Path) -> None:
    asked = [request(temperature=1.0, seed=s, tokens=10, sample=n) for s in (0, 1) for n in (0, 1)]
    first, again = (LocalProvider(find_weights(str(folder))) for _ in range(2))
    said = [reply(first, one).text for one in asked]
    assert len(set(said)) == 4  # seed and sample both count
    assert [reply(again, one).text for one in reversed(asked)] == said[::-1]


def test_requests_at_once_are_answered_as_alone(provider: LocalProvider) -> None:
    asked = [request(f"Number {n}?", tokens=6) for n in range(4)]

    async def together() -> list[str]:
        raws = await asyncio.gather(*map(provider.send, asked))
        return [provider.read(raw.body).text for raw in raws]

    assert asyncio.run(together()) == [reply(provider, one).text for one in asked]


def test_a_greedy_reply_is_what_transformers_itself_generates(
    provider: LocalProvider, folder: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompt = tokenizer("<|user|>Where does it live?<|assistant|>", return_tensors="pt")
    out = model.generate(**prompt, max_new_tokens=16, do_sample=False)
    written = tokenizer.decode(out[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    assert reply(provider, request(tokens=16)).text == written


def test_a_cut_reply_says_so_and_tokens_are_counted(provider: LocalProvider) -> None:
    said = reply(provider, request(tokens=3, json_schema=SHORT))
    assert (said.finish, said.usage.output_tokens) == ("length", 3)
    assert said.usage.input_tokens > 5


def test_a_prompt_longer_than_the_context_fails_alone(provider: LocalProvider) -> None:
    with pytest.raises(CallError, match="longer than the model's context") as caught:
        reply(provider, request("bamboo " * 600))
    assert not caught.value.again and caught.value.free


def test_a_model_without_a_chat_template_is_shown_plain_turns(tmp_path: Path) -> None:
    plain = LocalProvider(find_weights(str(save_tiny(tmp_path / "plain", chat=False))))
    turns = [("system", "Be brief."), ("user", "Where?")]
    messages = tuple(Message(role=r, content=(TextPart(text=t),)) for r, t in turns)
    reply(plain, request(tokens=2).model_copy(update={"messages": messages}))
    assert plain._generator is not None
    tokens = plain._generator._prompt(request(tokens=2).model_copy(update={"messages": messages}))
    shown = plain._generator._tokenizer.decode(tokens)
    assert shown == "System: Be brief.\n\nUser: Where?\n\nAssistant:"


def test_the_event_loop_lives_on_and_a_cancelled_request_stops_writing(
    provider: LocalProvider,
) -> None:
    async def cancel() -> float:
        loop = asyncio.get_running_loop()
        long = asyncio.create_task(provider.send(request(tokens=400, temperature=1.0)))
        await asyncio.sleep(0.02)
        assert not long.done()
        long.cancel()
        began = loop.time()
        await provider.send(request(tokens=1))
        return loop.time() - began

    assert asyncio.run(cancel()) < 1.0  # 400 tokens take longer


def test_other_weights_have_another_name_and_a_moved_folder_the_same(
    folder: Path, tmp_path: Path
) -> None:
    name = find_weights(str(folder)).name
    assert name.startswith("llama-") and "tiny" not in name
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert find_weights(str(moved)).name == name
    weights = moved / "model.safetensors"
    spoiled = bytearray(weights.read_bytes())
    spoiled[-1] ^= 1
    weights.write_bytes(spoiled)
    assert find_weights(str(moved)).name != name


def test_what_the_ledger_holds_is_answered_without_loading_the_model(
    folder: Path, tmp_path: Path
) -> None:
    said = []
    for _ in range(2):
        one = LocalProvider(find_weights(str(folder)))
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            client = LedgeredClient(one, ledger, "run", nothing_to_pay)
            said.append(asyncio.run(client.ask(request(tokens=8))))
            assert [attempt.usd for attempt in ledger.attempts()] == [0.0]
    assert said[0] == said[1]
    assert one._generator is None


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("none", "there is no folder .*ORG/NAME"),
        ("config", "holds no config.json"),
        ("architecture", "no causal language model .*BertModel"),
        ("weights", "holds no weights in safetensors"),
    ],
)
def test_a_folder_that_holds_no_such_model_is_one_sentence(
    folder: Path, tmp_path: Path, spoil: str, sentence: str
) -> None:
    place = tmp_path / "model"
    if spoil != "none":
        shutil.copytree(folder, place)
    if spoil == "config":
        (place / "config.json").write_text("{", encoding="utf-8")
    if spoil == "architecture":
        (place / "config.json").write_text('{"architectures": ["BertModel"]}', encoding="utf-8")
    if spoil == "weights":
        (place / "model.safetensors").rename(place / "pytorch_model.bin")
    with pytest.raises(ToolkitError, match=sentence):
        find_weights(str(place))


def test_weights_that_do_not_fit_their_config_are_one_sentence(
    folder: Path, tmp_path: Path
) -> None:
    place = shutil.copytree(folder, tmp_path / "model")
    (place / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ToolkitError, match="cannot be loaded"):
        reply(LocalProvider(find_weights(str(place))), request(tokens=1))

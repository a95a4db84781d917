"""Models behind real HTTP build the same set whichever service answers, and no key is written."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.scripted import Rule
from imagewikiqa.core.runs import verify_manifest
from tests.core.llm.fake_server import FakeModel, Fault, Kind, serving

CANARY = "sk-canary-0123456789abcdef"
BOTH = pytest.mark.parametrize("service", ["openai", "anthropic"])
ASKED = {
    "n02129604": (
        "tiger", "What pattern marks the coat of this object?",
        ["Dark vertical stripes", "Round rosettes", "White spots", "No marks"],
        "The tiger is known for its orange coat with dark vertical stripes.",
    ),
    "n04536866": (
        "violin", "How many strings does this object have?",
        ["Four", "Three", "Five", "Twelve"],
        "The violin has four strings.",
    ),
}  # fmt: skip


def rules() -> list[Rule]:
    """Return replies of an author and of a judge that knows only with the name."""
    found = [Rule(contains=("we don't know what the object is",), reply="A")]
    for name, question, choices, quote in ASKED.values():
        drafted = {"question": question, "choices": choices, "answer": 0, "reference": quote}
        reply = json.dumps({"questions": [drafted]})
        found.append(Rule(contains=(f"for a {name} to examine",), reply=reply))
        found += [
            Rule(
                contains=("against the article", f"\n{letter}. {choices[0]}\n"),
                reply=json.dumps({"supported": [letter], "note": "the passage says so"}),
            )
            for letter in "ABCD"
        ]
        found += [
            Rule(contains=(f"\n{letter}. {choices[0]}\n",), reply=letter) for letter in "ABCD"
        ]
    return found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    with serving(FakeModel(rules=rules(), key=CANARY)) as model:
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
        monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        yield model


@pytest.fixture
def two_classes(tmp_path: Path) -> Path:
    file = tmp_path / "two.jsonl"
    chosen = [entry for entry in sample_classes() if entry.id in ASKED]
    lines = (entry.model_dump_json(exclude={"index"}) + "\n" for entry in chosen)
    file.write_text("".join(lines), encoding="utf-8")
    return file


def line(service: str, server: FakeModel, classes: Path, out: Path) -> tuple[object, ...]:
    asked = f"{service}:gpt-4.1-mini"
    own = ("--base-url", f"{server.url}/v1") if service == "openai" else ()
    return (
        "rebuild", "--pages", "sample", "--classes", classes, "--author", asked, "--judge", asked,
        "--images", "none", "--out", out, "--json", *own,
    )  # fmt: skip


def test_both_services_give_the_same_questions_from_the_same_answers(
    tmp_path: Path, server: FakeModel, two_classes: Path, command: Callable[..., Any]
) -> None:
    for service in ("openai", "anthropic"):
        said = command(*line(service, server, two_classes, tmp_path / service))
        assert said.code == 0, said.err
        assert said.summary["questions"] == 2
        assert said.err == ""
        assert verify_manifest(tmp_path / service) == []
    for name in ("questions.jsonl", "pages.jsonl", "rejects.jsonl"):
        one, two = ((tmp_path / out / name).read_bytes() for out in ("openai", "anthropic"))
        assert one == two, name
    assert set(server.asked.values()) == {2}, "both were asked the same, once"
    assert b"gpt-4.1-mini" in (tmp_path / "openai" / "questions.jsonl").read_bytes()


@BOTH
def test_no_file_of_a_run_holds_the_key_or_the_address(
    service: str,
    tmp_path: Path,
    server: FakeModel,
    two_classes: Path,
    command: Callable[..., Any],
) -> None:
    said = command(*line(service, server, two_classes, tmp_path / "run"))
    assert CANARY not in said.out + said.err
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert len(files) > 10
    for file in files:
        raw = file.read_bytes()
        assert CANARY.encode() not in raw, file
        assert server.url.encode() not in raw, file
    assert "base_url" not in yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())


@BOTH
@pytest.mark.parametrize(("fault", "says"), [("quota", "spending"), ("401", "_API_KEY")])
def test_a_run_that_is_stopped_by_its_service_goes_on_without_paying_twice(
    service: str,
    fault: Kind,
    says: str,
    tmp_path: Path,
    server: FakeModel,
    two_classes: Path,
    command: Callable[..., Any],
) -> None:
    out = tmp_path / "run"
    server.faults = lambda words, attempt: (
        Fault(fault) if "we don't know" in words and attempt == 0 else None
    )
    said = command(*line(service, server, two_classes, out))
    assert said.code == 2
    (sentence,) = [one for one in said.err.splitlines() if one.startswith("imagewikiqa: ")]
    assert says in sentence
    assert CANARY not in said.err
    server.faults = lambda words, attempt: None
    before = set(server.asked)
    with Ledger(out / "ledger.sqlite") as ledger:
        kept = {row.key for row in ledger.attempts() if row.status == "ok"}
        failed = {row.key for row in ledger.attempts() if row.status == "error"}
    assert kept and failed and not kept & failed
    said = command(*line(service, server, two_classes, out))
    assert said.code == 0, said.err
    with Ledger(out / "ledger.sqlite") as ledger:
        paid = [row.key for row in ledger.attempts() if row.status == "ok"]
    assert len(paid) == len(set(paid)) == 2 * 2 + said.summary["judge_trials"] + 2 * 2
    assert before <= set(server.asked)


def test_a_run_made_with_a_server_of_ones_own_is_not_continued_at_openai(
    tmp_path: Path, server: FakeModel, two_classes: Path, command: Callable[..., Any]
) -> None:
    out = tmp_path / "run"
    assert command(*line("openai", server, two_classes, out)).code == 0
    sent = sum(server.asked.values())
    said = command("rebuild", "--out", out, "--json")
    assert said.code == 2
    assert "openai_models was" in said.err and "a server of --base-url" in said.err
    said = command("rebuild", "--out", out, "--base-url", f"{server.url}/v1", "--json")
    assert said.code == 0, said.err
    assert sum(server.asked.values()) == sent


def test_prices_are_in_the_cost_and_unknown_ones_are_no_number(
    tmp_path: Path, server: FakeModel, two_classes: Path, command: Callable[..., Any]
) -> None:
    first = line("anthropic", server, two_classes, tmp_path / "known")
    known = ["anthropic:claude-sonnet-4-6" if "gpt" in str(one) else one for one in first]
    server.faults = lambda words, attempt: Fault("500", 0) if attempt == 0 else None
    said = command(*known)
    assert said.code == 0, said.err
    cost = json.loads((tmp_path / "known" / "cost.json").read_text(encoding="utf-8"))
    assert cost["usd"] > 0, "a call that failed cost nothing, which is known"
    assert cost["calls"] == 2 * (2 * 2 + said.summary["judge_trials"] + 2 * 2)
    server.faults = lambda words, attempt: None
    assert command(*line("openai", server, two_classes, tmp_path / "own")).code == 0
    cost = json.loads((tmp_path / "own" / "cost.json").read_text(encoding="utf-8"))
    assert cost["usd"] is None


@BOTH
def test_limits_change_no_byte_and_hold_on_the_way(
    service: str,
    tmp_path: Path,
    server: FakeModel,
    two_classes: Path,
    command: Callable[..., Any],
) -> None:
    server.delay = 0.02
    for out, limits in (("free", ()), ("bound", ("--in-flight", 2, "--rpm", 6000, "--tpm", 1e9))):
        server.most_at_once = 0
        said = command(*line(service, server, two_classes, tmp_path / out), *limits)
        assert said.code == 0, said.err
        assert (server.most_at_once <= 2) == bool(limits)
    for name in ("questions.jsonl", "run.json", "config.yaml"):
        one, two = ((tmp_path / out / name).read_bytes() for out in ("free", "bound"))
        assert one == two, name
    (sentence,) = command(
        *line(service, server, two_classes, tmp_path / "none"), "--in-flight", 0
    ).err.splitlines()
    assert "limit in_flight is 0" in sentence

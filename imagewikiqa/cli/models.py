"""From --author and --judge to the objects that write and judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Client
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient, Provider
from imagewikiqa.core.llm.scripted import load_script

KINDS = ("corpus", "scripted:FILE")
TO_COME = ("anthropic", "local", "openai")  # named in settings and cards, without a client so far


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A parsed --author or --judge."""

    kind: str
    name: str

    @property
    def is_corpus(self) -> bool:
        """Return whether no model is needed."""
        return self.kind == "corpus"

    @property
    def script(self) -> Path | None:
        """Return the file of a scripted model."""
        return Path(self.name) if self.kind == "scripted" else None

    def __str__(self) -> str:
        return self.kind if self.is_corpus else f"{self.kind}:{self.name}"


def parse_model(text: str, option: str) -> ModelSpec:
    """Return a model spec; raise ToolkitError for a kind that cannot be asked or a missing name."""
    kind, _, name = text.partition(":")
    if kind in TO_COME:
        raise ToolkitError(
            f"{option} {text}: this version cannot ask {kind} models, only {' or '.join(KINDS)}; "
            "use one of them"
        )
    if kind not in {known.partition(":")[0] for known in KINDS}:
        raise ToolkitError(f"unknown {option} {text!r}; have: {', '.join(KINDS)}")
    if kind != "corpus" and not name:
        example = next(known for known in KINDS if known.startswith(kind))
        raise ToolkitError(f"{option} {text!r} names no model: write {example}")
    return ModelSpec(kind, name)


def open_provider(spec: ModelSpec) -> Provider:
    """Return who is asked for a model that is no corpus one; ToolkitError for a wrong script."""
    if spec.script is None:
        raise ValueError(f"there is no provider for {spec}")
    return load_script(spec.script)


def open_client(spec: ModelSpec, ledger: Ledger, run: str) -> Client:
    """Return the client of a model that is no corpus one; every answer goes through the ledger."""
    return LedgeredClient(open_provider(spec), ledger, run)


def parse_models(texts: Sequence[str], option: str) -> list[ModelSpec]:
    """Return the specs of a repeated option; the same one twice is refused."""
    specs = [parse_model(text, option) for text in texts]
    repeated = {str(spec) for spec in specs if specs.count(spec) > 1}
    if repeated:
        raise ToolkitError(f"{option} {min(repeated)} is given twice: give each judge once")
    return specs

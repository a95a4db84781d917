"""From --author and --judge to the objects that write and judge."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Client
from imagewikiqa.core.llm.scripted import load_script

KINDS = ("anthropic:MODEL", "corpus", "local:DIR_OR_HUB_ID", "openai:MODEL", "scripted:FILE")
_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


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
    """Return a model spec; raise ToolkitError for an unknown kind, a missing name or key."""
    kind, _, name = text.partition(":")
    if kind not in {known.partition(":")[0] for known in KINDS}:
        raise ToolkitError(f"unknown {option} {text!r}; have: {', '.join(KINDS)}")
    if kind != "corpus" and not name:
        example = next(known for known in KINDS if known.startswith(kind))
        raise ToolkitError(f"{option} {text!r} names no model: write {example}")
    if kind in _KEYS and not os.environ.get(_KEYS[kind]):
        raise ToolkitError(
            f"{option} {text} needs a key: set {_KEYS[kind]} in the environment, "
            f"or use {option} corpus, which needs none"
        )
    return ModelSpec(kind, name)


def open_client(spec: ModelSpec) -> Client:
    """Return the client of a model that is no corpus one; ToolkitError where there is none yet."""
    if spec.script is not None:
        return load_script(spec.script)
    raise ToolkitError(f"this version cannot ask {spec.kind} models: use corpus or scripted:FILE")


def parse_models(texts: Sequence[str], option: str) -> list[ModelSpec]:
    """Return the specs of a repeated option; the same one twice is refused."""
    specs = [parse_model(text, option) for text in texts]
    repeated = {str(spec) for spec in specs if specs.count(spec) > 1}
    if repeated:
        raise ToolkitError(f"{option} {min(repeated)} is given twice: give each judge once")
    return specs

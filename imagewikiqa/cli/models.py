"""From --author and --judge to the objects that write and judge."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.batch_ledger import open_batches
from imagewikiqa.core.llm.batched import BatchedClient
from imagewikiqa.core.llm.batches import BatchService, Pace
from imagewikiqa.core.llm.budget import Meter, parse_budget
from imagewikiqa.core.llm.client import Client
from imagewikiqa.core.llm.images import Images
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient, Provider
from imagewikiqa.core.llm.limits import Limiter, Limits
from imagewikiqa.core.llm.patient import PatientClient
from imagewikiqa.core.llm.prices import nothing_to_pay, price_of
from imagewikiqa.core.llm.scripted import load_script
from imagewikiqa.core.progress import Progress

KINDS = ("anthropic:MODEL", "corpus", "local:DIR_OR_HUB_ID", "openai:MODEL", "scripted:FILE")
SERVICES = ("anthropic", "openai")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAccess:
    """Where models are asked, and the pace that all clients of a service share in one job."""

    base_url: str | None = None  # of a server that speaks as OpenAI does
    batch: Pace | None = None  # of batches; None asks one request at a time
    meter: Meter = field(default_factory=Meter, repr=False, compare=False)
    limits: Limits = Limits()  # of each service; they decide no answer
    images: Images | None = None  # finds the pictures that requests name
    limiters: dict[str, Limiter] = field(default_factory=dict, repr=False, compare=False)

    @property
    def server(self) -> str | None:
        """Return the address of the server asked in OpenAI's place, None for OpenAI itself."""
        return self.base_url or os.environ.get("OPENAI_BASE_URL") or None

    def limiter(self, service: str) -> Limiter:
        """Return the one limiter of a service."""
        return self.limiters.setdefault(service, Limiter(self.limits))

    def seeing(self, images: Images) -> "ModelAccess":
        """Return the same access with a place to find pictures in."""
        return replace(self, images=images)

    @property
    def callers(self) -> int:
        """Return how many inputs of a stage are worked on at once: all that may share a batch."""
        return sys.maxsize if self.batch else self.limits.callers

    def settings(self, specs: Iterable["ModelSpec"]) -> dict[str, str]:
        """Return what decides answers: a server of one's own gives others than OpenAI.

        Its address does not: it may move. Raises ToolkitError for one that nobody would ask.
        """
        kinds = {spec.kind for spec in specs}
        asked = "openai" in kinds
        if self.batch and not kinds & set(SERVICES):
            raise ToolkitError(
                "--batch is given, but no model takes batches: "
                "give --author or --judge openai:MODEL or anthropic:MODEL as well"
            )
        if self.base_url and not asked:
            raise ToolkitError(
                "--base-url is given, but no model is asked there: "
                "give --author or --judge openai:MODEL as well"
            )
        if asked and self.server and not self.server.startswith(("http://", "https://")):
            raise ToolkitError(
                f"--base-url {self.server!r} is no address: write it as http://HOST:PORT/v1"
            )
        if not asked:
            return {}
        return {"openai_models": "a server of --base-url" if self.server else "OpenAI"}


def model_access(
    progress: Progress,
    *,
    base_url: str | None = None,
    batch: bool = False,
    budget: str | None = None,
    rpm: float | None = None,
    tpm: float | None = None,
    in_flight: int = 64,
) -> ModelAccess:
    """Return what the options of the command line say; ToolkitError for a limit or budget of 0."""
    return ModelAccess(
        base_url=base_url,
        batch=Pace() if batch else None,
        meter=Meter(parse_budget(budget) if budget else None, progress.spend),
        limits=Limits(requests_per_minute=rpm, tokens_per_minute=tpm, in_flight=in_flight),
    )


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

    @property
    def script_digest(self) -> str:
        """Return the digest of the rules of a scripted model, "" for others."""
        return file_digest(self.script) if self.script else ""

    @property
    def bound(self) -> str:
        """Return what a run is bound to; a local model's place is not, as its digest is."""
        return self.kind if self.kind == "local" else str(self)

    def __str__(self) -> str:
        return self.kind if self.is_corpus else f"{self.kind}:{self.name}"


def parse_model(text: str, option: str) -> ModelSpec:
    """Return a model spec; raise ToolkitError for a kind that cannot be asked or a missing name."""
    kind, _, name = text.partition(":")
    if kind not in {known.partition(":")[0] for known in KINDS}:
        raise ToolkitError(f"unknown {option} {text!r}; have: {', '.join(KINDS)}")
    if kind != "corpus" and not name:
        example = next(known for known in KINDS if known.startswith(kind))
        raise ToolkitError(f"{option} {text!r} names no model: write {example}")
    return ModelSpec(kind, name)


def open_provider(spec: ModelSpec, access: ModelAccess) -> Provider:
    """Return who is asked for a model that is no corpus one.

    Raises ToolkitError for a wrong script, a missing key, a folder that holds no model or a package
    that is not installed.
    """
    if spec.kind == "openai":
        from imagewikiqa.core.llm.openai_provider import OpenAIProvider

        return OpenAIProvider(spec.name, access.server, access.images)
    if spec.kind == "anthropic":
        from imagewikiqa.core.llm.anthropic_provider import AnthropicProvider

        return AnthropicProvider(spec.name, access.images)
    if spec.kind == "local":
        from imagewikiqa.eval.models.local import LocalProvider
        from imagewikiqa.eval.models.weights import find_weights

        return LocalProvider(find_weights(spec.name))
    if spec.script is None:
        raise ValueError(f"there is no provider for {spec}")
    return load_script(spec.script)


def open_batch_service(spec: ModelSpec, access: ModelAccess) -> BatchService:
    """Return the service that takes batches for a model; raise as `open_provider` does."""
    if spec.kind == "openai":
        from imagewikiqa.core.llm.openai_batches import OpenAIBatches

        return OpenAIBatches(spec.name, access.server, access.images)
    from imagewikiqa.core.llm.anthropic_batches import AnthropicBatches

    return AnthropicBatches(spec.name, access.images)


def open_client(spec: ModelSpec, access: ModelAccess, ledger: Ledger, run: str) -> Client:
    """Return the client of a model that is no corpus one; every answer goes through the ledger."""
    if access.batch and spec.kind in SERVICES:
        service = open_batch_service(spec, access)
        price = price_of(service.name)
        access.meter.begin(ledger, run, service.name, price)
        return BatchedClient(service, ledger, run, price, access.batch, access.meter)
    provider = open_provider(spec, access)
    if spec.kind == "local":  # one thread answers: what only waits for it has not started
        one_by_one = Limiter(Limits(in_flight=1))
        return LedgeredClient(provider, ledger, run, nothing_to_pay, one_by_one, access.meter)
    if spec.kind not in SERVICES:
        return LedgeredClient(provider, ledger, run, meter=access.meter)
    if waiting := open_batches(ledger, provider.name, provider.model):
        raise ToolkitError(
            f"{sum(batch.requests for batch in waiting)} requests to {spec} are on their way in "
            f"{len(waiting)} batches, and asked again they would be paid twice: repeat the command "
            "with --batch"
        )
    price, limiter = price_of(provider.name), access.limiter(provider.name)
    access.meter.begin(ledger, run, provider.name, price)
    return PatientClient(LedgeredClient(provider, ledger, run, price, limiter, access.meter))


def parse_models(texts: Sequence[str], option: str) -> list[ModelSpec]:
    """Return the specs of a repeated option; the same one twice is refused."""
    specs = [parse_model(text, option) for text in texts]
    repeated = {str(spec) for spec in specs if specs.count(spec) > 1}
    if repeated:
        raise ToolkitError(f"{option} {min(repeated)} is given twice: give each judge once")
    return specs

"""A causal language model of transformers as a provider, so that its answers go into the ledger."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from imagewikiqa.core.errors import MissingExtraError
from imagewikiqa.core.llm.client import Reply, Request
from imagewikiqa.core.llm.ledgered import Raw, ShapeError
from imagewikiqa.eval.models.weights import Weights

if TYPE_CHECKING:
    from imagewikiqa.eval.models.generation import Generator


@dataclass(slots=True)
class LocalProvider:
    """Answers one request after the other in a thread of its own.

    Nothing is batched: in a batch, padding and other company change the last bits of a
    log-likelihood, and so now and then the likeliest token. The weights are loaded at the first
    request, so a run that the ledger can answer in full needs no torch.
    """

    weights: Weights
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="local-model"), repr=False
    )
    _generator: "Generator | None" = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Return "local": the model's name tells weights apart."""
        return "local"

    @property
    def model(self) -> str:
        """Return the architecture and the start of the digest of the weights, as llama-0123..."""
        return self.weights.name

    async def send(self, request: Request) -> Raw:
        """Return the reply as the bytes that a ledger keeps.

        Raises RecordError for a prompt longer than the context, ToolkitError for a model that
        cannot be loaded or a schema that cannot be enforced.
        """
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        try:
            reply = await loop.run_in_executor(self._thread, self._answer, request, stop)
        finally:
            stop.set()  # a caller who was cancelled must not leave the thread writing on
        return Raw(reply.model_dump_json().encode())

    def read(self, body: bytes) -> Reply:
        """Return the reply that bytes of `send` hold; raise ShapeError for others."""
        try:
            return Reply.model_validate_json(body)
        except ValidationError as error:
            raise ShapeError("these bytes are no reply of a local model") from error

    def _answer(self, request: Request, stop: threading.Event) -> Reply:
        if self._generator is None:
            try:
                from imagewikiqa.eval.models.generation import Generator
            except ImportError as error:
                raise MissingExtraError(error.name or "torch", "eval") from error
            self._generator = Generator(self.weights)
        return self._generator.answer(request, stop)

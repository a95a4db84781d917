"""Token by token: a reply of a causal language model, held to a JSON schema where one is asked."""

import threading
from typing import TYPE_CHECKING, Any, Literal

import jinja2
import llguidance
import llguidance.hf
import llguidance.torch
import torch
import transformers
from safetensors import SafetensorError

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.turns import words_of
from imagewikiqa.eval.models.weights import Weights

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions  # named in its types alone

# A model may like blanks so much that it never ends; compact JSON has none between its marks.
_COMPACT: "JsonCompileOptions" = {"whitespace_flexible": False}


class Generator:
    """Loaded weights and their tokenizer. Not for two threads at once."""

    def __init__(self, weights: Weights) -> None:
        self._name = weights.name
        on_gpu = torch.cuda.is_available()
        self._device = torch.device("cuda" if on_gpu else "cpu")
        logs: Any = transformers.utils.logging  # its functions are not typed
        logs.disable_progress_bar()  # the stages show their own
        told = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
                weights.folder, **told
            )
            model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                weights.folder,
                use_safetensors=True,
                dtype="auto" if on_gpu else torch.float32,  # half precision is slow on a CPU
                **told,
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ToolkitError(
                f"the model in {weights.folder} cannot be loaded "
                f"({type(error).__name__}: {' '.join(str(error).split())[:200]}): "
                "check that its folder holds config, tokenizer and weights of one model"
            ) from error
        self._model = model.to(self._device).eval()
        self._ends = self._end_tokens()
        self._grammar_tokens: Any = None

    def answer(self, request: Request, stop: threading.Event) -> Reply:
        """Return the reply; greedy at temperature 0 or None, else drawn by the request alone.

        `stop` ends it early, for a caller who no longer waits. Raises CallError for a prompt
        longer than the context, ToolkitError for a schema that cannot be enforced.
        """
        prompt = self._prompt(request)
        room = self._room(len(prompt), request.max_tokens)
        matcher = None if request.json_schema is None else self._matcher(request.json_schema)
        written, ended = self._write(prompt, room, matcher, _Draw(request), stop)
        finish: Literal["stop", "length"] = "stop" if ended else "length"
        return Reply(
            text=self._tokenizer.decode(written, skip_special_tokens=True),
            model=self._name,
            finish=finish,
            usage=Usage(input_tokens=len(prompt), output_tokens=len(written)),
        )

    @torch.inference_mode()
    def _write(
        self, prompt: list[int], room: int, matcher: Any, draw: "_Draw", stop: threading.Event
    ) -> tuple[list[int], bool]:
        """Return the tokens written, ends left out, and whether the model ended by itself."""
        fed, past, written = torch.tensor([prompt], device=self._device), None, list[int]()
        while len(written) < room and not stop.is_set():
            out = self._model(input_ids=fed, past_key_values=past, use_cache=True, logits_to_keep=1)
            past, logits = out.past_key_values, out.logits[:, -1].float()
            if matcher is not None:
                _mask(matcher, logits)
            token = draw(logits)
            if token in self._ends:
                return written, True
            written.append(token)
            if matcher is not None:
                matcher.consume_token(token)
                if matcher.is_stopped():
                    return written, True
            fed = torch.tensor([[token]], device=self._device)
        return written, False

    def _prompt(self, request: Request) -> list[int]:
        """Return the tokens of the turns: by the model's chat template, else by a plain layout.

        The plain one is "System: ...", "User: ..." and "Assistant:" with a blank line between.
        """
        turns = [{"role": turn.role, "content": words_of(turn)} for turn in request.messages]
        if not self._tokenizer.chat_template:
            lines = [f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns]
            return list(self._tokenizer("\n\n".join([*lines, "Assistant:"]))["input_ids"])
        try:
            text = self._tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, tokenize=False
            )
        except jinja2.TemplateError as error:  # as for a system turn that it does not know
            raise CallError(
                "turns not taken by the chat template", str(error), again=False, free=True
            ) from error
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _room(self, used: int, asked: int) -> int:
        """Return how many tokens may be written; the context is not always known."""
        context = getattr(self._model.config, "max_position_embeddings", None)
        if context is None:
            return asked
        if used >= context:
            raise CallError(
                "prompt longer than the model's context",
                f"{used} tokens of {context}",
                again=False,
                free=True,
            )
        return min(asked, int(context) - used)

    def _end_tokens(self) -> frozenset[int]:
        named = self._model.generation_config.eos_token_id
        listed = named if isinstance(named, list) else [named]
        return frozenset(one for one in (*listed, self._tokenizer.eos_token_id) if one is not None)

    def _matcher(self, schema: dict[str, Any]) -> Any:
        """Return what tells which tokens may come next."""
        try:
            if self._grammar_tokens is None:
                self._grammar_tokens = llguidance.hf.from_tokenizer(
                    self._tokenizer, n_vocab=self._model.config.vocab_size
                )
            grammar = llguidance.LLMatcher.grammar_from_json_schema(schema, defaults=_COMPACT)
            matcher = llguidance.LLMatcher(self._grammar_tokens, grammar)
            fault = matcher.get_error()
        except (ValueError, TypeError) as error:
            fault = str(error)
        if fault:
            raise ToolkitError(
                f"the model {self._name} cannot be held to a JSON schema ({fault[:200]}): give a "
                "model with a fast tokenizer, whose folder holds tokenizer.json"
            )
        return matcher


class _Draw:
    """Picks the next token: the likeliest, or by chance that hangs on the request alone."""

    def __init__(self, request: Request) -> None:
        self._temperature = request.temperature or 0.0
        # Not on the device: its generator would draw otherwise than this one.
        self._chance = torch.Generator().manual_seed(
            keyed_int("local model", request.seed or 0, request.key, request.sample) >> 1
        )

    def __call__(self, logits: torch.Tensor) -> int:
        """Return a token of logits (1, vocabulary)."""
        if not self._temperature:
            return int(logits[0].argmax())
        likely = torch.softmax(logits[0].cpu() / self._temperature, dim=-1)
        return int(torch.multinomial(likely, 1, generator=self._chance))


def _mask(matcher: Any, logits: torch.Tensor) -> None:
    """Set the logits of tokens that may not come next to minus infinity, in place."""
    mask = llguidance.torch.allocate_token_bitmask(1, logits.shape[-1])
    llguidance.torch.fill_next_token_bitmask(matcher, mask, 0)
    llguidance.torch.apply_token_bitmask_inplace(logits, mask.to(logits.device))

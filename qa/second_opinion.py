"""A second opinion on the key: a model that sees the evidence says which options it supports."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from imagewikiqa.core.digests import digest, keyed_order
from imagewikiqa.core.llm.client import Client, Reply, Request, user_request
from imagewikiqa.core.records import (
    LETTERS,
    Draft,
    Judged,
    Letter,
    Opinion,
    OpinionVote,
    Page,
    Part,
)
from imagewikiqa.core.stages import RecordError
from imagewikiqa.prompts.library import load_prompt, render
from imagewikiqa.qa.filter import Order
from imagewikiqa.qa.llm_reply import reply_json, shown
from imagewikiqa.qa.passage import as_data, passage_around

DISPUTED = "disputed by the second opinion"
UNCLEAR = "no clear second opinion"
REASONS: Mapping[str, str] = {"disputed": DISPUTED, "unclear": UNCLEAR}


class Support(Part):
    """What a model must reply."""

    supported: Annotated[tuple[Letter, ...], Field(max_length=4)] = Field(
        description="letters of the options that the passage supports"
    )
    note: str = Field(description="one sentence that says why")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpinionSettings:
    """How a model is asked; the reply is short, the room is for models that think first."""

    max_tokens: int = 4096
    retries: int = 2  # of a reply that cannot be read
    temperature: float | None = None
    seed: int = 0  # of the orders shown
    prompt: str = "check_evidence"


class SecondOpinion:
    """Asks a model about a draft in two orders in which every option stands elsewhere."""

    def __init__(self, client: Client, settings: OpinionSettings | None = None) -> None:
        self._client = client
        self._settings = settings or OpinionSettings()
        self._prompt = load_prompt(self._settings.prompt)

    @property
    def fingerprint(self) -> str:
        """Return the digest of all that decides a request but the draft and its page."""
        schema = Support.model_json_schema()
        return digest([self._client.model, self._prompt.ref, schema, asdict(self._settings)])

    async def on(self, draft: Draft, page: Page) -> Opinion:
        """Return whether exactly the key is supported in both orders.

        Raises RecordError when the model cannot be asked about this draft.
        """
        first, second = opinion_orders(draft.id, self._settings.seed)
        votes = await asyncio.gather(
            self._vote(draft, page, first), self._vote(draft, page, second)
        )
        return Opinion(
            id=draft.id,
            verdict=read_votes(votes),
            judge=f"llm:{self._client.model}",
            prompt=self._prompt.ref,
            votes=tuple(votes),
        )

    async def _vote(self, draft: Draft, page: Page, order: Order) -> OpinionVote:
        for sample in range(self._settings.retries + 1):
            reply = await self._client.ask(self.request(draft, page, order, sample))
            support, why = read_support(reply)
            if support is not None or reply.finish in ("refusal", "filtered"):
                break
        if support is None:
            return OpinionVote(order=order, supported=None, note=why)
        indices = sorted({order[LETTERS.index(letter)] for letter in support.supported})
        return OpinionVote(order=order, supported=tuple(indices), note=shown(support.note))

    def request(self, draft: Draft, page: Page, order: Order, sample: int = 0) -> Request:
        """Return what is asked about one order; the key is not in it."""
        a, b, c, d = (draft.choices[index].text for index in order)
        text = render(
            self._prompt,
            classname=draft.class_name,
            question=draft.question_named,
            passage=passage_around(page, draft.evidence),
            quote=as_data(draft.evidence.quote),
            choice_a=a,
            choice_b=b,
            choice_c=c,
            choice_d=d,
        )
        return user_request(
            self._client.model,
            self._prompt.ref,
            text,
            self._settings.max_tokens,
            temperature=self._settings.temperature,
            json_schema=Support.model_json_schema(),
            sample=sample,
        )


def opinion_orders(draft_id: str, seed: int) -> tuple[Order, Order]:
    """Return two orders keyed by the draft: the second one is the first one backwards."""
    a, b, c, d = keyed_order(range(4), str, "second opinion", seed, draft_id)
    return (a, b, c, d), (d, c, b, a)


def read_support(reply: Reply) -> tuple[Support | None, str]:
    """Return what a reply lists, or None and why it cannot be read."""
    if reply.finish != "stop":
        return None, f"the reply ended with {reply.finish}"
    try:
        value = reply_json(reply.text)
        return Support.model_validate(value, extra="ignore"), ""
    except RecordError as error:
        return None, error.reason
    except ValidationError:
        return None, f"no list of letters: {shown(reply.text)}"


def read_votes(
    votes: tuple[OpinionVote, ...] | list[OpinionVote],
) -> Literal["supported", "disputed", "unclear"]:
    """Return the verdict: one vote against the key disputes it, silence alone leaves it unclear."""
    said = [vote.supported for vote in votes]
    if any(supported not in (None, (0,)) for supported in said):
        return "disputed"
    return "unclear" if None in said else "supported"


def with_opinion(judged: Judged, opinion: Opinion | None) -> Judged:
    """Return a verdict after the second opinion: what is not supported is not kept.

    None stands for a kept draft that the model could not be asked about.
    """
    if not judged.keep or (opinion is not None and opinion.verdict == "supported"):
        return judged
    reason = UNCLEAR if opinion is None else REASONS[opinion.verdict]
    return judged.model_copy(update={"keep": False, "reason": reason})

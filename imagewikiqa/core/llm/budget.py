"""What a run spends on models: counted as answers come, and never more than a budget allows."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Request, Usage
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.limits import TOKENS_A_PICTURE
from imagewikiqa.core.llm.prices import Price

_FRAME = 64  # tokens around each turn, more than any service is known to add
_AMOUNT = re.compile(r"\s*\$?\s*(\d+(?:\.\d+)?)\s*(?:usd|\$)?\s*", re.IGNORECASE)


def parse_budget(text: str) -> float:
    """Return the dollars of "25usd", "0.5 USD", "$3" or "25"; ToolkitError for anything else."""
    found = _AMOUNT.fullmatch(text)
    if found is None or not float(found[1]) > 0:
        raise ToolkitError(
            f"--budget {text!r} is no sum of US dollars above 0: write it as in 25usd"
        )
    return float(found[1])


def most_usd(request: Request, price: Price) -> float | None:
    """Return the most that a request may cost, its longest answer included; None if unknown.

    A token is at least one byte of the words or of the schema: about four times what is billed.
    """
    size = len(request.text.encode()) + request.pictures * TOKENS_A_PICTURE
    size += len(json.dumps(request.json_schema)) if request.json_schema else 0
    size += _FRAME * (1 + len(request.messages))
    return price(request.model, Usage(input_tokens=size, output_tokens=request.max_tokens))


@dataclass(slots=True)
class Meter:
    """Counts what one run spends, over all its models, and reserves each price before the call.

    `usd` is spent for certain, `held` is reserved for calls on their way. `told` hears of every
    change: calls, dollars, and whether a call was made whose price nobody knows.
    """

    budget: float | None = None
    told: Callable[[int, float, bool], None] | None = None
    calls: int = 0
    usd: float = 0.0
    held: float = 0.0
    unknown: bool = False
    _open: int = 0  # calls with a reservation
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)
    _begun: set[str] = field(default_factory=set)

    def begin(self, ledger: Ledger, run: str, provider: str, price: Price) -> None:
        """Add what earlier commands of the run spent at a provider, once.

        A call that was cut off, so that nobody knows whether it was billed, counts in full.
        """
        if provider in self._begun:
            return
        self._begun.add(provider)
        mine = "from attempts where run = ? and provider = ?"
        ((calls, known, usd),) = ledger.rows(
            f"select count(*), count(usd), total(usd) {mine}", (run, provider)
        )
        self._add(calls, usd, unknown=known < calls)
        if self.budget is None or known == calls:
            return  # a long run holds many calls: their requests are read for a budget alone
        rows = ledger.rows(f"select key, batch {mine} and usd is null", (run, provider))
        for key, batch in list(rows):
            self._add(0, _most_of(ledger, key, price, batch is not None) or 0.0)

    async def hold(self, request: Request, price: Price) -> float:
        """Reserve the most that a call may cost, as `take`, once the budget has room for it.

        What is reserved is more than what is billed, so that room comes back as calls end.
        """
        while True:
            try:
                return self.take(request, price)
            except ToolkitError:
                if not self._open:
                    raise
            change = asyncio.get_running_loop().create_future()
            self._waiting.append(change)
            await change

    def take(self, request: Request, price: Price, share: float = 1.0) -> float:
        """Reserve the most that a call may cost, times `share`; return what was reserved.

        Raises ToolkitError when the budget does not hold it, or when its price is not known.
        """
        if self.budget is None:
            return 0.0
        most = most_usd(request, price)
        if most is None:
            raise ToolkitError(
                f"no price is known for {request.model}, so --budget cannot be kept: leave "
                "--budget out, or ask a model with a known price"
            )
        most *= share
        if self.usd + self.held + most > self.budget:
            raise ToolkitError(
                f"the budget of {self.budget:g} usd is used up: {self.usd:.4f} usd were spent, "
                f"{self.held:.4f} are held for calls on their way, and the next call may cost "
                f"{most:.4f}; raise --budget and repeat the command, no answer is paid again"
            )
        self.held += most
        self._open += 1
        return most

    def settle(self, held: float, usd: float | None) -> None:
        """Put the price of a call in the place of what was reserved; None is not known.

        What may have been billed without an answer counts as it was reserved.
        """
        if held:
            self._open -= 1
            self.held = self.held - held if self._open else 0.0
        spent = held if usd is None and held else usd
        self._add(1, spent or 0.0, unknown=spent is None)
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            if not change.done():
                change.set_result(None)

    def _add(self, calls: int, usd: float, *, unknown: bool = False) -> None:
        self.calls += calls
        self.usd += usd
        self.unknown = self.unknown or unknown
        if self.told is not None:
            self.told(self.calls, self.usd, self.unknown)


def _most_of(ledger: Ledger, key: str, price: Price, batched: bool) -> float | None:
    body = ledger.body(key)
    most = most_usd(Request.model_validate(json.loads(body)[1]), price) if body else None
    return most if most is None or not batched else most / 2

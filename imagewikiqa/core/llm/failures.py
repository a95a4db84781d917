"""Why a service gave no answer: one request's fault, everybody's, or only this moment's."""

import json
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.stages import RecordError

_SHOWN = 200  # characters of a service's own words
_SPENT = (  # in codes and sentences; "billing" alone also stands in plain rate limits
    "insufficient_quota", "billing_hard_limit", "billing_not_active", "billing_error",
    "credit balance", "specified api usage limits", "exceeded your current quota",
)  # fmt: skip
_BUSY = (429, 503, 529)  # 529 is Anthropic's "overloaded"


class CallError(RecordError):
    """One call failed. `again` tells whether the same request may work later.

    `busy` asks everybody to wait, `after` is the least number of seconds to wait, and `free` tells
    that nothing can have been billed. What may work later does so too when a command is repeated,
    save an answer that came and cannot be read: it would be paid for each time.
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        *,
        again: bool = True,
        busy: bool = False,
        after: float | None = None,
        free: bool = False,
        came: bool = False,
    ) -> None:
        super().__init__(reason, detail)
        self.again = again
        self.busy = busy
        self.after = after
        self.free = free
        self.passing = again and not came

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


def failure(
    service: str, variable: str, model: str, status: int, words: str, headers: Mapping[str, str]
) -> CallError | ToolkitError:
    """Return what a status other than 200 means; `words` are the service's own, keys taken out.

    A ToolkitError is about all requests: a wrong key, an unknown model, no money left.
    """
    said = without_key(words, variable)
    kept = "what was answered is in the ledger and is not asked again"
    if any(mark in words.lower() for mark in _SPENT) or status == 402:
        return ToolkitError(
            f"{service} answers no more, as a limit on spending is reached ({status}: {said}): "
            f"raise it there and repeat the command; {kept}"
        )
    if status in (401, 403):
        return ToolkitError(
            f"{service} refuses the key in {variable} ({status}: {said}): correct it and repeat "
            f"the command; {kept}"
        )
    if status == 404:
        return ToolkitError(f"{service} knows no model {model} ({said}): correct its name")
    after = retry_after(headers)
    detail = f"{status}: {said}"
    if status in _BUSY:
        return CallError("service busy", detail, busy=True, after=after, free=True)
    if status in (408, 409) or status >= 500:
        return CallError("service failed", detail, after=after, free=True)
    return CallError("request refused by the service", detail, again=False, free=True)


def told_error(body: bytes) -> dict[str, Any]:
    """Return the `error` object of a refusal; other bytes, as of a proxy, are its message."""
    try:
        found = json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace")}
    told = found.get("error", found) if isinstance(found, dict) else found
    return told if isinstance(told, dict) else {"message": told}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a service asks to wait, from any of the three ways to say it."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        said = headers.get(name)
        if said is not None:
            try:
                seconds = float(said) / unit
            except ValueError:
                return _until(said)
            return max(0.0, seconds) if math.isfinite(seconds) else None
    return None


def _until(date: str) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except ValueError:
        return None  # no number and no date: as if nothing were said
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def without_key(words: str, variable: str) -> str:
    """Return the start of a service's words as one line, the key in `variable` taken out."""
    key = os.environ.get(variable)
    if key:
        words = words.replace(key, "[key]")
    return " ".join(words.split())[:_SHOWN]

"""Batches of the fake server: how each one ends is planned, and every answer is counted as paid."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Answer = Callable[[bool, dict[str, Any]], tuple[int, dict[str, Any]]]
Lost = Literal["before", "after", "within"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a batch ends, which of its requests are answered, and what the others get.

    `other` is "expired", "cancelled", "missing" (no line at all), or a status and words, as in
    "500 try again". `problems` are what OpenAI finds wrong in a whole file, `repeat` answers twice
    in the file, `foreign` adds a line that nobody asked for.
    """

    ends: str = "completed"
    answered: Callable[[int], bool] = lambda at: True
    other: str = "expired"
    looks: int = 1
    problems: tuple[dict[str, Any], ...] = ()
    repeat: bool = False
    foreign: bool = False


@dataclass
class Made:
    """A batch at the server."""

    id: str
    openai: bool
    entries: list[tuple[str, dict[str, Any]]]
    metadata: dict[str, str]
    plan: Plan
    created: float
    looks: int = 0
    results: list[dict[str, Any]] | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    stopped: str = ""  # cancelled by its customer

    @property
    def ended(self) -> bool:
        return self.results is not None


@dataclass
class FakeBatches:
    """What batches there are, how the next ones end, and what goes wrong on the way.

    `lost[(call, number)]` loses the connection of the n-th call of "upload", "create", "look",
    "results" or "list": before or after it took effect, or within the answer.
    """

    plans: list[Plan] = field(default_factory=list)
    lost: dict[tuple[str, int], Lost] = field(default_factory=dict)
    fails: dict[tuple[str, int], int] = field(default_factory=dict)
    offered: bool = True
    made: dict[str, Made] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    paid: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)

    def create(
        self, openai: bool, entries: list[tuple[str, dict[str, Any]]], metadata: dict[str, str]
    ) -> Made:
        number = len(self.made)
        plan = self.plans[number] if number < len(self.plans) else Plan()
        made = Made(f"batch-{number}", openai, entries, metadata, plan, time.time())
        self.made[made.id] = made
        return made

    def look(self, made: Made, answer: Answer) -> None:
        """Let a batch go on; at its end its requests are answered and paid."""
        made.looks += 1
        if made.ended or (made.looks <= made.plan.looks and not made.stopped):
            return
        made.results = []
        whole = bool(made.plan.problems) or (made.plan.ends == "failed" and made.openai)
        for at, (key, body) in enumerate(made.entries):
            if whole and not made.plan.answered(at):
                continue
            if made.plan.answered(at):
                status, said = answer(made.openai, body)
                lines = made.results if status == 200 or not made.openai else made.errors
                lines.append(self._line(made.openai, key, status, said))
                self.paid[key] += status == 200
                if made.plan.repeat:
                    lines.append(lines[-1])
            elif made.plan.other != "missing":
                line = self._not_answered(made, key)
                (made.errors if made.openai else made.results).append(line)
        made.results.reverse()  # the order of results is nobody's promise
        if made.plan.foreign:
            made.results.append(self._line(made.openai, "f" * 64, 500, {"error": {}}))

    def _line(self, openai: bool, key: str, status: int, said: dict[str, Any]) -> dict[str, Any]:
        if openai:
            response = {"status_code": status, "request_id": "req-1", "body": said}
            return {"id": "r-1", "custom_id": key, "response": response, "error": None}
        if status == 200:
            return {"custom_id": key, "result": {"type": "succeeded", "message": said}}
        return {"custom_id": key, "result": {"type": "errored", "error": {"type": "error", **said}}}

    def _not_answered(self, made: Made, key: str) -> dict[str, Any]:
        other = made.plan.other
        if other in ("expired", "cancelled"):
            if made.openai:
                error = {"code": f"batch_{other}", "message": f"This request {other}."}
                return {"id": "r-1", "custom_id": key, "response": None, "error": error}
            kind = {"cancelled": "canceled"}.get(other, other)
            return {"custom_id": key, "result": {"type": kind}}
        status, _, words = other.partition(" ")
        kinds = {
            "400": "invalid_request_error",
            "401": "authentication_error",
            "402": "billing_error",
            "429": "rate_limit_error",
            "529": "overloaded_error",
        }
        kind = kinds.get(status, "api_error")
        told = {"type": kind, "code": kind, "message": words, "param": None}
        return self._line(made.openai, key, int(status), {"error": told})

    def openai_form(self, made: Made) -> dict[str, Any]:
        status = made.plan.ends if made.ended else "in_progress"
        files = {}
        if made.ended:
            for name, lines in (("output", made.results), ("error", made.errors)):
                if lines:
                    files[f"{name}_file_id"] = f"{name}-{made.id}"
                    self.files[f"{name}-{made.id}"] = jsonl(lines)
        errors = {"object": "list", "data": list(made.plan.problems)} if made.ended else None
        return {
            "id": made.id, "object": "batch", "endpoint": "/v1/chat/completions",
            "completion_window": "24h", "created_at": int(made.created), "input_file_id": "f",
            "status": made.stopped or status, "metadata": made.metadata, "errors": errors, **files,
        }  # fmt: skip

    def anthropic_form(self, made: Made, url: str) -> dict[str, Any]:
        kinds = Counter(line["result"]["type"] for line in made.results or () if made.ended)
        counts = {name: kinds[name] for name in ("succeeded", "errored", "canceled", "expired")}
        counts["processing"] = 0 if made.ended else len(made.entries)
        if made.ended:  # what has no line is counted all the same
            counts["expired"] += len(made.entries) - sum(counts.values())
        begun = datetime.fromtimestamp(made.created, UTC)
        return {
            "id": made.id, "type": "message_batch", "created_at": begun.isoformat(),
            "expires_at": (begun + timedelta(days=1)).isoformat(), "archived_at": None,
            "cancel_initiated_at": None, "ended_at": begun.isoformat() if made.ended else None,
            "processing_status": "ended" if made.ended else "in_progress",
            "request_counts": counts,
            "results_url": f"{url}/v1/messages/batches/{made.id}/results" if made.ended else None,
        }  # fmt: skip


def jsonl(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def uploaded(raw: bytes, kind: str) -> bytes:
    """Return the file of a form."""
    boundary = kind.partition("boundary=")[2].strip('"').encode()
    for part in raw.split(b"--" + boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if b"filename=" in head:
            return content.removesuffix(b"\r\n")
    raise ValueError("no file in the form")

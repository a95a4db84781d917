"""A loopback server that speaks as OpenAI does, for load: one answer, after a time, in a process
of its own. Below `/limited` a bucket refuses what comes faster than it allows."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks._loopback import Speaker, in_a_process

LATENCY = 0.2  # seconds
RATE = 250.0  # requests a second below /limited
BURST = RATE / 4  # requests that may come at once
_SAID = {
    "id": "c-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{
        "index": 0, "finish_reason": "stop", "logprobs": None,
        "message": {"role": "assistant", "content": "an answer " * 20, "refusal": None},
    }],
    "usage": {"prompt_tokens": 2000, "completion_tokens": 40, "total_tokens": 2040},
}  # fmt: skip


def _answer(status: str, body: object, more: str = "") -> bytes:
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}"
    return f"{head}content-length: {len(raw)}\r\n\r\n".encode() + raw


GOOD = _answer("200 OK", _SAID)
_BUSY = _answer(
    "429 Too Many Requests",
    {"error": {"message": "slow down", "code": "rate_limit_exceeded"}},
    "retry-after: 0.1\r\n",
)


class _Counts:
    """What the server saw since it was last asked, and the bucket."""

    def __init__(self) -> None:
        self.answered = self.refused = 0
        self.first = self.last = 0.0
        self.filled, self.at = BURST, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self.filled = min(BURST, self.filled + (now - self.at) * RATE)
        self.at = now
        if self.filled < 1:
            return False
        self.filled -= 1
        return True


class _Answering(Speaker):
    counts = _Counts()

    def respond(self, head: bytes, body: bytes) -> None:
        """Answer after a time, refuse what comes too fast, or tell what was counted."""
        counts, now = self.counts, time.monotonic()
        if head.startswith(b"get"):
            seen = {name: getattr(counts, name) for name in ("answered", "refused")}
            self.say(_answer("200 OK", seen | {"seconds": counts.last - counts.first}))
            _Answering.counts = _Counts()
        elif b"/limited/" in head[:40] and not counts.take():
            counts.refused += 1
            self.say(_BUSY)
        else:
            counts.answered += 1
            counts.first, counts.last = counts.first or now, now
            self.loop.call_later(LATENCY, self.say, GOOD)


@contextmanager
def serving() -> Iterator[int]:
    """Serve in another process until the block ends; give the port on loopback."""
    with in_a_process(_Answering) as port:
        yield port

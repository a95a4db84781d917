"""A loopback server that speaks as OpenAI does, for load: one answer, after a time, in a process
of its own. Below `/limited` a bucket refuses what comes faster than it allows."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

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


class _Speaker(asyncio.Protocol):
    counts = _Counts()

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lines = bytes(self._buffer[:head]).lower()
        at = lines.find(b"content-length:")
        size = int(lines[at + 15 :].split(b"\r\n", 1)[0]) if at > 0 else 0
        if len(self._buffer) >= head + 4 + size:
            del self._buffer[: head + 4 + size]
            self._respond(lines)

    def _respond(self, lines: bytes) -> None:
        counts, now = self.counts, time.monotonic()
        if lines.startswith(b"get"):
            seen = {name: getattr(counts, name) for name in ("answered", "refused")}
            self._transport.write(_answer("200 OK", seen | {"seconds": counts.last - counts.first}))
            _Speaker.counts = _Counts()
        elif b"/limited/" in lines[:40] and not counts.take():
            counts.refused += 1
            self._transport.write(_BUSY)
        else:
            counts.answered += 1
            counts.first, counts.last = counts.first or now, now
            self._loop.call_later(LATENCY, self._say)

    def _say(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(GOOD)


async def _serve(pipe: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(_Speaker, "127.0.0.1", 0, backlog=2048)
    pipe.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


def _main(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


@contextmanager
def serving() -> Iterator[int]:
    """Serve in another process until the block ends; give the port on loopback."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.terminate()
        process.join()

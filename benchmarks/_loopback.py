"""HTTP on loopback for benchmarks: requests come whole, in a process of their own."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

_BACKLOG = 2048


class Speaker(asyncio.Protocol, ABC):
    """Reads requests that have a body of a told length, or none; `respond` answers each."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand over a request once the whole of it is there."""
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lines = bytes(self._buffer[:head]).lower()
        at = lines.find(b"content-length:")
        size = int(lines[at + 15 :].split(b"\r\n", 1)[0]) if at > 0 else 0
        end = head + 4 + size
        if len(self._buffer) >= end:
            body = bytes(self._buffer[head + 4 : end])
            del self._buffer[:end]
            self.respond(lines, body)

    @abstractmethod
    def respond(self, head: bytes, body: bytes) -> None:
        """Answer a request; `head` is its first line and headers in small letters."""

    def say(self, raw: bytes) -> None:
        """Send bytes, unless the other side has gone."""
        if not self._transport.is_closing():
            self._transport.write(raw)


@contextmanager
def in_a_process(speaker: Callable[..., Speaker], *arguments: Any) -> Iterator[int]:
    """Serve in another process until the block ends; give the port.

    `speaker` is called with the arguments for every connection, and must be picklable.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(theirs, speaker, arguments), daemon=True)
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.terminate()
        process.join()


def _main(pipe: Connection, speaker: Callable[..., Speaker], arguments: tuple[Any, ...]) -> None:
    asyncio.run(_serve(pipe, speaker, arguments))


async def _serve(
    pipe: Connection, speaker: Callable[..., Speaker], arguments: tuple[Any, ...]
) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: speaker(*arguments), "127.0.0.1", 0, backlog=_BACKLOG
    )
    pipe.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()

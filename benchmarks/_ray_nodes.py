"""A Ray cluster of two nodes, each at a loopback address of its own, and nothing of it left."""

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

HEAD, OTHER = "127.0.0.2", "127.0.0.3"  # Ray takes 127.0.0.1 for the address of the network
SOON = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 400}  # deaths are noticed


@contextmanager
def two_nodes() -> Iterator[tuple[Any, Path]]:
    """Start a cluster that only this process and its children can join, and return its folder too.

    In the end it is stopped; AssertionError when a process of it goes on.
    """
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with (
        patch.dict(os.environ, {"RAY_USAGE_STATS_ENABLED": "0", **secret}),
        tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as name,  # sockets have short paths
    ):
        os.environ.pop("RAY_ADDRESS", None)
        from ray.cluster_utils import Cluster  # it reads these at once

        folder = Path(name)
        head = {"temp_dir": name, "include_dashboard": False, "_system_config": SOON}
        cluster = Cluster(True, head_node_args={**node(folder, HEAD), **head})
        try:
            cluster.add_node(**node(folder, OTHER))
            yield cluster, folder
        finally:
            cluster.shutdown()
            left = _left_of(folder)
    assert not left


def node(folder: Path, address: str) -> dict[str, Any]:
    """Return what a node is started with; objects lie in a folder, as /dev/shm may be small."""
    objects = {"object_store_memory": 80_000_000, "plasma_directory": str(folder)}
    return {"num_cpus": 1, "node_ip_address": address, **objects}


def _left_of(folder: Path) -> list[str]:
    """Return the processes that still hold a file of a folder after a while: all of Ray log."""
    end = time.monotonic() + 20
    while (left := [*_holding(str(folder))]) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def _holding(folder: str) -> Iterator[str]:
    """Yield the command lines of the other processes that have opened a file in a folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            opened = [str(link.readlink()) for link in (process / "fd").iterdir()]
            said = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile, or is not ours
            continue
        if process.name != str(os.getpid()) and any(one.startswith(folder) for one in opened):
            yield said[:200]

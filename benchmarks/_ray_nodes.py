"""A Ray cluster of two nodes, each at a loopback address of its own, and nothing of it left."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

HEAD, OTHER = "127.0.0.2", "127.0.0.3"  # Ray takes 127.0.0.1 for the address of the network
SOON = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 400}  # deaths are noticed
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}


@contextmanager
def two_nodes() -> Iterator[Any]:
    """Start a cluster that only this user can join; stop it and wait until its processes ended."""
    folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # sockets have short paths only
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with patch.dict(os.environ, {"RAY_USAGE_STATS_ENABLED": "0", **secret}):
        os.environ.pop("RAY_ADDRESS", None)
        from ray.cluster_utils import Cluster  # it reads these at once

        head = {"node_ip_address": HEAD, "temp_dir": str(folder), "_system_config": SOON}
        cluster = Cluster(True, head_node_args={**NODE, **head, "include_dashboard": False})
        try:
            add_other(cluster)
            yield cluster
        finally:
            cluster.shutdown()
            left = _left_of(folder)
            shutil.rmtree(folder)
    assert not left


def add_other(cluster: Any) -> Any:
    """Start the second node."""
    return cluster.add_node(**NODE, node_ip_address=OTHER)


def _left_of(folder: Path) -> list[str]:
    """Return the processes that still hold a folder's name on their command line after a while."""
    end = time.monotonic() + 20
    while (left := [*_naming(str(folder))]) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def _naming(word: str) -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            said = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if word in said:
            yield said[:200]

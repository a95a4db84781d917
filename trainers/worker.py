"""What a process that reads for training does when it begins: it will not outlive the main one.

torch's workers look for their parent while they wait for work. One that begins when its parent was
just killed takes init for it and waits forever, and so does one whose last batches fill a pipe.
"""

import multiprocessing
import os
import signal
import threading
import time

_EVERY = 0.5  # seconds between looks


def begin(_: int) -> None:
    """Leave Ctrl-C, which reaches a whole group of processes, to the main one, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    # A fork server stands between. Siblings hold the other end of what `is_alive` looks at, so
    # that it alone might tell late.
    is_child = os.getppid() == parent.pid
    while parent.is_alive() and (os.getppid() == parent.pid or not is_child):
        time.sleep(_EVERY)
    os._exit(1)

"""Worker processes that load this package and nothing of whoever called it."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection
from multiprocessing import context as contexts
from types import ModuleType
from typing import Any

_HIDING = threading.Lock()


def processors() -> int:
    """Return how many processors this process may use: what a container allows, where the platform tells."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        return os.cpu_count() or 1


def worker_context() -> contexts.BaseContext:
    """Return how worker processes are started: never by fork, and without running the caller's script again.

    A forked child inherits locks of threads that it does not have. A fresh one runs the main script first, so that a
    script without `if __name__ == "__main__"` would start its own analysis in every worker. Ours need no script.
    """
    return _ForkServer() if "forkserver" in multiprocessing.get_all_start_methods() else _Spawn()


def end_with_parent() -> None:
    """Let this worker process end as soon as the process that started it is gone, however that went.

    A worker whose parent was killed waits for work for ever otherwise, and whoever reads the output of the command
    waits with it: the worker has that pipe open.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


@contextmanager
def _no_script() -> Iterator[None]:
    """Show multiprocessing an empty main module for as long as it takes to start a process."""
    with _HIDING:
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = script


class _SpawnProcess(contexts.SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - the name of multiprocessing
        with _no_script():
            return contexts.SpawnProcess._Popen(process_obj)


class _Spawn(contexts.SpawnContext):
    Process = _SpawnProcess


if sys.platform != "win32":

    class _ForkServerProcess(contexts.ForkServerProcess):
        @staticmethod
        def _Popen(process_obj: Any) -> Any:  # noqa: N802 - the name of multiprocessing
            with _no_script():
                return contexts.ForkServerProcess._Popen(process_obj)

    class _ForkServer(contexts.ForkServerContext):
        Process = _ForkServerProcess

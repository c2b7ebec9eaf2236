"""Where the work is done: processes of this machine, or a Dask cluster. The same function, the same batches.

An engine yields results in the order in which they come. Neither holds state that matters: what is done is on disk, so
a worker that is lost costs the task it was at.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from forensics.attestation.processes import end_with_parent, processors, worker_context
from forensics.model.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from forensics.evidence.client import Limits

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2
"""Tasks in flight for each worker: one that runs and one that waits, so that memory stays flat."""
DEATHS = 2
"""Workers that one task may cost before it is given up."""
TRIP = 0.5
"""Seconds of work that one message to a cluster should carry. Sending it costs some six thousandths of a second."""
MOST = 64
"""Tasks that travel in one message at most."""


@dataclass(frozen=True, slots=True)
class Lost(Generic[T]):
    """A task of which the workers died, in place of its result."""

    task: T
    why: str


class Engine(Protocol):
    """What runs tasks. `workers` is how many run at once; `close` ends what it started."""

    workers: int

    def run(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R | Lost[T]]:
        """Yield the result of *work* for each of *tasks*, as they come; a task that kills its workers is Lost."""
        ...

    def reach(self, path: Path) -> None:
        """Raise UsageError, naming who, where a worker does not see *path* or cannot do the work."""
        ...

    def close(self) -> None:
        """End workers and connections that this engine started."""
        ...


@dataclass
class Pool:
    """Worker processes of this machine; as many as it has processors by default."""

    workers: int = field(default_factory=processors)
    _pool: ProcessPoolExecutor | None = field(default=None, init=False, repr=False)
    _busy: bool = field(default=False, init=False, repr=False)

    def run(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R | Lost[T]]:
        """Yield results as they come; a worker that dies takes what was in flight along, which is then tried alone."""
        waiting, suspects, self._busy = iter(tasks), deque[T](), True
        while True:
            in_flight: list[T] = []
            try:
                yield from self._until_death(work, waiting, in_flight)
            except BrokenProcessPool:
                self._pool = None
                suspects.extend(in_flight)
            while suspects:
                yield self._alone(work, suspects.popleft())
            if not in_flight:
                self._busy = False
                return

    def _until_death(self, work: Callable[[T], R], waiting: Iterator[T], in_flight: list[T]) -> Iterator[R]:
        flying: dict[Future[R], T] = {}
        while True:
            for task in islice(waiting, self.workers * AHEAD - len(flying)):
                in_flight.append(task)
                flying[self._started().submit(work, task)] = task
            if not flying:
                return
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                result = future.result()
                in_flight.remove(flying.pop(future))
                yield result

    def _alone(self, work: Callable[[T], R], task: T) -> R | Lost[T]:
        for _ in range(DEATHS - 1):
            with contextlib.suppress(BrokenProcessPool):
                return self._started().submit(work, task).result()
            self._pool = None
        return Lost(task, f"its worker process died {DEATHS} times")

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.workers, mp_context=worker_context(), initializer=_quietly)
        return self._pool

    def reach(self, path: Path) -> None:
        """Do nothing: processes of this machine see what it sees."""

    def close(self) -> None:
        """Let workers that have nothing to do end by themselves, and end others at once: what they have is on disk."""
        if self._pool is not None and not self._busy:
            self._pool.shutdown()
        elif self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None


def _fit(path: str) -> tuple[bool, bool]:
    """Return whether this worker sees *path*, and whether it is a process that may not start others."""
    return Path(path).exists(), multiprocessing.current_process().daemon


def _quietly() -> None:
    """Leave Ctrl-C to the process that started this one, or every worker would print a traceback of its own."""
    import signal

    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@dataclass(frozen=True, slots=True)
class _Raised:
    """A task of a group that raised, in place of its result."""

    why: str


def _do_group(work: Callable[[Any], Any], tasks: list[Any]) -> tuple[list[Any], float]:
    """Return what *work* makes of each of *tasks*, in order, and the seconds that all took. Runs on a worker."""
    begun, results = time.perf_counter(), list[Any]()
    for task in tasks:
        try:
            results.append(work(task))
        except Exception as error:  # one task of a group must not take the others along
            results.append(_Raised(type(error).__name__))
    return results, time.perf_counter() - begun


class _Groups(Generic[T]):
    """The tasks in groups, each of which travels in one message: as many as make TRIP seconds of work.

    What one message costs is a tenth of a short task. How long tasks take is learnt from those that are done; a task
    that takes long travels alone. Towards the end groups become smaller, so that the workers end together.
    """

    def __init__(self, tasks: Iterable[T], in_flight: int) -> None:
        self._tasks, self._in_flight, self._size = iter(tasks), in_flight, 1
        self._next = deque[T]()

    def take(self) -> list[T]:
        """Return the next group; an empty one at the end."""
        self._next.extend(islice(self._tasks, max(0, self._in_flight * self._size - len(self._next))))
        share = -(-len(self._next) // self._in_flight)
        return [self._next.popleft() for _ in range(min(share, self._size))]

    def done(self, group: list[T], seconds: float) -> None:
        """Learn from *group*, which took *seconds*, how large the next one should be: at most twice as large."""
        fit = int(TRIP * len(group) / seconds) if seconds else MOST
        self._size = max(1, min(fit, self._size * 2, MOST))


_QUIET = {
    # Archives are read in processes of their own, which daemonic workers may not start.
    "distributed.worker.daemon": False,
    # What follows feeds a dashboard that is not served here, and takes a twentieth of two processors while it does.
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.profile.enabled": False,
    # Still bounds the memory of a worker, without looking at it ten times a second.
    "distributed.worker.memory.monitor-interval": "1s",
}
"""How a cluster that is started here differs from Dask's defaults."""


class Dask:
    """The workers of a Dask cluster. *address* is that of its scheduler; without one a cluster starts on this machine.

    Raises UsageError when `distributed` is not installed or the scheduler cannot be reached.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        try:
            self._dask: Any = import_module("distributed")
        except ImportError:
            raise UsageError(
                "The Dask engine needs the package `distributed`, which is not installed.",
                advice="pip install 'release-forensics[cluster]'",
            ) from None
        self._cluster: Any = None
        if address is None:
            count = workers or processors()
            import_module("dask").config.set(_QUIET)  # for good: a worker that is started again reads it again
            self._cluster = self._dask.LocalCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
            )
        try:
            self._client: Any = self._dask.Client(self._cluster or address, timeout="10s", set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                f"The scheduler at {address} does not answer: {error or type(error).__name__}.",
                advice="Write it as tcp://host:8786, as the scheduler prints it when it starts.",
            ) from None
        threads = self._client.nthreads()
        self.workers = sum(threads.values()) or workers or 1

    def run(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R | Lost[T]]:
        """Yield results as they come. The scheduler gives the tasks of a lost worker to another one."""
        in_flight = self.workers * AHEAD
        groups, flying = _Groups(tasks, in_flight), self._dask.as_completed(loop=self._client.loop)
        sent: dict[str, list[T]] = {}
        suspects: deque[T] = deque()
        alone = False

        def send(group: list[T]) -> None:
            future = self._submit(work, group)
            sent[future.key] = group
            flying.add(future)

        def send_more() -> None:
            nonlocal alone
            while not alone and len(sent) < in_flight and (group := groups.take()):
                send(group)
            if not sent and suspects:  # whoever was beside a task that costs its workers is suspected with it
                alone = True
                send([suspects.popleft()])

        send_more()
        for future in flying:
            group, results = sent.pop(future.key), list[Any]()
            if future.status == "finished":
                results, seconds = future.result()
                groups.done(group, seconds)
            elif alone:
                results = [_Raised(type(future.exception()).__name__ if future.status == "error" else future.status)]
            else:
                suspects.extend(group)
                group = []
            future.release()
            send_more()
            for task, result in zip(group, results, strict=True):
                yield Lost(task, f"the cluster gave it up: {result.why}") if isinstance(result, _Raised) else result

    def _submit(self, work: Callable[[T], R], group: list[T]) -> Any:
        try:
            return self._client.submit(_do_group, work, group, pure=False, retries=0)
        except Exception as error:  # its classes differ from version to version; each means the same here
            raise Unreachable(
                f"The scheduler went away: {type(error).__name__}.",
                meaning="What is done is kept; what was in flight is not done.",
                advice="Start the cluster again and run the same command: it goes on with what is left.",
            ) from error

    def reach(self, path: Path) -> None:
        """Ask every worker whether it sees *path* and may start processes. Raises UsageError."""
        for worker, (sees, daemonic) in sorted(self._client.run(_fit, str(path)).items()):
            if not sees:
                raise UsageError(
                    f"The worker {worker} does not see {path}.",
                    advice="Put the sweep where every worker has it mounted at the same path.",
                )
            if daemonic:
                raise UsageError(
                    f"The worker {worker} may not start processes, in which archives are read.",
                    advice="Start workers with DASK_DISTRIBUTED__WORKER__DAEMON=False in their environment.",
                )

    def close(self) -> None:
        """Leave the cluster; end it if this engine started it."""
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def share(limits: Limits, workers: int) -> Limits:
    """Return what one of *workers* may do so that all together keep within *limits* for one host."""
    return replace(
        limits,
        per_second=limits.per_second / workers,
        concurrency=max(1, limits.concurrency // workers),
    )


def engine_for(name: str, *, scheduler: str | None, workers: int | None) -> Engine:
    """Return the engine called *name* (`pool` or `dask`); a *scheduler* means Dask. Raises UsageError."""
    if scheduler is not None or name == "dask":
        return Dask(scheduler, workers)
    if name != "pool":
        raise UsageError(f"--engine {name!r} is not one of pool, dask.")
    return Pool(workers) if workers else Pool()

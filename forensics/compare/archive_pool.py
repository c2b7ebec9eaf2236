"""Archives are read in worker processes with limits: a hostile one costs its own reading and nothing else."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import Any, ClassVar

from forensics.attestation.processes import end_with_parent, processors, worker_context
from forensics.compare.archives import read_contents, read_texts
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.contents import Contents
from forensics.model.errors import ForensicsError

MEMORY = 2 * 2**30
"""Address space of a worker in bytes, in all."""
CPU_SECONDS = 60
"""Processor time that one archive may take; a worker that takes more is ended by the kernel."""
WALL_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Job:
    """One archive to read: the name that tells its kind, and how to get its bytes."""

    filename: str
    load: Callable[[], bytes | None]


def read_many(
    jobs: Sequence[Job], *, workers: int | None = None, progress: Callable[[int, int], None] | None = None
) -> list[Outcome[Contents]]:
    """Return the contents of each archive, or why it was not read, in the order of *jobs*."""
    results: list[Outcome[Contents]] = []
    with _Workers(max(1, min(workers or processors(), len(jobs)))) as pool:
        for job, outcome in zip(jobs, pool.each(_contents, [(j.load, j.filename) for j in jobs]), strict=True):
            if isinstance(outcome, str):
                results.append(NotChecked(f"{job.filename} could not be read: {outcome}", "artifact"))
            else:
                results.append(Checked(outcome))
            if progress:
                progress(len(results), len(jobs))
    return results


def read_member_texts(wanted: Sequence[tuple[Job, frozenset[str]]], limit: int) -> list[dict[str, bytes]]:
    """Return, for each archive, the bytes of the members named of at most *limit* bytes; none where it is unreadable.

    One pool of workers reads them all; an archive of which no member is wanted is not opened.
    """
    jobs = [(job.load, job.filename, paths, limit) for job, paths in wanted if paths]
    with _Workers(max(1, min(processors(), len(jobs)))) as pool:
        outcomes = iter(list(pool.each(_texts, jobs)))
    read = [next(outcomes) if paths else {} for _, paths in wanted]
    return [outcome if isinstance(outcome, dict) else {} for outcome in read]


class _Workers:
    """A pool that outlives its workers: whatever kills one is named, and the others go on in a new pool.

    Workers that are well when the work is done wait for the next archives of this process: starting one costs more than
    reading most archives.
    """

    _idle: ClassVar[dict[int, ProcessPoolExecutor]] = {}
    _at_exit: ClassVar[Finalize | None] = None

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = self._idle.pop(count, None)

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._pool is not None and self._count not in self._idle:
            self._keep(self._count, self._pool)
        else:
            self._end()

    @classmethod
    def _keep(cls, count: int, pool: ProcessPoolExecutor) -> None:
        if cls._at_exit is None:
            # A process that is itself a worker joins its children when it ends, and they would wait for work for ever.
            # The queues that would tell them to end close at priority 10.
            cls._at_exit = Finalize(None, cls._end_idle, exitpriority=20)
        cls._idle[count] = pool

    @classmethod
    def _end_idle(cls) -> None:
        while cls._idle:
            cls._idle.popitem()[1].shutdown()

    def each(self, function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Yield the result for each job, or in words why there is none. The first item of a job gives its bytes."""
        flying: list[Future[Any] | str] = []
        for index in range(len(jobs)):
            while len(flying) < min(len(jobs), index + 2 * self._count):
                flying.append(self._submit(function, jobs[len(flying)]))
            yield self._result(function, jobs, flying, index)
            flying[index] = ""

    def _submit(self, function: Callable[..., Any], job: tuple[Any, ...], *, again: bool = True) -> Future[Any] | str:
        try:
            data = job[0]()
        except ForensicsError as error:
            return error.what
        if data is None:
            return "the case does not hold its bytes"
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._count, mp_context=worker_context(), initializer=_limit)
        try:
            return self._pool.submit(function, data, *job[1:])
        except BrokenProcessPool:
            self._end()
            return self._submit(function, job, again=False) if again else "no process to read it could be started"

    def _result(
        self, function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], flying: list[Future[Any] | str], index: int
    ) -> Any:
        one = flying[index]
        if isinstance(one, str):
            return one
        try:
            return one.result(WALL_SECONDS)
        except (BrokenProcessPool, TimeoutError):
            self._end()
        # Whoever flew along starts anew; the first in line is tried alone, so that the guilty one is known.
        alone = self._submit(function, jobs[index])
        try:
            found = alone if isinstance(alone, str) else alone.result(WALL_SECONDS)
        except BrokenProcessPool:
            self._end()
            found = "the process that read it died of it, or of its limits"
        except TimeoutError:
            self._end()
            found = f"reading it took longer than {WALL_SECONDS:g} seconds"
        for later in range(index + 1, len(flying)):
            if not isinstance(flying[later], str):
                flying[later] = self._submit(function, jobs[later])
        return found

    def _end(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                with contextlib.suppress(OSError):
                    process.kill()
            pool.shutdown(wait=False, cancel_futures=True)


def _limit() -> None:
    """Limit this worker. Ctrl-C reaches the whole process group; the parent alone answers it."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # nothing is ever written


def _allow_time() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _contents(data: bytes, filename: str) -> Contents | str:
    _allow_time()
    try:
        return read_contents(data, filename)
    except ForensicsError as error:
        return error.what
    except MemoryError:
        return "it needs more memory than is allowed"
    except Exception as error:  # whatever a reader did not foresee is no reason to lose the others
        return f"it is malformed in a way that was not foreseen ({type(error).__name__})"


def _texts(data: bytes, filename: str, paths: frozenset[str], limit: int) -> dict[str, bytes] | str:
    _allow_time()
    try:
        return read_texts(data, filename, paths.__contains__, limit)
    except ForensicsError as error:
        return error.what
    except Exception as error:
        return type(error).__name__

"""Many attestations at once: worker processes, each with its own verifier; the order of the jobs is kept.

Python's threads gain almost nothing here, because sigstore-python spends its time under the interpreter's lock.
"""

from __future__ import annotations

import gc
import hashlib
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing.context import ForkServerContext

import msgspec

from forensics.attestation.context import Expected
from forensics.attestation.depth import text_within_depth
from forensics.attestation.evaluate import Evaluator, Work, in_step, unreadable
from forensics.attestation.processes import end_with_parent, processors, worker_context
from forensics.attestation.raw import parse_json
from forensics.attestation.registry_keys import RegistryKeys
from forensics.attestation.trust import TrustRoot
from forensics.model.attestation import Attestation, Check, CheckResult, Publisher, Verification, VerificationStatus

POOL_FROM = 64
"""Below this many jobs starting workers costs more than they save."""
BATCH = 64
SMALLEST = 4
MAX_JOB = 64 << 20
_LOADED = ["sigstore.verify", "forensics.attestation.evaluate"]
"""What verification takes longest to load. None of it starts a thread when it is loaded."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One object to verify: *kind* is `pep740`, `bundle` or `npm`, *data* its JSON; the rest is as for `Evaluator`.

    *filename* says where the outcome belongs; for `npm`, *purl* and *sha512* are what the subject is compared with,
    *keys* the registry keys that count, *stated* the predicate type that the registry lists.
    """

    kind: str
    data: bytes
    publisher: Publisher | None = None
    filename: str | None = None
    sha256: str | None = None
    evidence: tuple[str, ...] = ()
    purl: str | None = None
    sha512: str | None = None
    keys: RegistryKeys | None = None
    stated: str | None = None


def evaluate_job(evaluator: Evaluator, job: Job) -> Attestation:
    """Return the attestation of *job*. Never raises for bad input; a kind that is not known is a failed `format`."""
    return evaluate_jobs(evaluator, [job])[0]


def evaluate_jobs(evaluator: Evaluator, jobs: Sequence[Job]) -> list[Attestation]:
    """Return the attestations of *jobs* in their order, in step with each other. See `evaluate_job`."""
    return in_step([_begun(evaluator, job) for job in jobs])


def _begun(evaluator: Evaluator, job: Job) -> Work:
    problem, data = "", None
    if len(job.data) > MAX_JOB:
        problem = f"the object has {len(job.data)} bytes; the limit is {MAX_JOB}."
    elif not text_within_depth(job.data):
        problem = "the object is nested too deeply."
    else:
        try:
            data = parse_json(job.data)
        except (ValueError, RecursionError):
            problem = "the object is not JSON."
    if not problem and job.kind == "pep740":
        expected = Expected(job.publisher, job.filename, job.sha256)
        return (yield from evaluator.expecting(expected, data, job.evidence))
    if not problem and job.kind == "bundle":
        expected = Expected(None, job.filename, job.sha256, keys=job.keys)
        found = yield from evaluator.expecting_bundle(expected, data, job.evidence)
        return replace(found, publisher=job.publisher)
    if not problem and job.kind == "npm":
        expected = Expected(job.publisher, purl=job.purl, sha512=job.sha512, keys=job.keys)
        return (yield from evaluator.expecting_npm(expected, data, job.evidence, stated=job.stated))
    reason = problem or f"objects of the kind {job.kind!r} are not known to this version."
    return unreadable(reason, hashlib.sha256(job.data).hexdigest(), evaluator.root, job.publisher, job.evidence)


def evaluate_many(
    root: TrustRoot,
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Attestation]:
    """Return the attestations of *jobs* in their order, verified under *root* by *workers* processes.

    *workers* defaults to the processors this process may use; below 64 jobs, or with one worker, all is done here.
    *progress* is called with (done, total). A worker that dies costs the one job it died of: its attestation is not
    checked and says so. KeyboardInterrupt ends the workers and is passed on.
    """
    count = workers if workers is not None else processors()
    if count <= 1 or (workers is None and len(jobs) < POOL_FROM) or not jobs:
        return _here(root, jobs, progress)
    waiting = _batches(len(jobs), count)
    done: dict[int, Attestation] = {}
    while waiting:
        suspects = _run(root, jobs, waiting, count, done, progress)
        if suspects and not done and not _workers_start(root):
            return _here(root, jobs, progress)  # this platform or program cannot start workers at all
        for batch in suspects:
            _run_suspect(root, jobs, batch, done, progress)
    return [done[index] for index in range(len(jobs))]


def _batches(jobs: int, workers: int) -> deque[list[int]]:
    """The numbers of *jobs* in batches: shorter towards the end, so that no worker waits long for another's last."""
    waiting: deque[list[int]] = deque()
    start = 0
    while start < jobs:
        size = min(BATCH, max(SMALLEST, -(-(jobs - start) // (2 * workers))), jobs - start)
        waiting.append(list(range(start, start + size)))
        start += size
    return waiting


def _here(root: TrustRoot, jobs: Sequence[Job], progress: Progress | None) -> list[Attestation]:
    evaluator = _evaluator_of(root)
    results: list[Attestation] = []
    for start in range(0, len(jobs), BATCH):
        results += evaluate_jobs(evaluator, jobs[start : start + BATCH])
        if progress is not None:
            progress(len(results), len(jobs))
    return results


@lru_cache(maxsize=2)
def _evaluator_of(root: TrustRoot) -> Evaluator:
    """The evaluator under *root* for this process: loading its keys costs as much as ten attestations."""
    return Evaluator(root)


def _run(
    root: TrustRoot,
    jobs: Sequence[Job],
    waiting: deque[list[int]],
    workers: int,
    done: dict[int, Attestation],
    progress: Progress | None,
) -> list[list[int]]:
    """Put the outcomes of the batches in *waiting* into *done*; return those in flight when a worker died."""
    pool = _pool(root, min(workers, len(waiting)))
    flying: dict[Future[bytes | list[Attestation]], list[int]] = {}
    try:
        while waiting or flying:
            while waiting and len(flying) < workers * 2:  # few in flight: few to suspect, and little memory
                future = pool.submit(_work, [jobs[index] for index in waiting[0]])
                flying[future] = waiting.popleft()
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                done.update(zip(flying[future], _unpacked(future.result()), strict=True))
                del flying[future]
                if progress is not None:
                    progress(len(done), len(jobs))
    except BrokenProcessPool:
        return list(flying.values()) or [waiting.popleft()]
    except BaseException:
        _end(pool)
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return []


def _run_suspect(
    root: TrustRoot, jobs: Sequence[Job], batch: list[int], done: dict[int, Attestation], progress: Progress | None
) -> None:
    """Run a batch that was in flight when a worker died: by itself, and if it kills again, job by job."""
    if not _run(root, jobs, deque([batch]), 1, done, progress):
        return
    for index in batch:
        if _run(root, jobs, deque([[index]]), 1, done, progress):
            done[index] = _died(root, jobs[index])


def _pool(root: TrustRoot, workers: int) -> ProcessPoolExecutor:
    context = worker_context()
    if isinstance(context, ForkServerContext):
        context.set_forkserver_preload(_LOADED)  # once in the process that workers are forked from, not in each of them
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(root,))


def _end(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: they hold nothing that must be saved."""
    for process in list((pool._processes or {}).values()):
        process.terminate()


def _workers_start(root: TrustRoot) -> bool:
    pool = _pool(root, 1)
    try:
        return pool.submit(os.getpid).result() > 0
    except BrokenProcessPool:
        return False
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_evaluator: Evaluator | None = None


def _start(root: TrustRoot) -> None:
    """Make this worker's verifier. Ctrl-C reaches the whole process group; the parent alone answers it."""
    global _evaluator
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _evaluator = Evaluator(root)
    gc.freeze()  # what is loaded by now stays: the collector need not walk it again and again


def _work(jobs: list[Job]) -> bytes | list[Attestation]:
    assert _evaluator is not None
    return _packed(evaluate_jobs(_evaluator, jobs))


def _packed(found: list[Attestation]) -> bytes | list[Attestation]:
    """*found* as it travels between processes: MessagePack takes a sixth of the time of pickle."""
    try:
        return msgspec.msgpack.encode(found)
    except (msgspec.MsgspecError, ValueError, OverflowError):  # such as text with a lone surrogate
        return found


def _unpacked(found: bytes | list[Attestation]) -> list[Attestation]:
    return msgspec.msgpack.decode(found, type=list[Attestation]) if isinstance(found, bytes) else found


def _died(root: TrustRoot, job: Job) -> Attestation:
    check = Check("format", CheckResult.NOT_CHECKED, "the process that verified this object died of it.")
    verification = Verification(VerificationStatus.NOT_CHECKED, (check,), root.sha256)
    digest = hashlib.sha256(job.data).hexdigest()
    return Attestation(digest, "", None, None, None, job.publisher, None, verification, job.evidence)

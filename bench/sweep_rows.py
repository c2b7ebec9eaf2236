"""Rows about many projects: the same batches on a Dask cluster of this machine and in the process pool."""

from __future__ import annotations

from functools import cache
from typing import Any

from bench.material import attestations, jobs
from bench.row import NotMeasured, Row
from bench.timing import alternate

BATCH = 50
WORKERS = 2


@cache
def _evaluator(raw: bytes) -> Any:
    """One verifier for each worker process and root, as every engine keeps it."""
    from forensics.attestation.evaluate import Evaluator
    from forensics.attestation.trust import vouch

    return Evaluator(vouch(raw, named=raw))


def verify_batch(batch: tuple[bytes, list[Any]]) -> int:
    """Verify a batch of attestations; return how many are valid."""
    from forensics.attestation.pool import evaluate_jobs

    raw, work = batch
    return sum(a.verification.status.value == "valid" for a in evaluate_jobs(_evaluator(raw), work))


def dask_against_pool(quick: bool) -> float:
    """Rate of a Dask cluster of two worker processes against the pool's with two, batches of 50 attestations.

    Every batch holds the same attestations, so that it costs the same whichever worker gets it after whichever other:
    an evaluator keeps what it decided about the last certificates.
    """
    from forensics.model.errors import UsageError
    from forensics.sweep.engine import Dask, Engine, Lost, Pool

    raw = attestations().root
    count = 20 if quick else 80
    batches = [(raw, jobs(BATCH)) for _ in range(count)]

    def whole(engine: Engine) -> None:
        results = list(engine.run(verify_batch, batches))
        if any(isinstance(r, Lost) for r in results) or sum(results) != count * BATCH:  # type: ignore[arg-type]
            raise RuntimeError("an attestation of the lab did not verify")

    try:
        pool, dask = Pool(WORKERS), Dask(workers=WORKERS)
    except UsageError as error:
        raise NotMeasured(error.what) from None
    try:
        by_pool, by_dask = alternate([lambda: whole(pool), lambda: whole(dask)], 1 if quick else 9)
    finally:
        pool.close()
        dask.close()
    return by_pool / by_dask


SWEEP_ROWS = (Row("batches of 50 on Dask, one machine / the process pool", 0.90, True, dask_against_pool),)

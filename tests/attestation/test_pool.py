from __future__ import annotations

import json
import os
from typing import Any

import pytest
from attestation_kit import FILENAME, PUBLISHER, SHA256, Kit, tampered

from forensics.attestation import pool
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.pool import Job, evaluate_many
from forensics.model.attestation import VerificationStatus

DEADLY = b'{"deadly": true}'


@pytest.fixture(scope="module")
def good(kit: Kit) -> dict[str, Any]:
    return kit.attest()


def jobs(good: dict[str, Any], count: int) -> list[Job]:
    bad = json.dumps(tampered(good, "signature")).encode()
    data = json.dumps(good).encode()
    return [
        Job("pep740", bad if number % 7 == 3 else data, PUBLISHER, FILENAME, SHA256, (str(number),))
        for number in range(count)
    ]


def test_workers_and_this_process_say_the_same_in_the_same_order(kit: Kit, good: dict[str, Any]) -> None:
    many = jobs(good, 70)
    seen: list[tuple[int, int]] = []
    found = evaluate_many(kit.root, many, workers=2, progress=lambda done, total: seen.append((done, total)))
    assert found == evaluate_many(kit.root, many, workers=1)
    assert [attestation.evidence for attestation in found] == [(str(number),) for number in range(70)]
    assert [a.verification.status is VerificationStatus.INVALID for a in found] == [n % 7 == 3 for n in range(70)]
    assert seen[-1] == (70, 70)


@pytest.mark.parametrize("count", [1, 3, 64, 70, 129, 1000, 3001])
@pytest.mark.parametrize("workers", [2, 3, 16])
def test_batches_hold_every_job_once_in_order_and_end_short(count: int, workers: int) -> None:
    batches = list(pool._batches(count, workers))
    assert [number for batch in batches for number in batch] == list(range(count))
    assert max(map(len, batches)) <= pool.BATCH
    assert len(batches[-1]) <= pool.SMALLEST
    assert len(batches) >= min(workers, -(-count // pool.SMALLEST))  # every worker has its share, also of few


def test_what_travels_between_processes_arrives_as_it_was(kit: Kit, good: dict[str, Any]) -> None:
    found = evaluate_many(kit.root, jobs(good, 8))
    packed = pool._packed(found)
    assert isinstance(packed, bytes)
    assert pool._unpacked(packed) == found


def test_text_that_is_no_unicode_travels_too(kit: Kit, good: dict[str, Any]) -> None:
    strange = Job("pep740", json.dumps(good).encode(), PUBLISHER, "\ud800.whl", SHA256, ("\ud800",))
    found = evaluate_many(kit.root, [strange] * 2, workers=1)
    assert found[0].evidence == ("\ud800",)
    assert evaluate_many(kit.root, [strange] * 2, workers=2) == found


def test_a_few_jobs_start_no_worker(kit: Kit, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_pool", None)
    assert len(evaluate_many(kit.root, jobs(good, 3))) == 3
    assert evaluate_many(kit.root, []) == []


@pytest.mark.parametrize(
    ("kind", "data"),
    [("pep740", b"{"), ("pep740", b"[" * 5000), ("bundle", b"\xff\xfe"), ("wheel", b"{}"), ("pep740", b"1" * 9000)],
)
def test_a_job_that_cannot_be_read_is_an_outcome(kit: Kit, kind: str, data: bytes) -> None:
    found = evaluate_many(kit.root, [Job(kind, data, evidence=("seen",))])[0]
    assert found.verification.status is VerificationStatus.INVALID
    assert found.verification.checks[0].name == "format"
    assert found.evidence == ("seen",)


def _dying(evaluator: Evaluator, job: Job) -> Any:
    if job.data == DEADLY:
        os._exit(9)
    return _alive(evaluator, job)


_alive = pool.evaluate_job


def _dying_work(batch: list[Job]) -> list[Any]:
    assert pool._evaluator is not None
    return [_dying(pool._evaluator, job) for job in batch]


def test_a_worker_that_dies_costs_one_job(kit: Kit, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_work", _dying_work)
    monkeypatch.setattr(pool, "BATCH", 3)
    many = jobs(good, 6)
    many[4] = Job("pep740", DEADLY, evidence=("4",))
    found = evaluate_many(kit.root, many, workers=2)
    statuses = [attestation.verification.status for attestation in found]
    assert statuses[4] is VerificationStatus.NOT_CHECKED
    assert "died" in found[4].verification.checks[0].detail
    assert statuses.count(VerificationStatus.NOT_CHECKED) == 1
    assert [attestation.evidence for attestation in found] == [(str(number),) for number in range(6)]


def test_an_interrupt_ends_the_workers_and_is_passed_on(kit: Kit, good: dict[str, Any]) -> None:
    import multiprocessing

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    others = multiprocessing.active_children()  # workers that wait for the next archive are not this pool's
    with pytest.raises(KeyboardInterrupt):
        evaluate_many(kit.root, jobs(good, 70), workers=2, progress=interrupt)
    for process in set(multiprocessing.active_children()) - set(others):
        process.join(5)
        assert not process.is_alive()

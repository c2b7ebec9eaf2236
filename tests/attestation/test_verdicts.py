"""Verdicts kept outside the case: the same as verified anew, found only by everything they follow from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forensics.attestation import pool
from forensics.attestation.pool import Job, evaluate_many
from forensics.attestation.trust import TrustRoot
from forensics.evidence import cache
from forensics.investigation.verdicts import verdicts
from forensics.model.attestation import VerificationStatus
from tests.attestation.attestation_kit import FILENAME, PUBLISHER, SHA256, Kit, flip


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Job]:
    """The jobs that were really verified, with a cache of its own."""
    monkeypatch.setenv("FORENSICS_CACHE", str(tmp_path))
    seen: list[Job] = []

    def counting(root: TrustRoot, jobs: list[Job], **words: Any) -> Any:
        seen.extend(jobs)
        return evaluate_many(root, jobs, **words)

    monkeypatch.setattr(pool, "evaluate_many", counting)
    return seen


def job(data: dict[str, Any]) -> Job:
    return Job("pep740", json.dumps(data).encode(), PUBLISHER, FILENAME, SHA256, ("o-1",))


def test_a_verdict_is_found_again_and_equal(kit: Kit, verified: list[Job]) -> None:
    good, bad = kit.attest(), kit.attest()
    bad["envelope"]["signature"] = flip(bad["envelope"]["signature"])
    jobs = [job(good), job(bad), job(good)]
    first = verdicts(kit.root, "pypi:demo", jobs)
    assert len(verified) == 2
    again = verdicts(kit.root, "pypi:demo", jobs)
    assert len(verified) == 2
    assert again == first == dict(zip(jobs, evaluate_many(kit.root, jobs), strict=True))
    assert first[jobs[1]].verification.status is VerificationStatus.INVALID


def test_another_question_is_verified_anew(kit: Kit, verified: list[Job]) -> None:
    one = job(kit.attest())
    verdicts(kit.root, "pypi:demo", [one])
    others = [
        replace(one, sha256="6f" * 32), replace(one, filename="demo-1.0.0.tar.gz"), replace(one, publisher=None),
        replace(one, evidence=("o-2",)), replace(one, data=one.data + b" "),
    ]  # fmt: skip
    found = verdicts(kit.root, "pypi:demo", others)
    assert verified == [one, *others]
    assert found[others[0]].verification.status is VerificationStatus.INVALID
    other = Kit().root
    assert verdicts(other, "pypi:demo", [one])[one].verification.status is not VerificationStatus.VALID
    assert verified[-1] == one


def test_a_cache_that_is_distrusted_or_damaged_is_not_believed(kit: Kit, verified: list[Job], tmp_path: Path) -> None:
    one = job(kit.attest())
    verdicts(kit.root, "pypi:demo", [one])
    cache.believe(False)
    try:
        verdicts(kit.root, "pypi:demo", [one])
    finally:
        cache.believe(True)
    assert len(verified) == 2
    (stored,) = tmp_path.iterdir()
    stored.write_bytes(stored.read_bytes()[:-1] + b" ")
    assert verdicts(kit.root, "pypi:demo", [one])[one].verification.status is VerificationStatus.VALID
    assert len(verified) == 3

"""Signing in order of time: a log takes entries only in that order, whoever signs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.attest import SignedStatement
from tests.lab.npm_attest import NpmStatement
from tests.lab.plan import PlannedRelease
from tests.lab.rekor import RekorLog, hashedrekord_body
from tests.lab.v2_attest import V2Statement

Statement = SignedStatement | NpmStatement | V2Statement


@dataclass(frozen=True)
class Signed:
    """A statement of the world: of which package, release and file, if any, and with what proof size."""

    release: PlannedRelease | None
    filename: str
    statement: Statement
    size: int
    package: str = ""


@dataclass(frozen=True)
class Job:
    """A signature to be made, before it is known where in the log it falls. ``order``: within one release."""

    moment: datetime
    order: int
    release: PlannedRelease | None
    filename: str
    package: str
    make: Callable[[], Statement]


def run(log: RekorLog, jobs: list[Job], seed: str) -> list[Signed]:
    """Make all signatures. Before each release's first, somebody else's entry is logged; proofs are taken at once."""
    filler_key = ec.generate_private_key(ec.SECP256R1())
    signed: list[Signed] = []
    for number, job in enumerate(sorted(jobs, key=lambda job: (job.moment, job.order))):
        if job.order == 0:
            _filler(log, filler_key, job.moment - timedelta(seconds=1), f"{seed}\0filler\0{number}")
        signed.append(Signed(job.release, job.filename, job.make(), len(log.tree), job.package))
    return signed


def _filler(log: RekorLog, key: ec.EllipticCurvePrivateKey, moment: datetime, text: str) -> None:
    """Somebody else's entry, so that proofs have something to prove against."""
    if log.entries and int(moment.timestamp()) < log.entries[-1].integrated:
        return
    digest = hashlib.sha256(text.encode()).hexdigest()
    public = key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signature = key.sign(digest.encode(), ec.ECDSA(hashes.SHA256()))
    log.append(hashedrekord_body(digest, signature, pem), moment, {f"sha256:{digest}", hashlib.sha256(pem).hexdigest()})

"""Verdicts about attestations, kept outside every case: the same bytes under the same root come to the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from forensics.model.attestation import Attestation, VerificationStatus

if TYPE_CHECKING:
    from forensics.attestation.pool import Job
    from forensics.attestation.trust import TrustRoot


def verdicts(
    root: TrustRoot,
    project: str,
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Job, Attestation]:
    """Return what each of *jobs* comes to under *root*: from the cache where it was verified before, else verified.

    A verdict is found by the digest of everything that it follows from: the bytes of the attestation and what the index
    says about it, the trust root and who vouches for it, our code and the versions of the libraries that decide.
    *progress* and *workers* are as for `evaluate_many`.
    """
    from forensics.attestation.pool import evaluate_many

    wanted = dict.fromkeys(jobs)
    if not wanted:
        return {}
    names = {job: _name(job) for job in wanted}
    key = _key(root, project)
    stored = _load(key)
    fresh = [job for job in wanted if names[job] not in stored]
    outcomes = dict(zip(fresh, evaluate_many(root, fresh, workers=workers, progress=progress), strict=True))
    decided = {
        names[job]: found
        for job, found in outcomes.items()
        if found.verification.status is not VerificationStatus.NOT_CHECKED  # a worker that died may live next time
    }
    if decided:
        _save(key, stored | decided)
    return {job: outcomes[job] if job in outcomes else stored[names[job]] for job in wanted}


def _key(root: TrustRoot, project: str) -> str:
    from importlib.metadata import version

    from forensics.evidence import cache

    libraries = (f"{name} {version(name)}" for name in ("sigstore", "cryptography", "rfc3161-client"))
    return cache.key_of("verdicts", project, root.sha256, root.name, root.kind, root.vouched_by, *libraries)


def _name(job: Job) -> str:
    """A digest of all that an outcome follows from, but for the root."""
    keys = job.keys.sha256 if job.keys is not None else None
    parts = (job.kind, job.publisher, job.filename, job.sha256, job.evidence, job.purl, job.sha512, job.stated, keys)
    machine = hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass"))
    machine.update(b"\x00" + job.data)
    return machine.hexdigest()


def _load(key: str) -> dict[str, Attestation]:
    import msgspec

    from forensics.evidence import cache

    data = cache.get(key)
    try:
        return msgspec.json.decode(data, type=dict[str, Attestation]) if data is not None else {}
    except (msgspec.MsgspecError, ValueError):
        return {}


def _save(key: str, found: dict[str, Attestation]) -> None:
    import msgspec

    from forensics.evidence import cache

    try:
        data = msgspec.json.encode(found)
    except (msgspec.MsgspecError, ValueError):  # text that is no Unicode, such as a lone surrogate in a claim
        return
    cache.put(key, data)

"""A scenario made real: keys, certificates, log, index and advisories, seen through a clock.

A world is built once, with its whole history; :meth:`World.at` shows what existed at a moment. Keys are fresh
in every world; artifacts, times, run ids and commits depend on the scenario alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab.artifacts import Artifact, build_artifacts
from tests.lab.attest import SignedStatement, publish_statement, sign_and_log
from tests.lab.errors import LabError, NotServedError
from tests.lab.git_history import git_history
from tests.lab.osv import AdvisoryView
from tests.lab.pki import Authority, Signer
from tests.lab.plan import PlannedEntry, PlannedRelease, expand_background, plan_entries, plan_releases
from tests.lab.pypi import IndexView
from tests.lab.rekor import RekorLog, hashedrekord_body
from tests.lab.scenario import Scenario, load_scenario
from tests.lab.store import StoredFile, build_journal
from tests.lab.trust import der, trusted_root, write_trusted_root


@dataclass(frozen=True)
class Snapshot:
    """What the world's sources hold at one moment."""

    moment: datetime
    index: IndexView
    osv: AdvisoryView
    log: RekorLog
    log_size: int


@dataclass(frozen=True)
class Signed:
    """An attestation of the world: for which release and file, if any, and with what proof size."""

    release: PlannedRelease | None
    filename: str
    statement: SignedStatement
    size: int


@dataclass(frozen=True)
class _Job:
    """One signature to be made, before it is known where in the log it falls."""

    moment: datetime
    order: int
    release: PlannedRelease | None
    entry: PlannedEntry | None
    artifact: Artifact | None


class World:
    """Everything that exists, and when. Use :func:`build_world` to make one."""

    def __init__(self, scenario: Scenario, commits: Mapping[str, str] | None = None) -> None:
        if scenario.ecosystem != "pypi":
            raise NotServedError(f"{scenario.id}: npm worlds are not served yet")
        _check_pypi(scenario)
        self.scenario = scenario
        self.git = git_history(scenario, plan_releases(scenario))
        self.releases = plan_releases(scenario, self.git.commits if commits is None else commits)
        self.authority = Authority()
        self.log = RekorLog()
        stamper = Authority("tsa.lab.example", ExtendedKeyUsageOID.TIME_STAMPING)
        self.trusted_root = trusted_root(self.authority, self.log, (stamper, der(stamper.timestamping_leaf()[1])))
        self._filler_key = ec.generate_private_key(ec.SECP256R1())
        artifacts = [(release, item) for release in self.releases for item in build_artifacts(scenario, release)]
        self.signed: list[Signed] = self._sign_all(artifacts)
        self.files = self._upload(artifacts)
        self.journal = build_journal(scenario.project, self.releases, self.files)

    def at(self, moment: datetime) -> Snapshot:
        """What every source holds at a moment."""
        osv = AdvisoryView(self.scenario, self.releases, moment)
        index = IndexView(self.scenario, self.releases, self.files, self.journal, osv.records(), moment)
        return Snapshot(moment, index, osv, self.log, self.log.size_at(moment))

    def release(self, version: str) -> PlannedRelease:
        """One release by version."""
        for release in self.releases:
            if release.version == version:
                return release
        raise KeyError(version)

    def files_of(self, version: str) -> list[StoredFile]:
        """The files of one version, whether or not the index still lists them."""
        return [stored for stored in self.files if stored.release.version == version]

    def bundles(self) -> dict[str, dict[str, Any]]:
        """Every attestation as a Sigstore bundle v0.3, by file name or log-only subject."""
        return {item.filename: item.statement.bundle(self.log, item.size) for item in self.signed}

    def write_trusted_root(self, directory: Path) -> Path:
        """Write ``trusted_root.json`` into a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        return write_trusted_root(self.trusted_root, directory / "trusted_root.json")

    def _sign_all(self, artifacts: list[tuple[PlannedRelease, Artifact]]) -> list[Signed]:
        """Sign everything in order of time; proofs are taken just after, as at upload."""
        jobs = self._jobs(artifacts)
        signers: dict[str, Signer] = {}
        signed: list[Signed] = []
        for number, job in enumerate(jobs):
            if job.order == 0:
                self._filler(job.moment - timedelta(seconds=1), f"{number}")
            statement = self._sign(job, signers)
            name = job.artifact.filename if job.artifact else job.entry.row.subject if job.entry else ""
            signed.append(Signed(job.release, name, statement, len(self.log.tree)))
        return signed

    def _jobs(self, artifacts: list[tuple[PlannedRelease, Artifact]]) -> list[_Job]:
        jobs: list[_Job] = []
        counts: dict[str, int] = {}
        for release, artifact in artifacts:
            if artifact.kind in release.attested:
                order = counts.get(release.version, 0)
                counts[release.version] = order + 1
                moment = release.signed + timedelta(seconds=order)
                jobs.append(_Job(moment, order, release, None, artifact))
        for entry in plan_entries(self.scenario):
            jobs.append(_Job(entry.row.signed, 0, None, entry, None))
        return sorted(jobs, key=lambda job: (job.moment, job.order))

    def _sign(self, job: _Job, signers: dict[str, Signer]) -> SignedStatement:
        """One signature; the files of a release are signed with one certificate, as the upload action does."""
        if job.release is not None and job.artifact is not None:
            claims, name = job.release.claims, job.artifact.filename
            digest = hashlib.sha256(job.artifact.data).hexdigest()
            if job.release.version not in signers:
                signers[job.release.version] = self.authority.issue(claims, job.release.signed)
            signer = signers[job.release.version]
        else:
            assert job.entry is not None
            claims, name = job.entry.claims, job.entry.row.subject
            digest = hashlib.sha256(f"{self.scenario.id}\0{name}".encode()).hexdigest()
            signer = self.authority.issue(claims, job.moment)
        # Claims may say that the entry went to Rekor v2 (`log`). An index attestation has nowhere to put the
        # timestamp that v2 needs, so what the index serves is always logged in v1.
        return sign_and_log(self.log, signer, claims.san, publish_statement(name, digest), digest, job.moment)

    def _filler(self, moment: datetime, label: str) -> None:
        """Somebody else's entry, so that proofs have something to prove against."""
        if self.log.entries and int(moment.timestamp()) < self.log.entries[-1].integrated:
            return
        digest = hashlib.sha256(f"{self.scenario.id}\0filler\0{label}".encode()).hexdigest()
        public = self._filler_key.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        signature = self._filler_key.sign(digest.encode(), ec.ECDSA(hashes.SHA256()))
        body = hashedrekord_body(digest, signature, pem)
        self.log.append(body, moment, {f"sha256:{digest}", hashlib.sha256(pem).hexdigest()})

    def _upload(self, artifacts: list[tuple[PlannedRelease, Artifact]]) -> list[StoredFile]:
        """Upload all files: a release's first at its publication time, each further one a second later."""
        attested = {(item.release.version, item.filename): item for item in self.signed if item.release}
        counts: dict[str, int] = {}
        stored: list[StoredFile] = []
        for release, artifact in artifacts:
            order = counts.get(release.version, 0)
            counts[release.version] = order + 1
            item = attested.get((release.version, artifact.filename))
            provenance = self._provenance(release, item) if item else None
            stored.append(StoredFile(release, artifact, release.published + timedelta(seconds=order), provenance))
        return stored

    def _provenance(self, release: PlannedRelease, item: Signed) -> dict[str, Any]:
        """The PEP 740 provenance object: the publisher that the index had configured, and the attestation."""
        publisher = {
            "kind": "GitHub",
            "repository": release.claims.slug,
            "workflow": PurePosixPath(release.claims.config).name,
            "environment": release.claims.environment or None,
            "claims": None,
        }
        bundle = {"publisher": publisher, "attestations": [item.statement.attestation(self.log, item.size)]}
        return {"version": 1, "attestation_bundles": [bundle]}


def _check_pypi(scenario: Scenario) -> None:
    """Refuse what cannot be on this index: it takes attestations from trusted publishers only, and no tarballs."""
    rows = [*scenario.release, *expand_background(scenario)]
    for row in rows:
        if row.door == "token-attested" or "tarball" in row.files:
            what = "token-attested" if row.door == "token-attested" else "tarball"
            raise LabError(f"{scenario.id}: {row.version}: {what} does not exist on PyPI")


def build_world(scenario: Scenario | str | Path, commits: Mapping[str, str] | None = None) -> World:
    """Build the world of a scenario, given as such, by path, or by id.

    ``commits`` maps versions to commit ids that certificates name in place of those of the world's own repository.
    """
    return World(scenario if isinstance(scenario, Scenario) else load_scenario(scenario), commits)

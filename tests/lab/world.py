"""A scenario made real: keys, certificates, log, index and advisories, seen through a clock.

A world is built once, with its whole history; :meth:`World.at` shows what existed at a moment. Keys are fresh
in every world; artifacts, times, run ids and commits depend on the scenario alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import semver
from packaging.version import InvalidVersion, Version

from tests.lab.artifacts import Artifact, build_artifacts
from tests.lab.attest import SignedStatement
from tests.lab.claims import Claims
from tests.lab.errors import LabError
from tests.lab.git_history import git_history
from tests.lab.notary import Notary
from tests.lab.npm_registry import RegistryView
from tests.lab.npm_statements import PUBLISH, SLSA_V02, SLSA_V1
from tests.lab.osv import AdvisoryView
from tests.lab.packages import Package, plan_packages
from tests.lab.pki import Signer
from tests.lab.plan import PlannedEntry, PlannedRelease, expand_background, plan_entries, plan_releases
from tests.lab.pypi import IndexView
from tests.lab.rekor import RekorLog
from tests.lab.scenario import Scenario, load_scenario
from tests.lab.signing import Job, Signed, Statement, run
from tests.lab.store import StoredFile, build_journal
from tests.lab.trust import write_trusted_root


@dataclass(frozen=True)
class Snapshot:
    """What the world's sources hold at one moment. ``others``: the index's other projects, by normalised name."""

    moment: datetime
    index: IndexView
    osv: AdvisoryView
    log: RekorLog
    log_size: int
    registry: RegistryView
    others: Mapping[str, IndexView] = field(default_factory=dict)

    def stored_at(self, path: str) -> StoredFile | None:
        """A file of the file store, whatever the index, by its path below ``/packages/``."""
        found = (view.stored_at(path) for view in (self.index, *self.others.values()))
        return next((stored for stored in found if stored is not None), None) or self.registry.stored_at(path)


@dataclass(frozen=True)
class _Made:
    """An artifact and whose it is."""

    package: Package
    release: PlannedRelease
    artifact: Artifact
    order: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from all others."""
        return self.package.name, self.release.version, self.artifact.filename

    @property
    def subject(self) -> tuple[str, str, str]:
        """Name, version and SHA-512 in hex, as npm's statements have them."""
        return self.package.name, self.release.version, hashlib.sha512(self.artifact.data).hexdigest()


class World:
    """Everything that exists, and when. Use :func:`build_world` to make one."""

    def __init__(self, scenario: Scenario, commits: Mapping[str, str] | None = None) -> None:
        _check(scenario)
        self.scenario = scenario
        self.git = git_history(scenario, plan_releases(scenario))
        self.releases = plan_releases(scenario, self.git.commits if commits is None else commits)
        self.packages = plan_packages(scenario, self.releases)
        self._realise()

    def _realise(self) -> None:
        """Sign everything that the packages hold in order of time, and upload it."""
        self.notary = Notary(self.scenario)
        self.authority, self.log = self.notary.authority, self.notary.log
        self.trusted_root = self.notary.trusted_root()
        made = [
            _Made(package, release, artifact, order)
            for package in self.packages
            for release in package.releases
            for order, artifact in enumerate(build_artifacts(package.scenario, release))
        ]
        self.signed: list[Signed] = run(self.log, [*self._jobs(made), *self._entry_jobs(made)], self.scenario.id)
        self.uploads = self._upload(made)
        self.files = self.uploads[self.scenario.project]
        self.journal = build_journal(self.scenario.project, self.releases, self.files)

    def at(self, moment: datetime) -> Snapshot:
        """What every source holds at a moment."""
        osv = AdvisoryView(self.scenario, self.releases, moment)
        on_pypi = self.scenario.ecosystem == "pypi"
        views = [self._index(package, osv, moment) for package in self.packages]
        return Snapshot(
            moment,
            views[0],
            osv,
            self.log,
            self.log.size_at(moment),
            RegistryView(() if on_pypi else self.packages, self.uploads, self.notary.keys, moment),
            {view.name: view for view in views[1:]},
        )

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
        """Every attestation of the project as a Sigstore bundle, by file name or log-only subject.

        For npm the provenance goes by the tarball's name, the publish attestation by that name and ``.publish``.
        """
        own = [item for item in self.signed if item.package == self.scenario.project]
        return {item.filename: item.statement.bundle(self.log, item.size) for item in own}

    def write_trusted_root(self, directory: Path) -> Path:
        """Write ``trusted_root.json`` into a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        return write_trusted_root(self.trusted_root, directory / "trusted_root.json")

    def _index(self, package: Package, osv: AdvisoryView, moment: datetime) -> IndexView:
        """The package index's view of a package; of none where the ecosystem has another registry."""
        on_pypi, own = self.scenario.ecosystem == "pypi", package is self.packages[0]
        releases, files = (package.releases, self.uploads[package.name]) if on_pypi else ((), [])
        journal = self.journal if own else build_journal(package.name, releases, files)
        return IndexView(package.scenario, releases, files, journal, osv.records() if own else [], moment)

    def _jobs(self, made: list[_Made]) -> list[Job]:
        """A signature for every attested file, and for npm the registry's own about it."""
        signers: dict[tuple[str, str], Signer] = {}
        jobs: list[Job] = []
        attested = [item for item in made if item.artifact.kind in item.release.attested]
        counts: dict[tuple[str, str], int] = {}
        for item in attested:
            whose = item.package.name, item.release.version
            order = counts[whose] = counts.get(whose, -1) + 1
            name, moment = item.artifact.filename, item.release.signed + timedelta(seconds=order)
            jobs.append(Job(moment, order, item.release, name, item.package.name, self._signer(item, moment, signers)))
            if self.scenario.ecosystem == "npm":
                accepted = max(moment, item.release.published.replace(microsecond=0))
                registry = self._registry_signer(item, accepted)
                jobs.append(Job(accepted, order + 1, item.release, f"{name}.publish", item.package.name, registry))
        return jobs

    def _signer(self, item: _Made, moment: datetime, signers: dict[tuple[str, str], Signer]) -> Callable[[], Statement]:
        """One signature; the files of a release are signed with one certificate, as the upload action does."""

        def make() -> Statement:
            whose = item.package.name, item.release.version
            if whose not in signers:
                signers[whose] = self.authority.issue(item.release.claims, item.release.signed)
            return self._sign(signers[whose], item.release.claims, item, moment)

        return make

    def _sign(self, signer: Signer, claims: Claims, item: _Made, moment: datetime) -> Statement:
        if self.scenario.ecosystem == "npm":
            return self.notary.version(signer, claims, item.subject, moment)
        return self.notary.file(signer, claims, item.artifact.filename, item.artifact.data, moment)

    def _registry_signer(self, item: _Made, moment: datetime) -> Callable[[], Statement]:
        return lambda: self.notary.accepted(item.subject, moment)

    def _entry_jobs(self, made: list[_Made]) -> list[Job]:
        """The ``[[log_only]]`` entries. One that names an unattested file of the index is about this file's bytes."""
        own = {item.artifact.filename: item for item in made if item.package is self.packages[0]}
        by_version = {item.release.version: item for item in own.values()}
        jobs: list[Job] = []
        for entry in plan_entries(self.scenario, self.releases):
            named = own.get(entry.row.subject)
            if self.scenario.ecosystem == "npm":
                named = by_version.get(entry.version)
            known = named if named and named.artifact.kind not in named.release.attested else None
            make = self._entry_signer(entry, known)
            jobs.append(Job(entry.row.signed, 0, None, entry.row.subject, self.scenario.project, make))
        return jobs

    def _entry_signer(self, entry: PlannedEntry, known: _Made | None) -> Callable[[], Statement]:
        def make() -> Statement:
            moment, name = entry.row.signed, entry.row.subject
            data = known.artifact.data if known else f"{self.scenario.id}\0{name}".encode()
            signer = self.authority.issue(entry.claims, moment)
            if self.scenario.ecosystem == "pypi":
                return self.notary.file(signer, entry.claims, name, data, moment, served=False)
            subject = self.scenario.project, entry.version, hashlib.sha512(data).hexdigest()
            return self.notary.version(signer, entry.claims, subject, moment)

        return make

    def _upload(self, made: list[_Made]) -> dict[str, list[StoredFile]]:
        """Upload all files: a release's first at its publication time, each further one a second later."""
        signed = {(item.package, item.release.version, item.filename): item for item in self.signed if item.release}
        uploads: dict[str, list[StoredFile]] = {package.name: [] for package in self.packages}
        for item in made:
            uploaded = item.release.published + timedelta(seconds=item.order)
            found = signed.get(item.key)
            provenance = None
            if found is not None and self.scenario.ecosystem == "npm":
                name, version, filename = item.key
                provenance = self._attestations(found, signed[name, version, f"{filename}.publish"])
            elif found is not None:
                provenance = self._provenance(item.release, found)
            uploads[item.package.name].append(StoredFile(item.release, item.artifact, uploaded, provenance))
        return uploads

    def _attestations(self, provenance: Signed, publish: Signed) -> dict[str, Any]:
        """The body of npm's attestations endpoint."""
        built = SLSA_V1 if SLSA_V1.encode() in provenance.statement.statement else SLSA_V02
        return {
            "attestations": [
                {"predicateType": PUBLISH, "bundle": publish.statement.bundle(self.log, publish.size)},
                {"predicateType": built, "bundle": provenance.statement.bundle(self.log, provenance.size)},
            ]
        }

    def _provenance(self, release: PlannedRelease, item: Signed) -> dict[str, Any]:
        """The PEP 740 provenance object: the publisher that the index had configured, and the attestation."""
        assert isinstance(item.statement, SignedStatement)
        claims = release.claims
        publisher = {
            "kind": "GitLab" if claims.gitlab else "GitHub",
            "repository": claims.slug,
            **(
                {"workflow_filepath": claims.config}
                if claims.gitlab
                else {"workflow": PurePosixPath(claims.config).name}
            ),
            "environment": claims.environment or None,
            "claims": None,
        }
        bundle = {"publisher": publisher, "attestations": [item.statement.attestation(self.log, item.size)]}
        return {"version": 1, "attestation_bundles": [bundle]}


def _check(scenario: Scenario) -> None:
    """Refuse what cannot be on the scenario's index.

    PyPI takes attestations from trusted publishers only and knows neither tarballs nor install hooks; npm has one
    tarball a version.
    """
    index = "PyPI" if scenario.ecosystem == "pypi" else "npm"
    for row in [*scenario.release, *expand_background(scenario)]:
        wrong = ""
        if not _numbered(row.version, index):
            wrong = "a version of this form"
        elif index == "npm":
            wrong = "" if row.files == ("tarball",) else f"files = {list(row.files)}"
        elif row.door == "token-attested" or "tarball" in row.files:
            wrong = "token-attested" if row.door == "token-attested" else "tarball"
        elif row.content.install_hook:
            wrong = f"the hook {row.content.install_hook}"
        if wrong:
            raise LabError(f"{scenario.id}: {row.version}: {wrong} does not exist on {index}")


def _numbered(version: str, index: str) -> bool:
    """Whether the index takes the version: npm by SemVer 2.0.0, PyPI by PEP 440 without a local label."""
    if index == "npm":
        return semver.Version.is_valid(version)
    try:
        return Version(version).local is None
    except InvalidVersion:
        return False


def build_world(scenario: Scenario | str | Path, commits: Mapping[str, str] | None = None) -> World:
    """Build the world of a scenario, given as such, by path, or by id.

    ``commits`` maps versions to commit ids that certificates name in place of those of the world's own repository.
    """
    return World(scenario if isinstance(scenario, Scenario) else load_scenario(scenario), commits)

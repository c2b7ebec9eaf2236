"""Releases, their files, and the whole history of a project as one case knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from forensics.model.attestation import Attestation, RegistrySignature
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.ci import CiRun, CurrentName, RunRef
from forensics.model.contents import NO_CONTENTS, Contents
from forensics.model.event import Event, TimeKind
from forensics.model.identity import Identity
from forensics.model.journal import NO_ACCOUNTS, NO_JOURNAL, Journal, Member
from forensics.model.log import LogOnly
from forensics.model.neighbours import NO_FLEET, Fleet
from forensics.model.opinion import NO_OPINION, Opinion
from forensics.model.project import Project
from forensics.model.publication import NO_PUBLICATION, Publication
from forensics.model.source import NO_SOURCE, SourceFacts, SourceHistory
from forensics.model.versions import VersionRules


class Door(StrEnum):
    """How a release came into the index (`unknown` is a value: absence of an attestation proves no token)."""

    TRUSTED_ATTESTED = "trusted-attested"
    TRUSTED_UNATTESTED = "trusted-unattested"
    TOKEN_ATTESTED = "token-attested"
    TOKEN = "token"
    FOREIGN_ATTESTED = "foreign-attested"
    UNKNOWN = "unknown"


class ProjectStatus(StrEnum):
    """PEP 792 project status, and `unknown` where no answer stated one."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DEPRECATED = "deprecated"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a release. `provenance` holds the attestations (an empty tuple: observed to be absent).

    Digests are lower-case hex. npm states SHA-512; SHA-256 is then known where the bytes are. `vanished` are
    attestations of it that an earlier case or the log holds and that its index no longer serves.
    """

    filename: str
    kind: str
    sha256: str | None
    size: int | None
    uploaded_at: datetime | None
    listed: bool
    provenance: Outcome[tuple[Attestation, ...]]
    path: str | None = None
    upload_client: str | None = None
    evidence: tuple[str, ...] = ()
    contents: Outcome[Contents] = NO_CONTENTS
    sha512: str | None = None
    vanished: tuple[Attestation, ...] = ()

    @property
    def digest(self) -> str | None:
        """The digest that the index states, and that logs are searched by: SHA-512 on npm, SHA-256 elsewhere."""
        return self.sha512 or self.sha256

    @property
    def sort(self) -> str:
        """The kind, and of wheels whether they are for one platform, as compiled ones are (PEP 425)."""
        return "platform wheel" if self.kind == "wheel" and not self.filename.endswith("-any.whl") else self.kind

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """The attestations that were observed; empty both for none and for not observed."""
        return self.provenance.value if isinstance(self.provenance, Checked) else ()

    @property
    def attested(self) -> bool | None:
        """True, False, or None where nobody knows."""
        return bool(self.provenance.value) if isinstance(self.provenance, Checked) else None


@dataclass(frozen=True, slots=True)
class Mention:
    """Another source than the index that names a release: a lead, an export, an advisory, a fact added by hand."""

    source: str
    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """One version. `published` is the first upload; `removed` is a time, or why there is none.

    `listed` is False when the index no longer shows it and another source names it, None when the index could not
    be asked. `runs` are the CI runs that its certificates name, `opinion` what deps.dev says.
    """

    version: str
    published: datetime | None
    published_by: str
    artifacts: tuple[Artifact, ...]
    listed: bool | None
    removed: Outcome[datetime | None]
    yanked: bool = False
    yanked_reason: str | None = None
    mentions: tuple[Mention, ...] = ()
    evidence: tuple[str, ...] = ()
    source: Outcome[SourceFacts] = NO_SOURCE
    publication: Outcome[Publication] = NO_PUBLICATION
    runs: tuple[tuple[RunRef, Outcome[CiRun]], ...] = ()
    opinion: Outcome[Opinion] = NO_OPINION

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """All attestations of all files."""
        return tuple(a for artifact in self.artifacts for a in artifact.attestations)

    @property
    def identities(self) -> tuple[Identity, ...]:
        """The distinct identities that signed, in order of appearance."""
        seen: dict[Identity, None] = {}
        for attestation in self.attestations:
            if attestation.identity is not None:
                seen.setdefault(attestation.identity, None)
        return tuple(seen)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of versions from `introduced` on (None: from the first), before `fixed` or up to `last`."""

    introduced: str | None
    fixed: str | None = None
    last: str | None = None

    def holds(self, version: str, rules: VersionRules) -> bool:
        """Return whether *version* lies in it, by the order of *rules*."""
        at = rules.key(version)
        if not at[0] or (self.introduced is not None and at < rules.key(self.introduced)):
            return False
        if self.fixed is not None:
            return at < rules.key(self.fixed)
        return self.last is None or at <= rules.key(self.last)


@dataclass(frozen=True, slots=True)
class Advisory:
    """An advisory record on this project. `malicious` by id, type or CWE-506.

    `versions` are the versions it enumerates; `ranged` says that it states ranges too, from which such lists are
    usually derived; `affects_all` a range from the beginning without an end. `spans` are the ranges.
    `indicators` are what it says to look for, as (domain, url or ip) and value.
    `reports` say who reported it when.
    """

    id: str
    aliases: tuple[str, ...]
    summary: str
    published: datetime | None
    modified: datetime | None
    withdrawn: datetime | None
    versions: tuple[str, ...]
    malicious: bool
    url: str | None = None
    evidence: tuple[str, ...] = ()
    affects_all: bool = False
    ranged: bool = False
    spans: tuple[Span, ...] = ()
    indicators: tuple[tuple[str, str], ...] = ()
    reports: tuple[tuple[str, datetime], ...] = ()

    def covers(self, version: str, rules: VersionRules) -> bool:
        """Return whether *version* lies in one of the ranges."""
        return any(span.holds(version, rules) for span in self.spans)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How one source did: asked for what, how many answers, how many failures, and in which words it was missed."""

    source: str
    asked: int
    answered: int
    problem: str | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Everything a case knows about one project, before any judgement. Releases in order of publication.

    `repository` is its source repository as a whole; what that says of one release stands with the release. `tags` are
    named versions of the index (npm's dist-tags), by name. `dependency_ages` are first publications of newly required
    packages, `fleet` what the project's accounts published elsewhere. `earlier_cases` names imported cases.

    `unasked` says why the index could not be asked, if so. `log_only` are entries of the project in a transparency log
    that belong to no release that anybody names. `journal` is what the index's journal says as far as it was read,
    `members` who has a role in the project; `told` are dated things that neither a release nor an advisory holds.
    `names` is what the ids of certificates are called today.
    """

    project: Project
    status: ProjectStatus
    releases: tuple[Release, ...]
    advisories: Outcome[tuple[Advisory, ...]]
    latest: str | None
    collected_at: datetime
    sources: tuple[SourceStatus, ...] = ()
    not_checked: tuple[tuple[str, NotChecked], ...] = ()
    contradictions: tuple[Contradiction, ...] = field(default=())
    registry_signatures: tuple[RegistrySignature, ...] = ()
    log_only: tuple[LogOnly, ...] = ()
    unasked: NotChecked | None = None
    journal: Outcome[Journal] = NO_JOURNAL
    members: Outcome[tuple[Member, ...]] = NO_ACCOUNTS
    told: tuple[Event, ...] = ()
    names: tuple[Outcome[CurrentName], ...] = ()
    repository: Outcome[SourceHistory] = NO_SOURCE
    tags: tuple[tuple[str, str], ...] = ()
    dependency_ages: Mapping[str, Outcome[datetime]] = field(default_factory=dict)
    fleet: Outcome[Fleet] = NO_FLEET
    earlier_cases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The same fact from two sources that differ, with both observations; `at`, `kind`: the time that it is about."""

    version: str
    about: str
    first: str
    second: str
    evidence: tuple[str, ...]
    at: datetime | None = None
    kind: TimeKind | None = None

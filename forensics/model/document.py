"""The document: what an analysis concludes, as plain JSON types. `--json`, HTML, Markdown and terminal all show it.

Schema `forensics/timeline/1`. Times are RFC 3339 UTC strings; every list is in a fixed order; `evidence` holds
observation ids. A renderer adds no fact of its own.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from forensics.model.document_parts import ComparisonDoc, GraphDoc
from forensics.model.witness_document import (
    AccountDoc,
    ContradictionDoc,
    JournalDoc,
    NameDoc,
    OpinionDoc,
    RunDoc,
)

SCHEMA = "forensics/timeline/1"


class SentenceDoc(TypedDict):
    """A conclusion in plain words, with what it rests on."""

    text: str
    evidence: list[str]


class ProjectDoc(TypedDict):
    """The project asked about. `repository` is `owner/name` where a certificate names it."""

    ecosystem: str
    name: str
    purl: str
    status: str
    latest: str | None
    repository: str | None
    repository_url: str | None


class TrustRootDoc(TypedDict):
    """The trust root in force: SHA-256 of its file, its name, and who vouches for it."""

    sha256: str
    name: str
    vouched_by: str


class CaseDoc(TypedDict):
    """Where the evidence is from. `reconstruction` is set for cases that a test lab made; `label` says so in words."""

    id: str
    reconstruction: bool
    label: str | None
    collected_at: str
    complete: bool
    problems: list[str]
    tool: str
    endpoints: dict[str, str]
    trust_root: TrustRootDoc
    observations: int


class CheckDoc(TypedDict):
    """One step of a verification; `result` is pass, fail or not checked."""

    name: str
    result: str
    detail: str


class AttestationDoc(TypedDict):
    """One attestation. `label` is the question it answers: who uploaded it, how it was built.

    `recovered`: the index does not give it; it was rebuilt from its entry in the log.
    """

    digest: str
    label: str
    predicate_type: str
    status: str
    signed_at: str | None
    signed_at_kind: str
    log_id: str | None
    log_index: int | None
    log_origin: str | None
    publisher: dict[str, str | None] | None
    identity: dict[str, str] | None
    recovered: bool
    checks: list[CheckDoc]
    evidence: list[str]


class LogRecordDoc(TypedDict):
    """One log entry with every step of its verification; `integrated_at` only where the log's signature holds."""

    index: int
    uuid: str
    tree_id: str | None
    kind: str
    log_id: str
    log_origin: str | None
    tree_size: int | None
    integrated_at: str | None
    verified: bool
    identity: dict[str, str] | None
    payload_hash: str | None
    artifacts: list[str]
    checks: list[CheckDoc]
    evidence: list[str]


class LogOnlyDoc(TypedDict):
    """A verified entry of the project's own signers whose run belongs to no listed and no named release.

    `filename` and `version` are null where its statement cannot be rebuilt; then it belongs to no release here.
    """

    severity: str
    filename: str | None
    version: str | None
    text: str
    record: LogRecordDoc
    evidence: list[str]


class FileDoc(TypedDict):
    """One file, its digests in hex (npm states SHA-512).

    `provenance` is attested, absent or not observed; the reason stands beside it.
    """

    filename: str
    kind: str
    sha256: str | None
    sha512: str | None
    size: int | None
    uploaded_at: str | None
    listed: bool
    upload_client: str | None
    provenance: Literal["attested", "absent", "not observed"]
    provenance_reason: str
    attestations: list[AttestationDoc]
    evidence: list[str]


class SignalDoc(TypedDict):
    """One signal that fired. `lowered` says why its severity is below the catalogue's, if it is."""

    id: str
    title: str
    family: str
    severity: str
    confidence: str
    observed: str
    expected: str
    benign_if: list[str]
    note: str
    at_publish: bool
    evidence: list[str]


class UncheckedDoc(TypedDict):
    """Something that could not be checked, why, and what would tell. `subject`: a version, a file or `project`."""

    subject: str
    what: str
    reason: str
    needs: str
    evidence: list[str]


class ClaimDiffDoc(TypedDict):
    """One certificate claim of two releases side by side; `change` is same, changed, added, removed or expected.

    `expected` marks claims that differ with every release: commit, run, digest, times.
    """

    claim: str
    label: str
    before: str | None
    after: str | None
    change: Literal["same", "changed", "added", "removed", "expected"]


class IdentityDiffDoc(TypedDict):
    """A release's identity against an earlier one. `rows` is empty, with a reason, where one side has none."""

    before: str
    after: str
    rows: list[ClaimDiffDoc]
    reason: str
    evidence: list[str]


class ExposureDoc(TypedDict):
    """From when to when it could be installed. `end` null: open-ended, because `end_reason`."""

    start: str | None
    end: str | None
    seconds: int | None
    start_source: str
    end_source: str
    end_reason: str


class MentionDoc(TypedDict):
    """Another source than the index that names the release."""

    source: str
    text: str
    evidence: list[str]


class PublicationDoc(TypedDict):
    """What the index states about how a release was published; none of it is signed.

    `account` null: who published was not observed, `reason` says why. `hooks` are `name: command`. Sizes in bytes.
    """

    account: str | None
    email: str | None
    trusted_publisher: str | None
    approver: str | None
    reason: str
    client: str | None
    runtime: str | None
    git_head: str | None
    hooks: list[str]
    unpacked_size: int | None
    file_count: int | None
    deprecated: str | None
    evidence: list[str]


class ReleaseDoc(TypedDict):
    """One release and the judgement on it. `listed` null: the index could not be asked.

    `publication` null: the index does not state how versions are published, or does not any more.
    """

    version: str
    line: str
    predecessor: str | None
    published: str | None
    published_kind: str
    removed: str | None
    removed_kind: str
    removed_reason: str
    listed: bool | None
    yanked: bool
    yanked_reason: str | None
    door: str
    publication: PublicationDoc | None
    verdict: str
    at_publish: str
    at_publish_is_lower_bound: bool
    reasons: list[str]
    signals: list[SignalDoc]
    not_checked: list[UncheckedDoc]
    identity: dict[str, str] | None
    identity_diff: IdentityDiffDoc | None
    comparison: ComparisonDoc | None
    exposure: ExposureDoc | None
    files: list[FileDoc]
    mentions: list[MentionDoc]
    runs: list[RunDoc]
    second_opinion: OpinionDoc | None
    second_opinion_reason: str
    evidence: list[str]


class NeighbourDoc(TypedDict):
    """The release before or after a wave, with how many signals could not be checked for it."""

    version: str
    verdict: str
    not_checked: int


class WaveDoc(TypedDict):
    """Consecutive flagged releases of one line."""

    line: str
    releases: list[str]
    verdict: str
    last_good: NeighbourDoc | None
    first_good: NeighbourDoc | None
    exposure: ExposureDoc
    evidence: list[str]


class GapDoc(TypedDict):
    """Version numbers missing between two existing ones: leads to look up, not findings."""

    line: str
    missing: list[str]
    after: str
    before: str
    text: str


class InstallableDoc(TypedDict):
    """A flagged release that can still be installed: listed, yanked (still installable by pin), or under a tag."""

    version: str
    verdict: str
    how: list[str]
    evidence: list[str]


class EventDoc(TypedDict):
    """One thing that happened. `kind` says whose word the time is; `lane` where it stands on the picture."""

    at: str
    kind: str
    lane: str
    what: str
    version: str | None
    subject: str | None
    detail: str
    evidence: list[str]


class PublisherDoc(TypedDict):
    """One signing identity over the history: from which version to which, how many releases."""

    identity: dict[str, str]
    first_version: str
    last_version: str
    versions: list[str]
    changed: list[str]


class IndicatorDoc(TypedDict):
    """What an advisory says to look for: domain, url or ip."""

    type: str
    value: str


class AdvisoryDoc(TypedDict):
    """One advisory record. `indicators` are what it says to look for."""

    id: str
    aliases: list[str]
    summary: str
    published: str | None
    withdrawn: str | None
    malicious: bool
    versions: list[str]
    indicators: list[IndicatorDoc]
    evidence: list[str]


class SourceDoc(TypedDict):
    """How one source did."""

    source: str
    asked: int
    answered: int
    problem: str | None
    evidence: list[str]


class ObservationDoc(TypedDict):
    """One exchange or imported file: what was asked, when, what came back."""

    id: str
    method: str
    url: str
    at: str
    status: int | None
    sha256: str | None
    size: int
    media_type: str
    problem: str | None


class SectionDoc(TypedDict):
    """A part of the report whose source this case did not collect."""

    section: str
    reason: str


class Document(TypedDict):
    """The whole analysis of one project from one case."""

    schema: str
    project: ProjectDoc
    case: CaseDoc
    verdict: str
    exit_code: int
    headline: str
    sentences: list[SentenceDoc]
    releases: list[ReleaseDoc]
    waves: list[WaveDoc]
    gaps: list[GapDoc]
    log_only: list[LogOnlyDoc]
    installable_now: list[InstallableDoc]
    installable_checked: bool
    publishers: list[PublisherDoc]
    advisories: list[AdvisoryDoc]
    events: list[EventDoc]
    sources: list[SourceDoc]
    accounts: list[AccountDoc]
    current_names: list[NameDoc]
    journal: JournalDoc
    contradictions: list[ContradictionDoc]
    not_checked: list[UncheckedDoc]
    not_collected: list[SectionDoc]
    drift: list[SentenceDoc]
    observations: list[ObservationDoc]
    method: list[str]
    options: dict[str, Any]
    graph: GraphDoc

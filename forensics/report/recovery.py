"""What the log alone proves about one release: schema `forensics/recover/1`. Words are put on facts; none is added."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from forensics.investigation import Analysis
from forensics.model.attestation import Attestation
from forensics.model.checked import NotChecked
from forensics.model.document import AttestationDoc, LogOnlyDoc, LogRecordDoc
from forensics.model.errors import NoSuchVersion
from forensics.model.release import Artifact, Release
from forensics.model.versions import rules_of
from forensics.report.build_log import log_only_doc, record_doc
from forensics.report.build_release import attestation_doc
from forensics.report.build_witness import time_or_none
from forensics.timeline.logged import Logged

SCHEMA = "forensics/recover/1"
UNSOUND_EXIT = 4


class RecoveredFileDoc(TypedDict):
    """One file. `outcome`: recovered (from the log), attested (the index still serves it), invalid (the log's answer
    does not verify), absent (a best-effort search found nothing, under positive control) or not known.

    `entries` are all log entries found for its digest, rebuilt or not.
    """

    filename: str
    sha256: str | None
    sha512: str | None
    outcome: str
    reason: str
    attestations: list[AttestationDoc]
    entries: list[LogRecordDoc]
    evidence: list[str]


class LooseDoc(TypedDict):
    """A digest that somebody published without a file name, and why it has none still."""

    sha256: str
    reason: str


class RecoveryDoc(TypedDict):
    """What is provable about one release."""

    schema: str
    project: str
    version: str
    case: str
    label: str | None
    trust_root: str
    listed: bool | None
    published: str | None
    removed: str | None
    files: list[RecoveredFileDoc]
    unattributed: list[LooseDoc]
    log_only: list[LogOnlyDoc]
    exit_code: int


def recovery_doc(analysis: Analysis, version: str) -> RecoveryDoc:
    """Return what the case's log answers prove about *version*. Exit code 4 when one of them does not verify.

    Raises NoSuchVersion when nobody names the version and the log alone knows no run either.
    """
    logged = analysis.logged or Logged()
    release = _release(analysis, version, bool(logged.log_only))
    files = [_file(a, logged) for a in release.artifacts] if release else []
    bad = any(f["outcome"] == "invalid" or any(_failed(e) for e in f["entries"]) for f in files)
    return {
        "schema": SCHEMA,
        "project": str(analysis.project),
        "version": release.version if release else version,
        "case": analysis.case.id,
        "label": analysis.case.reconstruction,
        "trust_root": analysis.case.trust_root_name,
        # Of a version that nobody names: an index that was asked does not list it.
        "listed": release.listed if release else None if analysis.history.unasked else False,
        "published": time_or_none(release.published) if release else None,
        "removed": time_or_none(_removed(release)) if release else None,
        "files": files,
        "unattributed": [{"sha256": sha256, "reason": reason} for sha256, reason in logged.unattributed],
        "log_only": [log_only_doc(entry) for entry in logged.log_only],
        "exit_code": UNSOUND_EXIT if bad else 0,
    }


def never_asked(analysis: Analysis, version: str) -> bool:
    """Return whether a file of *version* was named after the log had been asked, so that asking again would tell."""
    logged = analysis.logged or Logged()
    rules = rules_of(analysis.project.ecosystem)
    wanted = rules.canonical(version)
    files = [
        a for r in analysis.history.releases if rules.canonical(r.version) == wanted
        for a in r.artifacts
    ]  # fmt: skip
    outcomes = [logged.of(a.filename, a.digest) for a in files if not a.listed and a.digest]
    return any(isinstance(o, NotChecked) and not o.evidence for o in outcomes)


def _release(analysis: Analysis, version: str, anything_else: bool) -> Release | None:
    try:
        return analysis.assessment(version).release
    except NoSuchVersion as error:
        if anything_else:
            return None
        error.advice = "Name its files with --hash FILE=DIGEST, or bring an export with `forensics case import`."
        raise


def _file(artifact: Artifact, logged: Logged) -> RecoveredFileDoc:
    provenance, pair = artifact.provenance, (artifact.filename, artifact.digest or "")
    unsound = logged.invalid.get(pair, ())
    if isinstance(provenance, NotChecked):
        outcome, reason = ("invalid" if unsound else "not known"), provenance.reason
    elif provenance.value:
        outcome, reason = ("recovered" if all(a.recovered for a in provenance.value) else "attested"), ""
    else:
        outcome, reason = "absent", provenance.caveat
    if not artifact.digest:
        reason = "no source states its digest, and without it nothing can be looked up"
    attestations: tuple[Attestation, ...] = artifact.attestations or unsound
    return {
        "filename": artifact.filename,
        "sha256": artifact.sha256,
        "sha512": artifact.sha512,
        "outcome": outcome,
        "reason": reason,
        "attestations": [attestation_doc(a) for a in attestations],
        "entries": [record_doc(r) for r in logged.records.get(artifact.digest or "", ())],
        "evidence": list(dict.fromkeys((*artifact.evidence, *provenance.evidence))),
    }


def _failed(entry: LogRecordDoc) -> bool:
    return any(check["result"] == "fail" for check in entry["checks"])


def _removed(release: Release) -> datetime | None:
    return None if isinstance(release.removed, NotChecked) else release.removed.value

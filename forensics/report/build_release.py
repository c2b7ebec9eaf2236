"""One release of an analysis, in the words and shapes of the document."""

from __future__ import annotations

from collections.abc import Mapping

from forensics.attestation.statement import label_of_predicate
from forensics.compare.beside import Beside
from forensics.compare.releases import IdentityComparison, compare_identities
from forensics.model.attestation import Attestation
from forensics.model.checked import Checked, NotChecked
from forensics.model.document import (
    AttestationDoc,
    ExposureDoc,
    FileDoc,
    IdentityDiffDoc,
    PublicationDoc,
    ReleaseDoc,
    SignalDoc,
    UncheckedDoc,
)
from forensics.model.finding import Assessment, Exposure, Finding, Unchecked
from forensics.model.release import Artifact, Release
from forensics.report.build_compare import comparison_doc
from forensics.report.build_witness import opinion_doc, run_docs, time_or_none
from forensics.signals.waves import exposure_of
from forensics.timeline.events import removal_statement


def release_doc(
    assessment: Assessment, by_version: dict[str, Assessment], titles: dict[str, str], compared: Mapping[str, Beside]
) -> ReleaseDoc:
    """Return one release of the document; *titles* are of signals, *by_version* all assessments."""
    release = assessment.release
    removed = release.removed
    flagged = assessment.verdict.flagged
    earlier = by_version.get(assessment.predecessor or "")
    return {
        "version": release.version,
        "line": assessment.line,
        "predecessor": assessment.predecessor,
        "published": time_or_none(release.published),
        "published_kind": release.published_by,
        "removed": time_or_none(removed.value) if isinstance(removed, Checked) else None,
        "removed_kind": _removed_kind(release),
        "removed_reason": removed.reason if isinstance(removed, NotChecked) else "",
        "listed": release.listed,
        "yanked": release.yanked,
        "yanked_reason": release.yanked_reason,
        "door": assessment.door.value,
        "publication": _publication(release),
        "verdict": assessment.verdict.value,
        "at_publish": assessment.at_publish.value,
        "at_publish_is_lower_bound": bool(assessment.not_checked),
        "reasons": [*assessment.reasons],
        "signals": [_signal(f, titles) for f in assessment.findings],
        "not_checked": [_unchecked(release.version, u) for u in assessment.not_checked],
        "identity": release.identities[0].claims() if release.identities else None,
        "identity_diff": _identity_diff(compare_identities(earlier.release, release)) if flagged and earlier else None,
        "comparison": comparison_doc(compared[release.version]) if release.version in compared else None,
        "exposure": exposure_doc(exposure_of(assessment)) if flagged else None,
        "files": [_file(a) for a in release.artifacts],
        "mentions": [{"source": m.source, "text": m.text, "evidence": [*m.evidence]} for m in release.mentions],
        "runs": run_docs(release),
        "second_opinion": opinion_doc(release.opinion),
        "second_opinion_reason": release.opinion.reason if isinstance(release.opinion, NotChecked) else "",
        "evidence": [*release.evidence],
    }


def _publication(release: Release) -> PublicationDoc | None:
    if isinstance(release.publication, NotChecked):
        return None
    stated = release.publication.value
    uploader = stated.uploader.value if isinstance(stated.uploader, Checked) else None
    return {
        "account": uploader.account.name if uploader else None,
        "email": uploader.account.email if uploader else None,
        "trusted_publisher": uploader.trusted_publisher if uploader else None,
        "approver": str(uploader.approver) if uploader and uploader.approver else None,
        "reason": stated.uploader.reason if isinstance(stated.uploader, NotChecked) else "",
        "client": stated.client,
        "runtime": stated.runtime,
        "git_head": stated.git_head,
        "hooks": [f"{name}: {command}" for name, command in stated.hooks],
        "unpacked_size": stated.unpacked_size,
        "file_count": stated.file_count,
        "deprecated": stated.deprecated,
        "evidence": [*release.publication.evidence],
    }


def _removed_kind(release: Release) -> str:
    statement = removal_statement(release)
    return f"{statement[0].value}: {statement[1]}" if statement else ""


def _signal(finding: Finding, titles: dict[str, str]) -> SignalDoc:
    return {
        "id": finding.signal,
        "title": titles.get(finding.signal, finding.signal),
        "family": finding.family.value,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "observed": finding.observed,
        "expected": finding.expected,
        "benign_if": [*finding.benign_if],
        "note": finding.note,
        "at_publish": finding.knowable_at_publish,
        "evidence": [*finding.evidence],
    }


def _unchecked(version: str, unchecked: Unchecked) -> UncheckedDoc:
    outcome = unchecked.outcome
    return {
        "subject": version,
        "what": unchecked.signal,
        "reason": outcome.reason,
        "needs": outcome.needs,
        "evidence": [*outcome.evidence],
    }


def _identity_diff(comparison: IdentityComparison) -> IdentityDiffDoc:
    return {
        "before": comparison.before,
        "after": comparison.after,
        "rows": [
            {
                "claim": row.claim,
                "label": row.label,
                "before": row.before,
                "after": row.after,
                "change": row.change.value,
            }
            for row in comparison.rows
        ],
        "reason": comparison.reason,
        "evidence": [*comparison.evidence],
    }


def exposure_doc(exposure: Exposure) -> ExposureDoc:
    """Return an exposure of the document."""
    seconds: int | None = None
    if exposure.start is not None and exposure.end is not None:
        seconds = int((exposure.end - exposure.start).total_seconds())
    return {
        "start": time_or_none(exposure.start),
        "end": time_or_none(exposure.end),
        "seconds": seconds,
        "start_source": exposure.start_source,
        "end_source": exposure.end_source,
        "end_reason": exposure.end_reason,
    }


def _file(artifact: Artifact) -> FileDoc:
    provenance = artifact.provenance
    return {
        "filename": artifact.filename,
        "kind": artifact.kind,
        "sha256": artifact.sha256,
        "sha512": artifact.sha512,
        "size": artifact.size,
        "uploaded_at": time_or_none(artifact.uploaded_at),
        "listed": artifact.listed,
        "upload_client": artifact.upload_client,
        "provenance": "not observed" if artifact.attested is None else "attested" if artifact.attested else "absent",
        "provenance_reason": provenance.reason if isinstance(provenance, NotChecked) else provenance.caveat,
        "attestations": [attestation_doc(a) for a in artifact.attestations],
        "evidence": list(dict.fromkeys((*artifact.evidence, *provenance.evidence))),
    }


def attestation_doc(attestation: Attestation) -> AttestationDoc:
    """Return one attestation of the document, every step with its outcome."""
    """Return one attestation of the document, every step with its outcome."""
    entry, publisher = attestation.log_entry, attestation.publisher
    by_log = bool(entry and entry.integrated_at)
    return {
        "digest": attestation.digest,
        "label": label_of_predicate(attestation.predicate_type),
        "predicate_type": attestation.predicate_type,
        "status": attestation.verification.status.value,
        "signed_at": time_or_none(attestation.signed_at),
        "signed_at_kind": "signed by the log" if by_log else "signed by the certificate authority",
        "log_id": entry.log_id if entry else None,
        "log_index": entry.index if entry else None,
        "log_origin": entry.origin if entry else None,
        "publisher": {"kind": publisher.kind, **dict(publisher.fields)} if publisher else None,
        "identity": attestation.identity.claims() if attestation.identity else None,
        "recovered": attestation.recovered,
        "checks": [
            {"name": c.name, "result": c.result.value, "detail": c.detail} for c in attestation.verification.checks
        ],
        "evidence": [*attestation.evidence],
    }

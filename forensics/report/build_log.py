"""Log entries of an analysis, in the words and shapes of the document."""

from __future__ import annotations

from forensics.model.document import LogOnlyDoc, LogRecordDoc
from forensics.model.identity import Identity
from forensics.model.log import LogOnly, LogRecord
from forensics.model.times import to_iso, to_minute


def record_doc(record: LogRecord) -> LogRecordDoc:
    """Return one verified or refused log entry, every step with its outcome."""
    return {
        "index": record.index,
        "uuid": record.uuid,
        "tree_id": record.tree_id,
        "kind": record.kind,
        "log_id": record.log_id,
        "log_origin": record.origin,
        "tree_size": record.tree_size,
        "integrated_at": to_iso(record.integrated_at) if record.integrated_at else None,
        "verified": record.verified,
        "identity": record.identity.claims() if record.identity else None,
        "payload_hash": record.payload_hash,
        "artifacts": [*record.artifacts],
        "checks": [{"name": c.name, "result": c.result.value, "detail": c.detail} for c in record.checks],
        "evidence": [*record.evidence],
    }


def log_only_doc(entry: LogOnly) -> LogOnlyDoc:
    """Return one entry that only the log knows."""
    return {
        "severity": "medium" if entry.filename else "low",
        "filename": entry.filename,
        "version": entry.version,
        "text": _text(entry),
        "record": record_doc(entry.record),
        "evidence": [*entry.evidence],
    }


def _text(entry: LogOnly) -> str:
    record, identity = entry.record, entry.record.identity or Identity()
    when = (
        f"at {to_minute(record.integrated_at)} UTC" if record.integrated_at else "at a time that the log did not sign"
    )
    what = f"{entry.filename}, which nobody lists or names" if entry.filename else "something that cannot be rebuilt"
    who = identity.workflow or identity.subject_alternative_name or "an unnamed signer"
    where = f" of {identity.repository}" if identity.repository else ""
    run = f" in run {identity.run_id}" if identity.run_id else ""
    commit = f" at commit {identity.commit}" if identity.commit else ""
    about = f"; {entry.about}" if entry.about else ""
    return f"{who}{where} signed {what} {when}{run}{commit}; no listed and no named release is of that run{about}"

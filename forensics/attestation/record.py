"""From an entry as the log gave it to a record whose every step was checked.

The statement behind a `dsse` entry is not in the log, so these steps say who signed *something*, when, and that the
log holds it; what was signed is `recover`'s question. Sources: as in `checks_log` and `checks_certificate`;
sigstore/rekor pkg/sharding (entry ids, global indices).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from forensics.attestation.certificate import identity_of_parts, parts_of
from forensics.attestation.checks import guarded
from forensics.attestation.checks_certificate import check_chain, check_sct, check_usage, check_validity
from forensics.attestation.checks_content import check_signature
from forensics.attestation.checks_log import check_checkpoint, check_inclusion, check_set
from forensics.attestation.context import Context, Expected, failed, not_checked, passed
from forensics.attestation.entry import EntryBody, LoggedEntry, as_attestation, read_body
from forensics.attestation.trust import TrustRoot
from forensics.model.attestation import Check, CheckResult
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.identity import Identity
from forensics.model.log import LogRecord
from forensics.model.times import from_seconds
from forensics.transparency.checkpoint import Checkpoint
from forensics.transparency.der import CertificateParts

_LOG_STEPS = {"set": check_set, "inclusion": check_inclusion, "checkpoint": check_checkpoint}
_SIGNER_STEPS = {
    "certificate-chain": check_chain,
    "certificate-usage": check_usage,
    "certificate-validity": check_validity,
    "sct": check_sct,
}


def record_of(entry: LoggedEntry, root: TrustRoot, offsets: Mapping[str, int] | None = None) -> LogRecord:
    """Return the record of *entry* under the keys of *root*; nothing of the server's word is taken.

    *offsets* are the global indices at which the log's shards begin, by tree id, where they are known. Never raises
    for bad input: what cannot be read has a failed step.
    """
    return _record_of(entry, root, tuple(sorted((offsets or {}).items())))


@lru_cache(maxsize=2048)
def _record_of(entry: LoggedEntry, root: TrustRoot, offsets: tuple[tuple[str, int], ...]) -> LogRecord:
    """The same; kept, because one collection reads the answers of the log several times, and its analysis again."""
    body = read_body(entry.raw)
    parts = _parts(body)
    identity = identity_of_parts(parts) if parts else None
    context = Context(as_attestation(entry, body), root, Expected(), None, parts, identity)
    checks = [_check_uuid(entry), *(guarded(name, step, context) for name, step in _LOG_STEPS.items())]
    checks += [_check_shard(entry, context, dict(offsets)), _check_body(body)]
    if body.certificate is not None:
        checks += [guarded(name, step, context) for name, step in _SIGNER_STEPS.items()]
    if context.raw.digest is not None and body.certificate is not None:
        checks.append(guarded("signature", check_signature, context))
    return _record(entry, body, identity, context, checks)


def _record(
    entry: LoggedEntry, body: EntryBody, identity: Identity | None, context: Context, checks: list[Check]
) -> LogRecord:
    promised = next(check for check in checks if check.name == "set").result is CheckResult.PASS
    try:
        integrated = from_seconds(entry.raw.integrated) if promised and entry.raw.integrated else None
    except ValueError:
        integrated = None
    checkpoint = _checkpoint(context)
    return LogRecord(
        uuid=entry.uuid,
        tree_id=entry.tree_id,
        index=entry.raw.index,
        kind=entry.raw.type,
        log_id=entry.raw.log_id.hex(),
        integrated_at=integrated,
        identity=identity,
        payload_hash=body.payload_hash,
        artifacts=body.artifacts,
        origin=checkpoint.origin if checkpoint else None,
        tree_size=entry.raw.proof.size if entry.raw.proof else None,
        checks=tuple(checks),
        evidence=entry.evidence,
    )


def _check_uuid(entry: LoggedEntry) -> Check:
    """Step `uuid`: the id under which the log gave the entry is the leaf hash of its body."""
    stated = entry.entry_id[-64:]
    if stated != entry.uuid:
        return failed("uuid", f"given as {stated[:16]}…, but the body's leaf hash is {entry.uuid[:16]}….")
    return passed("uuid", f"the leaf hash of the body is {entry.uuid[:16]}….")


def _check_shard(entry: LoggedEntry, context: Context, offsets: Mapping[str, int]) -> Check:
    """Step `shard`: id, checkpoint and global index speak of the same shard."""
    name, checkpoint = "shard", _checkpoint(context)
    if entry.tree_id is None or checkpoint is None:
        return not_checked(name, "the id names no shard, or there is no checkpoint to compare it with.")
    signed = checkpoint.origin.partition(" - ")[2]
    if signed != entry.tree_id:
        return failed(name, f"the id names shard {entry.tree_id}, the checkpoint is of {signed or 'no shard'}.")
    offset, proof = offsets.get(signed), entry.raw.proof
    if offset is None or proof is None:
        return passed(name, f"id and checkpoint name shard {signed}.")
    if offset + proof.index != entry.raw.index:
        return failed(name, f"leaf {proof.index} of shard {signed} is {offset + proof.index}, not {entry.raw.index}.")
    return passed(name, f"leaf {proof.index} of shard {signed} is entry {entry.raw.index}.")


def _check_body(body: EntryBody) -> Check:
    """Step `body`: the entry is of a kind that this version reads."""
    if not body.understood:
        return not_checked("body", f"the body of the kind {body.kind[:64]} is not read by this version.")
    return passed("body", f"an entry of the kind {body.kind}.")


def _checkpoint(context: Context) -> Checkpoint | None:
    try:
        return context.checkpoint
    except (MalformedEvidence, HostileInput):
        return None


def _parts(body: EntryBody) -> CertificateParts | None:
    try:
        return parts_of(body.certificate) if body.certificate is not None else None
    except (MalformedEvidence, HostileInput):
        return None

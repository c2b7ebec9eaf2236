"""An entry of Rekor v2 as a record whose every step was checked.

The log takes any certificate: who is named in an entry is a claim until an authority of the trust root vouches for it.
Sources: as in `forensics.attestation.checks_certificate`; sigstore/rekor-tiles api/proto (entries).
"""

from __future__ import annotations

from forensics.attestation.certificate import identity_of_parts, parts_of
from forensics.attestation.checks_certificate import check_chain, check_sct, check_usage
from forensics.attestation.checks_content import check_signature
from forensics.attestation.context import Context, Expected, failed, not_checked, passed
from forensics.attestation.raw import RawAttestation
from forensics.attestation.trust import TrustRoot
from forensics.model.attestation import Check, CheckResult
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.log import LogRecord
from forensics.sources.rekor_tiles import SignedCheckpoint
from forensics.transparency.der import CertificateParts
from forensics.transparency.entries import EntryView, entry_leaf_hash
from forensics.transparency.scan import Hit

_STEPS = {"certificate-chain": check_chain, "certificate-usage": check_usage, "sct": check_sct}


def record_of_hit(
    hit: Hit, root: TrustRoot, head: SignedCheckpoint, evidence: tuple[str, ...], *, hashed: bool = True
) -> LogRecord:
    """Return the record of *hit*, whose bundle was hashed to *head* unless *hashed* is False. Never raises."""
    view = hit.view
    context = _context(view, root)
    return LogRecord(
        uuid=entry_leaf_hash(hit.body).hex(),
        tree_id=None,
        index=hit.index,
        kind=f"{view.kind}/{view.version}",
        log_id=head.key.key_id.hex(),
        integrated_at=None,
        identity=context.identity,
        payload_hash=view.payload_hash,
        artifacts=tuple(f"{each.algorithm}:{each.value}" for each in view.digests if each.role == "artifact"),
        origin=head.origin,
        tree_size=head.size,
        checks=(*_log_steps(hit, head, hashed), *_signer_steps(view, context)),
        evidence=evidence,
    )


def vouched(view: EntryView, root: TrustRoot) -> bool:
    """Return whether an authority of *root* issued the certificate of *view*, while it was valid itself."""
    return _guarded("certificate-chain", _context(view, root)).result is CheckResult.PASS


def _log_steps(hit: Hit, head: SignedCheckpoint, hashed: bool) -> tuple[Check, ...]:
    leaf = entry_leaf_hash(hit.body).hex()
    if not hashed:
        return (not_checked("inclusion", "nothing was hashed."),)
    root = head.checkpoint.root.hex()
    return (
        passed("uuid", f"the leaf hash of the body is {leaf[:16]}…."),
        passed(
            "inclusion", f"leaf {hit.index} hashes, with its bundle, into the tree of {head.size}, root {root[:16]}…."
        ),
        passed("checkpoint", f"{head.origin!r} signed size {head.size} and this root."),
    )


def _signer_steps(view: EntryView, context: Context) -> list[Check]:
    if view.certificate is None:
        return [not_checked("certificate-chain", "signed with a public key, which the trust root does not know.")]
    checks = [_guarded(name, context) for name in _STEPS]
    checks.append(not_checked("certificate-validity", "a Rekor v2 entry states no time; the bundle's timestamp would."))
    if context.raw.digest is not None:
        checks.append(_guarded("signature", context))
    return checks


def _context(view: EntryView, root: TrustRoot) -> Context:
    parts = _parts(view)
    return Context(_raw(view), root, Expected(), None, parts, identity_of_parts(parts) if parts else None)


def _parts(view: EntryView) -> CertificateParts | None:
    try:
        return parts_of(view.certificate) if view.certificate is not None else None
    except (MalformedEvidence, HostileInput):
        return None


def _raw(view: EntryView) -> RawAttestation:
    stated = next((each.value for each in view.digests if (each.role, each.algorithm) == ("artifact", "sha256")), None)
    return RawAttestation(
        media_type="",
        payload_type="",
        payload=None,
        digest=bytes.fromhex(stated) if stated else None,
        signature=view.signature or b"",
        signatures=len(view.signatures),
        certificate=view.certificate,
        chain=(),
        key_hint="in the entry",
        entries=(),
        timestamps=(),
    )


def _guarded(name: str, context: Context) -> Check:
    step = check_signature if name == "signature" else _STEPS[name]
    try:
        return step(context)
    except Exception as error:  # native parsers on an attacker's bytes: what they raise is this step's outcome
        return failed(name, f"the step could not be carried out ({type(error).__name__}).")

"""The seal of a case: what is signed about its manifest, and what a signature and a timestamp of it prove.

The manifest names the digest of every file of the payload, so one statement about its digest speaks of all of them.
Sources: in-toto Statement v1; Sigstore's bundle specification; RFC 3161; RFC 8493 section 2.1.3 (the manifest).
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from forensics.attestation.depth import text_within_depth
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.timestamps import timestamp
from forensics.attestation.trust import TrustRoot
from forensics.evidence.bag import MANIFEST
from forensics.evidence.meta import CaseMeta
from forensics.model.attestation import Attestation, Check, CheckResult, VerificationStatus
from forensics.model.endpoints import CONTACT
from forensics.model.times import to_iso

PREDICATE_TYPE = f"{CONTACT}/case-seal/v1"
SIGNATURE_CHECK = "signature"
TIMESTAMP_CHECK = "timestamp"
MAX_SIGNATURE_BYTES = 4 << 20
_STATEMENT = "https://in-toto.io/Statement/v1"


def seal_statement(manifest: bytes, meta: CaseMeta) -> bytes:
    """Return the in-toto statement that seals the case *meta* with this *manifest*, as JSON.

    Its subject is the manifest with its SHA-256. Source: in-toto attestation framework, Statement v1.
    """
    digest = hashlib.sha256(manifest).hexdigest()
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": MANIFEST, "digest": {"sha256": digest}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"case": meta.id, "project": meta.project, "tool": meta.tool},
    }
    return json.dumps(statement, separators=(",", ":"), sort_keys=True).encode()


def check_signature(bundle: bytes, manifest: bytes, root: TrustRoot) -> tuple[Check, Attestation | None]:
    """Return whether the Sigstore *bundle* (JSON) is a seal of *manifest* under *root*, and what it says.

    Never raises for bad input: a bundle that cannot be read is a failed check.
    """
    if len(bundle) > MAX_SIGNATURE_BYTES or not text_within_depth(bundle):
        return _failed(SIGNATURE_CHECK, "the bundle is too large or nested too deeply."), None
    try:
        data = json.loads(bundle)
    except (ValueError, RecursionError):
        return _failed(SIGNATURE_CHECK, "the bundle is not JSON."), None
    digest = hashlib.sha256(manifest).hexdigest()
    found = Evaluator(root, independent=True).bundle(data, filename=MANIFEST, sha256=digest)
    verification = found.verification
    if verification.status is not VerificationStatus.VALID:
        failed = [check for check in verification.checks if check.result is CheckResult.FAIL]
        why = "; ".join(f"{check.name}: {check.detail}" for check in failed) or "no key at hand decides about it."
        result = CheckResult.FAIL if failed else CheckResult.NOT_CHECKED
        return Check(SIGNATURE_CHECK, result, f"it does not verify under {root.name}: {why}"), found
    if found.predicate_type != PREDICATE_TYPE or found.subject_sha256 != digest:
        return _failed(SIGNATURE_CHECK, f"what is signed is no seal of this case but {found.predicate_type!r}."), found
    return Check(SIGNATURE_CHECK, CheckResult.PASS, _who(found)), found


def check_timestamp(token: bytes, manifest: bytes, root: TrustRoot) -> Check:
    """Return whether the RFC 3161 response *token* timestamps *manifest* under *root*; never raises for bad input."""
    outcome = timestamp(root, token, manifest) if len(token) <= MAX_SIGNATURE_BYTES else "the timestamp is too large"
    if isinstance(outcome, datetime):
        return Check(TIMESTAMP_CHECK, CheckResult.PASS, f"the manifest existed at {to_iso(outcome)}.")
    if outcome is None:
        reason = f"it names an authority that {root.name} does not know; --trust-root FILE can name one that does."
        return Check(TIMESTAMP_CHECK, CheckResult.NOT_CHECKED, reason)
    return _failed(TIMESTAMP_CHECK, f"{outcome}.")


def _who(found: Attestation) -> str:
    identity, entry = found.identity, found.log_entry
    who = identity.subject_alternative_name if identity else None
    issuer = identity.oidc_issuer if identity else None
    when = f" at {to_iso(found.signed_at)}" if found.signed_at else ""
    where = f", log index {entry.index}" if entry else ""
    return f"signed by {who or 'a signer without a name'} ({issuer or 'unknown issuer'}){when}{where}."


def _failed(name: str, why: str) -> Check:
    return Check(name, CheckResult.FAIL, why)

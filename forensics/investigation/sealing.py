"""Sealing a case, with whoever shall vouch for it, and checking a seal."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.evidence.bag import MANIFEST, SIGNATURE, SIGNATURES, TIMESTAMP
from forensics.model.attestation import Attestation, Check, CheckResult
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, Refused
from forensics.model.times import to_iso

if TYPE_CHECKING:
    from forensics.attestation.trust import TrustRoot
    from forensics.evidence.case import Case, Vouchers

SEAL_CHECK = "seal"
SIGNER_CHECK = "signer"


@dataclass(frozen=True, slots=True)
class SealOptions:
    """Who shall vouch for the manifest.

    *sign*: with Sigstore, as whom *token* says (an OIDC token), or else the surroundings. *timestamp*: the timestamping
    authority. *tuf_root*: the `root.json` by which the user knows another TUF repository than Sigstore's.
    """

    sign: bool = False
    timestamp: bool = False
    token: str | None = None
    tuf_root: Path | None = None


def seal_case(case: Case, options: SealOptions, endpoints: Endpoints) -> str:
    """Close *case* for good, signed and timestamped as *options* say, and return its digest: SHA-256 (hex).

    Raises UsageError where there is no identity to sign with, a SourceError where a service does not answer or refuses,
    ReadOnlyCase for a case that cannot be sealed like this. After any of these the case is as it was.
    """
    from forensics.evidence.seal import seal

    vouchers: dict[str, Callable[[bytes], bytes]] = {}
    if case.writable:  # a case that cannot be sealed says so before anybody is asked to sign
        if options.sign:
            vouchers[SIGNATURE] = _signing(case, options, endpoints["tuf"])
        if options.timestamp:
            vouchers[TIMESTAMP] = _timestamping(endpoints["tsa"])
        return seal(case, vouchers=vouchers)
    return seal(case, vouchers=_unmade(options))


def _unmade(options: SealOptions) -> Vouchers:
    wanted = {SIGNATURE: options.sign, TIMESTAMP: options.timestamp}
    return {name: bytes for name, asked in wanted.items() if asked}


def _signing(case: Case, options: SealOptions, url: str) -> Callable[[bytes], bytes]:
    from forensics.attestation.seal import check_signature, seal_statement
    from forensics.attestation.trust import vouch
    from forensics.sources.sealing import identity_token, signer
    from forensics.sources.sigstore_tuf import fetch_targets

    token = identity_token(options.token)
    targets = fetch_targets(url, options.tuf_root, signing=True)
    assert targets.signing_config is not None
    root = vouch(targets.trusted_root, named=targets.trusted_root)
    sign = signer(token, targets.trusted_root, targets.signing_config)

    def make(manifest: bytes) -> bytes:
        bundle = sign(seal_statement(manifest, case.meta))
        check, _ = check_signature(bundle, manifest, root)
        if check.result is not CheckResult.PASS:
            raise Refused(f"What Sigstore signed cannot be used: {check.detail}", meaning="The case was not sealed.")
        return bundle

    return make


def _timestamping(url: str) -> Callable[[bytes], bytes]:
    from forensics.attestation.seal import check_timestamp
    from forensics.attestation.trust import default_root
    from forensics.evidence.client import Client
    from forensics.evidence.network import open_network
    from forensics.sources.sealing import request_timestamp

    async def ask(manifest: bytes) -> bytes:
        async with Client(open_network()) as client:
            return await request_timestamp(client, url, manifest)

    def make(manifest: bytes) -> bytes:
        token = asyncio.run(ask(manifest))
        check = check_timestamp(token, manifest, default_root())
        if check.result is CheckResult.FAIL:
            raise BadAnswer(f"The timestamp cannot be used: {check.detail}", meaning="The case was not sealed.")
        return token

    return make


def check_seal(
    case: Case, *, trust_root: bytes | None = None, digest: str | None = None, signer: str | None = None
) -> list[Check]:
    """Return what the seal of *case* comes to, step by step: `seal`, `signature`, `signer`, `timestamp`.

    The bag must have been verified before: this looks at the manifest and what vouches for it. Signatures count under
    *trust_root* (bytes of a root that the user vouches for) or Sigstore's, never under the case's own. *digest* (hex)
    and *signer* (a certificate's subject alternative name) are what the user expects. A case that is not sealed gives
    one step, not checked.
    """
    from forensics.attestation.seal import check_signature, check_timestamp

    meta = case.meta
    if meta.sealed_at is None and digest is None and signer is None:
        return [Check(SEAL_CHECK, CheckResult.NOT_CHECKED, "the case is not sealed.")]
    manifest = case.store.read(MANIFEST) or b""
    found = [_sealed(case, hashlib.sha256(manifest).hexdigest(), digest)]
    roots = _roots(trust_root)
    given = {name: case.store.read(name) for name in SIGNATURES if name in meta.sealed_with}
    signature, about = given.get(SIGNATURE), None
    if signature is not None:
        check, about = _best([check_signature(signature, manifest, root) for root in roots])
        found.append(check)
    if signer is not None:
        found.append(_signer(about, found, signer))
    if (token := given.get(TIMESTAMP)) is not None:
        found.append(_best([(check_timestamp(token, manifest, root), None) for root in roots])[0])
    return found


def _sealed(case: Case, actual: str, digest: str | None) -> Check:
    if digest is not None and digest.removeprefix("sha256:").lower() != actual:
        return Check(SEAL_CHECK, CheckResult.FAIL, f"the digest is sha256:{actual}, not the one that was expected.")
    if case.meta.sealed_at is None:
        return Check(SEAL_CHECK, CheckResult.FAIL, "the case is not sealed.")
    with_whom = {SIGNATURE: "a signature", TIMESTAMP: "a timestamp"}
    words = " and ".join(with_whom[name] for name in SIGNATURES if name in case.meta.sealed_with)
    return Check(
        SEAL_CHECK, CheckResult.PASS, f"sealed at {to_iso(case.meta.sealed_at)} with {words or 'its digest alone'}: "
        f"sha256:{actual}.",
    )  # fmt: skip


def _signer(about: Attestation | None, found: Sequence[Check], expected: str) -> Check:
    if about is None or found[-1].result is not CheckResult.PASS or about.identity is None:
        return Check(SIGNER_CHECK, CheckResult.FAIL, f"no valid signature says that {expected} sealed it.")
    actual = about.identity.subject_alternative_name or ""
    if actual != expected:
        return Check(SIGNER_CHECK, CheckResult.FAIL, f"it was signed by {actual}, not by {expected}.")
    return Check(SIGNER_CHECK, CheckResult.PASS, f"it was signed by {expected}.")


def _roots(trust_root: bytes | None) -> list[TrustRoot]:
    from forensics.attestation.trust import default_root, vouch

    named = [vouch(trust_root, named=trust_root)] if trust_root is not None else []
    return [*named, default_root()]


def _best(checks: Sequence[tuple[Check, Attestation | None]]) -> tuple[Check, Attestation | None]:
    """The first that passes, or else the first."""
    return next((one for one in checks if one[0].result is CheckResult.PASS), checks[0])

"""What the cases of Sigstore's conformance suite are made of: signed messages and statements in every kind of entry.

Source: sigstore/sigstore-conformance, test/assets/bundle-verify: each case's README says what it holds. The bundles
here are made by the lab from these descriptions.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import rfc8785
from attestation_kit import CLAIMS
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lab_bundles import V2_KINDS, World

from tests.lab.attest import PAYLOAD_TYPE, pae
from tests.lab.pki import Signer, spki
from tests.lab.rekor import b64, hashedrekord_body

Bundle = dict[str, Any]
ARTIFACT = b'DO NOT MODIFY ME!\n\nthis is "a.txt", a sample input for sigstore\'s test suite.\n'
V1, V2 = "hashedrekord/0.0.1", "hashedrekord/0.0.2"
DSSE, DSSE_V2, INTOTO = "dsse/0.0.1", "dsse/0.0.2", "intoto/0.0.2"


@dataclass(frozen=True)
class Presented:
    """What a client is given: a bundle (a text where it is no JSON), the trust root, and who must have signed."""

    bundle: Bundle | str
    root: dict[str, Any]
    identity: str | None = CLAIMS.san
    issuer: str | None = CLAIMS.issuer
    key: bytes | None = None
    artifact: bytes = ARTIFACT


class Maker(World):
    """A private Sigstore of which each case has its own."""

    def trusted(self) -> dict[str, Any]:
        """The trust root as JSON, free to be changed."""
        root: dict[str, Any] = json.loads(self.root.raw)
        return root

    def signer(self, ago: timedelta = timedelta()) -> Signer:
        """A certificate for a signature made *ago* before what is logged next."""
        return self.authority.issue(CLAIMS, self._moment + timedelta(seconds=2) - ago)

    def sealed(
        self,
        kind: str,
        statement: bytes | None = None,
        *,
        signer: Signer | None = None,
        keyed: bool = False,
        late: timedelta = timedelta(),
        payload_type: str = PAYLOAD_TYPE,
    ) -> Bundle:
        """A bundle of v0.3 over ARTIFACT or *statement* with an entry of *kind*, logged and stamped *late*."""
        self._moment += timedelta(seconds=2)
        who = None if keyed else signer or self.authority.issue(CLAIMS, self._moment)
        self._moment += late
        signed = ARTIFACT if statement is None else _pae(payload_type, statement)
        signature = who.sign(signed) if who else self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        entry = self._recorded(kind, statement, signed, signature, who)
        stamps = [self.stamp(signature)] if kind in V2_KINDS else []
        bundle: Bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                **({"certificate": {"rawBytes": b64(who.der)}} if who else {"publicKey": {"hint": "any"}}),
                "tlogEntries": [entry],
                "timestampVerificationData": {"rfc3161Timestamps": stamps},
            },
        }
        if statement is None:
            digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(ARTIFACT).digest())}
            bundle["messageSignature"] = {"messageDigest": digest, "signature": b64(signature)}
        else:
            signatures = [{"sig": b64(signature)}]
            bundle["dsseEnvelope"] = {"payload": b64(statement), "payloadType": payload_type, "signatures": signatures}
        return bundle

    def stamp(self, signature: bytes, late: timedelta = timedelta()) -> dict[str, str]:
        """A timestamp of the lab's authority over *signature*."""
        return {"signedTimestamp": b64(self.stamper.stamp_data(signature, self._moment + late))}

    def second(self, late: timedelta = timedelta()) -> str:
        """The second at which the last was logged, as trust roots write it."""
        return (self._moment + late).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _recorded(
        self, kind: str, statement: bytes | None, signed: bytes, signature: bytes, who: Signer | None
    ) -> dict[str, Any]:
        if kind == V1:
            body = hashedrekord_body(hashlib.sha256(signed).hexdigest(), signature, who.pem if who else self.pem)
            return self.log.bundle_entry(self.log.append(body, self._moment, ()), len(self.log.entries))
        if kind == V2:
            held = {"x509Certificate": {"rawBytes": b64(who.der)}} if who else {"publicKey": {"rawBytes": self.spki}}
            record = {
                "data": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(signed).digest())},
                "signature": {
                    "content": b64(signature),
                    "verifier": {"keyDetails": "PKIX_ECDSA_P256_SHA_256", **held},
                },
            }
            spec = {"hashedRekordV002": record}
            self.tiles.extend([rfc8785.dumps({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec})])
            return self._tile_entry(kind)
        assert statement is not None
        return self._log(kind, statement, signature, who)

    @property
    def spki(self) -> str:
        """The managed key in DER, as base64."""
        return b64(spki(self.key))

    @property
    def pem(self) -> bytes:
        """The managed key in PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form)


def about(data: bytes = ARTIFACT, kind: str | None = "https://in-toto.io/Statement/v1", note: str = "") -> bytes:
    """A statement about *data* whose `_type` is *kind*, or that has none."""
    said = {"_type": kind} if kind else {}
    subject = [{"name": "a.txt", "digest": {"sha256": hashlib.sha256(data).hexdigest()}}]
    predicate = {"predicateType": "https://example.com/predicate/v1", "predicate": {"note": note}}
    return json.dumps({**said, "subject": subject, **predicate}, separators=(",", ":")).encode()


def changed(bundle: Bundle, *changes: Callable[[Bundle], object]) -> Bundle:
    """A copy of *bundle* with *changes* made to it."""
    copied = copy.deepcopy(bundle)
    for change in changes:
        change(copied)
    return copied


def material(bundle: Bundle) -> dict[str, Any]:
    found: dict[str, Any] = bundle["verificationMaterial"]
    return found


def entry_of(bundle: Bundle) -> dict[str, Any]:
    found: dict[str, Any] = material(bundle)["tlogEntries"][0]
    return found


def proof_of(bundle: Bundle) -> dict[str, Any]:
    found: dict[str, Any] = entry_of(bundle)["inclusionProof"]
    return found


def stamps_of(bundle: Bundle) -> list[dict[str, str]]:
    found: list[dict[str, str]] = material(bundle)["timestampVerificationData"]["rfc3161Timestamps"]
    return found


def _pae(payload_type: str, payload: bytes) -> bytes:
    if payload_type == PAYLOAD_TYPE:
        return pae(payload)
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type.encode(), len(payload), payload)

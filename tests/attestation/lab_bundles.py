"""Bundles of the lab in every kind that npm and the logs have used, keyed and keyless, and the world they verify in.

Entries are encoded here, after the schemas of sigstore/rekor (dsse 0.0.1, intoto 0.0.1 and 0.0.2) and rekor-tiles
(dsse and hashedrekord 0.0.2), not by the package.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from attestation_kit import CLAIMS
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from forensics.attestation.registry_keys import RegistryKey, RegistryKeys
from forensics.attestation.trust import TrustRoot, vouch
from tests.lab.attest import PAYLOAD_TYPE, pae
from tests.lab.claims import Claims
from tests.lab.pki import Authority, Signer, spki
from tests.lab.rekor import RekorLog, b64, dsse_body, sha256
from tests.lab.tiles_log import TilesLog
from tests.lab.timestamping import Stamper
from tests.lab.trust import trusted_root

V1_KINDS = ("dsse/0.0.1", "intoto/0.0.1", "intoto/0.0.2")
V2_KINDS = ("dsse/0.0.2", "hashedrekord/0.0.2")
KINDS = (*V1_KINDS, *V2_KINDS)
NAME, VERSION = "@acme/demo", "1.2.3"
PURL = "pkg:npm/%40acme/demo@1.2.3"
SHA512 = "ab" * 64
MOMENT = datetime(2026, 5, 4, 12, 0, 1, tzinfo=UTC)
KEY_ID, OTHER_ID = "SHA256:lab-one", "SHA256:lab-two"
SLSA = "https://slsa.dev/provenance/v1"
PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
_IMPRINT = bytes.fromhex("3031300d060960864801650304020105000420")


class World:
    """A private Sigstore with both generations of Rekor, a timestamping authority and a registry with two keys."""

    def __init__(self) -> None:
        self.authority, self.log, self.tiles, self.stamper = Authority(), RekorLog(), TilesLog(), Stamper()
        root = trusted_root(self.authority, self.log, (self.stamper.authority, self.stamper.der))
        root["tlogs"].append(self.tiles.in_trust_root())
        raw = json.dumps(root).encode()
        self.root: TrustRoot = vouch(raw, raw)
        self.key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.served = {"keys": [_row(KEY_ID, self.key), _row(OTHER_ID, other)]}
        self.keys = RegistryKeys(
            (RegistryKey(KEY_ID, spki(self.key), vouched_by="t"), RegistryKey(OTHER_ID, spki(other), vouched_by="t"))
        )
        self._moment = MOMENT
        self.log.append(b'{"background":1}', MOMENT - timedelta(hours=1), ())
        self.tiles.extend([b'{"background":2}'])

    def bundle(self, kind: str, *, keyed: bool, statement: bytes | None = None, claims: Claims = CLAIMS) -> Any:
        """A bundle whose entry is of *kind*: a publish attestation if *keyed*, else provenance."""
        self._moment += timedelta(seconds=2)
        signer = None if keyed else self.authority.issue(claims, self._moment)
        statement = statement or (publish() if keyed else provenance())
        message = pae(statement)
        signature = signer.sign(message) if signer else self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        entry = self._log(kind, statement, signature, signer)
        stamps = [{"signedTimestamp": b64(self._stamp(signature))}] if kind in V2_KINDS else []
        signed = {"sig": b64(signature), **({"keyid": KEY_ID} if keyed else {})}
        who = {"certificate": {"rawBytes": b64(signer.der)}} if signer else {"publicKey": {"hint": KEY_ID}}
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                **who,
                "tlogEntries": [entry],
                "timestampVerificationData": {"rfc3161Timestamps": stamps},
            },
            "dsseEnvelope": {"payload": b64(statement), "payloadType": PAYLOAD_TYPE, "signatures": [signed]},
        }

    def registry_signature(self, integrity: str, name: str = NAME, version: str = VERSION) -> dict[str, str]:
        message = f"{name}@{version}:{integrity}".encode()
        return {"keyid": KEY_ID, "sig": b64(self.key.sign(message, ec.ECDSA(hashes.SHA256())))}

    def _log(self, kind: str, statement: bytes, signature: bytes, signer: Signer | None) -> dict[str, Any]:
        pem = signer.pem if signer else _pem(self.key)
        if kind in V1_KINDS:
            body = _V1[kind](statement, signature, pem)
            entry = self.log.bundle_entry(self.log.append(body, self._moment, ()), len(self.log.entries))
            name, _, version = kind.partition("/")
            return {**entry, "kindVersion": {"kind": name, "version": version}}
        verifier: dict[str, Any] = {"keyDetails": "PKIX_ECDSA_P256_SHA_256"}
        if signer:
            verifier["x509Certificate"] = {"rawBytes": b64(signer.der)}
        else:
            verifier["publicKey"] = {"rawBytes": b64(spki(self.key))}
        self.tiles.extend([_v2_body(kind, statement, {"content": b64(signature), "verifier": verifier})])
        return self._tile_entry(kind)

    def _tile_entry(self, kind: str) -> dict[str, Any]:
        size = len(self.tiles.entries)
        name, _, version = kind.partition("/")
        return {
            "logIndex": str(size - 1),
            "logId": {"keyId": b64(self.tiles.key_id)},
            "kindVersion": {"kind": name, "version": version},
            "inclusionProof": {
                "logIndex": str(size - 1),
                "rootHash": b64(self.tiles.tree.root(size)),
                "treeSize": str(size),
                "hashes": [b64(step) for step in self.tiles.tree.inclusion(size - 1, size)],
                "checkpoint": {"envelope": self.tiles.checkpoint(size)},
            },
            "canonicalizedBody": b64(self.tiles.entries[-1]),
        }

    def _stamp(self, signature: bytes) -> bytes:
        nonce = bytes.fromhex("020107")
        return self.stamper.stamp(_IMPRINT + hashlib.sha256(signature).digest(), nonce, self._moment)


def publish(name: str = NAME, version: str = VERSION) -> bytes:
    """npm's publish statement; *name* and *version* are those of the predicate."""
    predicate = {"name": name, "version": version, "registry": "https://registry.lab.example"}
    return statement(PUBLISH, predicate, "https://in-toto.io/Statement/v0.1")


def provenance(**changes: str) -> bytes:
    """A SLSA v1 statement that says what CLAIMS say; *changes* are repository, ref, path, commit, trigger or run."""
    says = {
        "repository": CLAIMS.repository,
        "ref": CLAIMS.ref,
        "path": CLAIMS.config,
        "commit": CLAIMS.commit,
        "trigger": CLAIMS.trigger,
        "run": f"{CLAIMS.repository}/actions/runs/{CLAIMS.run_id}/attempts/{CLAIMS.attempt}",
        "repository_id": str(CLAIMS.repository_id),
        "owner_id": str(CLAIMS.owner_id),
        "runner": CLAIMS.runner,
    } | changes
    workflow = {"ref": says["ref"], "repository": says["repository"], "path": says["path"]}
    github = {
        "event_name": says["trigger"],
        "repository_id": says["repository_id"],
        "repository_owner_id": says["owner_id"],
    }
    source = {"uri": f"git+{says['repository']}@{says['ref']}", "digest": {"gitCommit": says["commit"]}}
    predicate = {
        "buildDefinition": {
            "buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
            "externalParameters": {"workflow": workflow},
            "internalParameters": {"github": github},
            "resolvedDependencies": [source],
        },
        "runDetails": {
            "builder": {"id": f"https://github.com/actions/runner/{says['runner']}"},
            "metadata": {"invocationId": says["run"]},
        },
    }
    return statement(SLSA, predicate)


def statement(predicate_type: str, predicate: Any, kind: str = "https://in-toto.io/Statement/v1") -> bytes:
    subject = [{"name": PURL, "digest": {"sha512": SHA512}}]
    said = {"_type": kind, "subject": subject, "predicateType": predicate_type, "predicate": predicate}
    return json.dumps(said, separators=(",", ":")).encode()


def claims(**changes: Any) -> Claims:
    return replace(CLAIMS, **changes)


def _row(key_id: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return {
        "keyid": key_id,
        "keytype": "ecdsa-sha2-nistp256",
        "scheme": "ecdsa-sha2-nistp256",
        "key": b64(spki(key)),
        "expires": None,
    }


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _envelope(statement: bytes, signature: bytes) -> bytes:
    signed = [{"sig": b64(signature)}]
    return json.dumps({"payload": b64(statement), "payloadType": PAYLOAD_TYPE, "signatures": signed}).encode()


def _dsse(statement: bytes, signature: bytes, pem: bytes) -> bytes:
    return dsse_body(_envelope(statement, signature), statement, signature, pem)


def _intoto_001(statement: bytes, signature: bytes, pem: bytes) -> bytes:
    content = {
        "hash": {"algorithm": "sha256", "value": sha256(_envelope(statement, signature))},
        "payloadHash": {"algorithm": "sha256", "value": sha256(statement)},
    }
    return rfc8785.dumps({"apiVersion": "0.0.1", "kind": "intoto", "spec": {"content": content, "publicKey": b64(pem)}})


def _intoto_002(statement: bytes, signature: bytes, pem: bytes) -> bytes:
    signed = [{"publicKey": b64(pem), "sig": b64(b64(signature).encode())}]
    content = {
        "envelope": {"payloadType": PAYLOAD_TYPE, "signatures": signed},
        "hash": {"algorithm": "sha256", "value": sha256(_envelope(statement, signature))},
        "payloadHash": {"algorithm": "sha256", "value": sha256(statement)},
    }
    return rfc8785.dumps({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": content}})


_V1 = {"dsse/0.0.1": _dsse, "intoto/0.0.1": _intoto_001, "intoto/0.0.2": _intoto_002}


def _v2_body(kind: str, statement: bytes, signature: dict[str, Any]) -> bytes:
    if kind == "dsse/0.0.2":
        digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(statement).digest())}
        spec = {"dsseV002": {"payloadHash": digest, "signatures": [signature]}}
    else:
        digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(pae(statement)).digest())}
        spec = {"hashedRekordV002": {"data": digest, "signature": signature}}
    return rfc8785.dumps({"apiVersion": "0.0.2", "kind": kind.partition("/")[0], "spec": spec})

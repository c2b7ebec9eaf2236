"""A private Sigstore with one release in it, and the ways to tamper with an attestation."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from forensics.attestation.evaluate import Evaluator
from forensics.attestation.trust import TrustRoot, vouch
from forensics.model.attestation import Attestation, CheckResult, Publisher
from tests.lab.attest import SignedStatement, publish_statement, sign_and_log
from tests.lab.claims import Claims
from tests.lab.pki import Authority
from tests.lab.rekor import RekorLog
from tests.lab.trust import der, trusted_root

SIGNED = datetime(2026, 5, 4, 12, 0, 1, tzinfo=UTC)
FILENAME = "demo-1.0.0-py3-none-any.whl"
SHA256 = "5f" * 32
PUBLISHER = Publisher("GitHub", (("repository", "Acme/demo"), ("workflow", "release.yml"), ("environment", "pypi")))
CLAIMS = Claims(
    issuer="https://token.actions.githubusercontent.com",
    repository="https://github.com/acme/demo",
    repository_id=101,
    owner_id=11,
    signer=".github/workflows/release.yml",
    config=".github/workflows/release.yml",
    ref="refs/tags/v1.0.0",
    trigger="release",
    runner="github-hosted",
    environment="pypi",
    visibility="public",
    commit="ab" * 20,
    run_id=4242,
    attempt=1,
    log="",
)


class Kit:
    """Authority, log and trust root; attestations are made with `attest`."""

    def __init__(self) -> None:
        self.authority, self.log, stamper = Authority(), RekorLog(), Authority("stamper.example")
        stamp = der(stamper.timestamping_leaf()[1])
        raw = json.dumps(trusted_root(self.authority, self.log, (stamper, stamp))).encode()
        self.root: TrustRoot = vouch(raw, raw)
        self.evaluator = Evaluator(self.root)
        self.independent = Evaluator(self.root, independent=True)
        self._moment = SIGNED
        for number in range(5):
            self.log.append(b'{"background":%d}' % number, SIGNED - timedelta(hours=1), ())

    def sign(self, claims: Claims = CLAIMS, authority: Authority | None = None) -> SignedStatement:
        self._moment += timedelta(seconds=1)
        signer = (authority or self.authority).issue(claims, self._moment)
        statement = publish_statement(FILENAME, SHA256)
        return sign_and_log(self.log, signer, claims.san, statement, SHA256, self._moment)

    def attest(self, claims: Claims = CLAIMS, authority: Authority | None = None) -> dict[str, Any]:
        signed = self.sign(claims, authority)
        return signed.attestation(self.log, len(self.log.entries))

    def verify(self, data: Any, **known: Any) -> Attestation:
        """Verified with all that the index says, by the evaluator that makes every operation itself."""
        wanted = {"publisher": PUBLISHER, "filename": FILENAME, "sha256": SHA256} | known
        return self.independent.pep740(data, **wanted)


def claims(**changes: Any) -> Claims:
    return replace(CLAIMS, **changes)


def results(attestation: Attestation) -> dict[str, str]:
    return {check.name: check.result.value for check in attestation.verification.checks}


def failures(attestation: Attestation) -> set[str]:
    return {check.name for check in attestation.verification.checks if check.result is CheckResult.FAIL}


def detail(attestation: Attestation, name: str) -> str:
    return next(check.detail for check in attestation.verification.checks if check.name == name)


def flip(encoded: str, place: int = -1) -> str:
    """Base64 of the same bytes with one of them changed."""
    data = bytearray(base64.b64decode(encoded))
    data[place] ^= 1
    return base64.b64encode(bytes(data)).decode()


def entry_of(data: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = data["verification_material"]["transparency_entries"][0]
    return entry


def _signature(data: dict[str, Any]) -> None:
    data["envelope"]["signature"] = flip(data["envelope"]["signature"])


def _certificate(data: dict[str, Any]) -> None:
    data["verification_material"]["certificate"] = flip(data["verification_material"]["certificate"])


def _proof_hash(data: dict[str, Any]) -> None:
    hashes = entry_of(data)["inclusionProof"]["hashes"]
    hashes[0] = flip(hashes[0])


def _root(data: dict[str, Any]) -> None:
    proof = entry_of(data)["inclusionProof"]
    proof["rootHash"] = flip(proof["rootHash"])


def _tree_size(data: dict[str, Any]) -> None:
    # The proof's shape is that of a tree one leaf larger or smaller only by chance: the checkpoint sees it anyway.
    proof = entry_of(data)["inclusionProof"]
    proof["treeSize"] = str(int(proof["treeSize"]) + 1)


def _checkpoint_text(data: dict[str, Any]) -> None:
    checkpoint = entry_of(data)["inclusionProof"]["checkpoint"]
    origin, size, *rest = checkpoint["envelope"].split("\n")
    checkpoint["envelope"] = "\n".join([origin[:-1] + chr(ord(origin[-1]) ^ 1), size, *rest])


def _checkpoint_signature(data: dict[str, Any]) -> None:
    checkpoint = entry_of(data)["inclusionProof"]["checkpoint"]
    head, _, encoded = checkpoint["envelope"].rstrip("\n").rpartition(" ")
    checkpoint["envelope"] = f"{head} {flip(encoded)}\n"


def _set(data: dict[str, Any]) -> None:
    promise = entry_of(data)["inclusionPromise"]
    promise["signedEntryTimestamp"] = flip(promise["signedEntryTimestamp"])


def _integrated(data: dict[str, Any]) -> None:
    entry_of(data)["integratedTime"] = str(int(entry_of(data)["integratedTime"]) + 1)


def _statement(data: dict[str, Any]) -> None:
    statement = json.loads(base64.b64decode(data["envelope"]["statement"]))
    digest = statement["subject"][0]["digest"]
    digest["sha256"] = ("0" if digest["sha256"][0] != "0" else "1") + digest["sha256"][1:]
    encoded = json.dumps(statement, separators=(",", ":")).encode()
    data["envelope"]["statement"] = base64.b64encode(encoded).decode()


def _body(data: dict[str, Any]) -> None:
    body = base64.b64decode(entry_of(data)["canonicalizedBody"]).replace(
        b'"sha256","value":"', b'"sha256","value":"0', 1
    )
    entry_of(data)["canonicalizedBody"] = base64.b64encode(body).decode()


TAMPERINGS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "signature": (_signature, "signature"),
    "certificate": (_certificate, "certificate-chain"),
    "proof hash": (_proof_hash, "inclusion"),
    "root": (_root, "inclusion"),
    "tree size": (_tree_size, "checkpoint"),
    "checkpoint text": (_checkpoint_text, "checkpoint"),
    "checkpoint signature": (_checkpoint_signature, "checkpoint"),
    "promise": (_set, "set"),
    "integrated time": (_integrated, "set"),
    "statement": (_statement, "signature"),
    "log body": (_body, "inclusion"),
}
"""What is changed by one byte or number, and the step that must see it."""


def tampered(data: dict[str, Any], name: str) -> dict[str, Any]:
    changed = copy.deepcopy(data)
    TAMPERINGS[name][0](changed)
    return changed

"""Real bundles of every kind at hand, and the ways to tamper with one."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attestation_kit import flip

Bundle = dict[str, Any]
Change = Callable[[Bundle], object]
OTHER_KEY = {
    "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA": "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U",
    "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U": "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA",
}
LISTS = (
    "npm/npm-cli/valid-sigstore-attestations.json",
    "npm/pacote/valid-attestations.json",
    "npm/sigstore-dotnet-samples/playwright-cli-0.1.1-attestations.json",
)
SINGLE = ("bundles/reusable-workflow-attestation.sigstore.json", "bundles/bundle.dsse.rekor-v2.sigstore")


def real_bundles(evidence: Path) -> dict[str, Bundle]:
    """Valid bundles: keyed and keyless, v0.1 to v0.3, intoto, dsse and hashedrekord entries, by a telling name."""
    found: dict[str, Bundle] = {}
    for path in LISTS:
        for row in json.loads((evidence / path).read_bytes())["attestations"]:
            found[f"{path.split('/')[1]} {'keyed' if keyed(row['bundle']) else 'keyless'}"] = row["bundle"]
    for path in SINGLE:
        found[path.rpartition("/")[2]] = json.loads((evidence / path).read_bytes())
    return found


def keyed(bundle: Bundle) -> bool:
    return "publicKey" in bundle["verificationMaterial"]


def entry_of(bundle: Bundle) -> dict[str, Any]:
    entry: dict[str, Any] = bundle["verificationMaterial"]["tlogEntries"][0]
    return entry


def _certificate(bundle: Bundle) -> dict[str, Any]:
    material = bundle["verificationMaterial"]
    found: dict[str, Any] = (
        material["certificate"] if "certificate" in material else material["x509CertificateChain"]["certificates"][0]
    )
    return found


def _flip(holder: dict[str, Any], key: str, place: int = -1) -> None:
    holder[key] = flip(holder[key], place)


def _payload(bundle: Bundle) -> None:
    envelope = bundle["dsseEnvelope"]
    text = base64.b64decode(envelope["payload"])
    digest = text.index(b'"digest"')
    place = text.index(b'":"', digest + 10) + 3
    changed = b"0" if text[place : place + 1] != b"0" else b"1"
    envelope["payload"] = base64.b64encode(text[:place] + changed + text[place + 1 :]).decode()


def _checkpoint(bundle: Bundle, change: Callable[[list[str]], None]) -> None:
    checkpoint = entry_of(bundle)["inclusionProof"]["checkpoint"]
    lines = checkpoint["envelope"].split("\n")
    change(lines)
    checkpoint["envelope"] = "\n".join(lines)


def _checkpoint_signature(lines: list[str]) -> None:
    for number, line in enumerate(lines):
        if line.startswith("\u2014 "):
            head, _, encoded = line.rpartition(" ")
            lines[number] = f"{head} {flip(encoded)}"


def _checkpoint_root(lines: list[str]) -> None:
    lines[2] = flip(lines[2])


def _body(bundle: Bundle) -> None:
    entry = entry_of(bundle)
    body = base64.b64decode(entry["canonicalizedBody"])
    name = b'"digest":"' if b'V002"' in body else b'"payloadHash":{"algorithm":"sha256","value":"'
    place = body.index(name) + len(name)
    changed = b"1" if body[place : place + 1] == b"0" else b"0"
    entry["canonicalizedBody"] = base64.b64encode(body[:place] + changed + body[place + 1 :]).decode()


def _ids(bundle: Bundle, key_id: str) -> None:
    bundle["verificationMaterial"]["publicKey"]["hint"] = key_id
    bundle["dsseEnvelope"]["signatures"][0]["keyid"] = key_id


def _stamp(bundle: Bundle) -> dict[str, Any]:
    stamps: list[dict[str, Any]] = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    return stamps[0]


def tamperings(bundle: Bundle, other_key: str | None = None) -> dict[str, tuple[Change, str]]:
    """What can be changed about *bundle*: the change, and the step that must see it; empty for "not checked".

    *other_key* is the id of another key that is known; npm's other one by default.
    """
    entry = entry_of(bundle)
    found: dict[str, tuple[Change, str]] = {
        "signature": (lambda b: _flip(b["dsseEnvelope"]["signatures"][0], "sig"), "signature"),
        "payload": (_payload, "signature"),
        "payload type": (lambda b: b["dsseEnvelope"].update(payloadType="application/json"), "signature"),
        "body": (_body, "log-body"),
        "kind": (lambda b: entry_of(b).update(kindVersion={"kind": "dsse", "version": "9.9.9"}), ""),
        "another log": (lambda b: entry_of(b).update(logId={"keyId": flip(entry_of(b)["logId"]["keyId"])}), ""),
    }
    if entry.get("inclusionPromise"):
        found["promise"] = (lambda b: _flip(entry_of(b)["inclusionPromise"], "signedEntryTimestamp"), "set")
        found["time"] = (lambda b: entry_of(b).update(integratedTime=str(int(entry["integratedTime"]) + 1)), "set")
        found["index"] = (lambda b: entry_of(b).update(logIndex=str(int(entry["logIndex"]) + 1)), "set")
    if entry.get("inclusionProof"):
        found["proof"] = (lambda b: _flip(entry_of(b)["inclusionProof"]["hashes"], 0), "inclusion")  # type: ignore[arg-type]
        found["checkpoint signature"] = (lambda b: _checkpoint(b, _checkpoint_signature), "checkpoint")
        found["checkpoint root"] = (lambda b: _checkpoint(b, _checkpoint_root), "checkpoint")
    if keyed(bundle):
        hint = bundle["verificationMaterial"]["publicKey"]["hint"]
        found["hint"] = (lambda b: b["verificationMaterial"]["publicKey"].update(hint="SHA256:none"), "registry-key")
        found["key id"] = (lambda b: b["dsseEnvelope"]["signatures"][0].update(keyid="SHA256:none"), "registry-key")
        found["both ids"] = (lambda b: _ids(b, "SHA256:none"), "")
        found["another key"] = (lambda b: _ids(b, other_key or OTHER_KEY[hint]), "signature")
    else:
        found["certificate signature"] = (lambda b: _flip(_certificate(b), "rawBytes"), "certificate-chain")
        found["certificate"] = (lambda b: _flip(_certificate(b), "rawBytes", 200), "certificate-chain")
    if (bundle["verificationMaterial"].get("timestampVerificationData") or {}).get("rfc3161Timestamps"):
        found["timestamp"] = (
            lambda b: _flip(_stamp(b), "signedTimestamp"),
            "key-validity" if keyed(bundle) else "certificate-validity",
        )
    return found


def changed(bundle: Bundle, change: Change) -> Bundle:
    copied = copy.deepcopy(bundle)
    change(copied)
    return copied

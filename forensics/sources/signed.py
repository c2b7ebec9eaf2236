"""The certificates and log entries in what an index serves as attestations, unverified: they decide whom to ask.

Reads both shapes: provenance objects of PyPI (PEP 740) and answers of npm's attestations endpoint, which hold
Sigstore bundles.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from forensics.attestation.certificate import identity_of
from forensics.attestation.pep740 import parse_provenance
from forensics.model.checked import Checked, Outcome
from forensics.model.errors import EvidenceError
from forensics.model.identity import Identity
from forensics.sources.index import ProvenanceAnswer
from forensics.sources.interface import items, mapping

MAX_BUNDLES = 64


@dataclass(frozen=True, slots=True)
class SignedPart:
    """One attestation: its certificate (DER), None where a bare key signed, and the body of its first log entry."""

    certificate: bytes | None
    body: bytes | None

    def identity(self) -> Identity | None:
        """Return what the certificate claims, None where there is none or it cannot be read."""
        try:
            return identity_of(self.certificate) if self.certificate else None
        except (EvidenceError, ValueError):
            return None


def signed_parts(outcome: Outcome[ProvenanceAnswer] | None) -> list[SignedPart]:
    """Return the parts of every attestation in an answer; what cannot be read is left out."""
    if not isinstance(outcome, Checked) or outcome.value.data is None:
        return []
    data = outcome.value.data
    return list(_of_npm(data) if isinstance(data.get("attestations"), list) else _of_pypi(data))


def _of_pypi(data: dict[str, Any]) -> Iterator[SignedPart]:
    try:
        attestations = [mapping(a) for _, some in parse_provenance(data) for a in some]
    except EvidenceError:
        return
    for one in attestations:
        material = mapping(one.get("verification_material"))
        entries = items(material.get("transparency_entries"))
        body = mapping(entries[0]).get("canonicalizedBody") if entries else None
        yield SignedPart(_decoded(material.get("certificate")), _decoded(body))


def _of_npm(data: dict[str, Any]) -> Iterator[SignedPart]:
    for one in items(data.get("attestations"), MAX_BUNDLES):
        material = mapping(mapping(mapping(one).get("bundle")).get("verificationMaterial"))
        chain = items(mapping(material.get("x509CertificateChain")).get("certificates"))
        leaf = mapping(material.get("certificate")) or (mapping(chain[0]) if chain else {})
        entries = items(material.get("tlogEntries"))
        body = mapping(entries[0]).get("canonicalizedBody") if entries else None
        yield SignedPart(_decoded(leaf.get("rawBytes")), _decoded(body))


def _decoded(value: Any) -> bytes | None:
    try:
        return binascii.a2b_base64(value) if isinstance(value, str) and value else None
    except (binascii.Error, ValueError):
        return None

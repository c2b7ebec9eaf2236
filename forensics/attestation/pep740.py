"""PEP 740: provenance objects and attestations of PyPI, read leniently.

Sources: PEP 740; the Python Packaging User Guide, "Index hosted attestations". Unknown publisher kinds, further keys,
`environment: ""`, `claims` and the proposed `timestamps` are borne: an index may write what this version does not know.
"""

from __future__ import annotations

import json
from typing import Any

from forensics.attestation.raw import (
    IN_TOTO,
    MAX_ATTESTATIONS,
    MAX_ENTRIES,
    MAX_STATEMENT,
    MAX_TIMESTAMPS,
    RawAttestation,
    decode,
    items,
    octets,
    parse_entry,
    section,
)
from forensics.model.attestation import Publisher
from forensics.model.errors import HostileInput, MalformedEvidence


def is_provenance(data: Any) -> bool:
    """Return whether *data* has the shape of a provenance object."""
    return isinstance(data, dict) and "attestation_bundles" in data


def is_attestation(data: Any) -> bool:
    """Return whether *data* has the shape of a single PEP 740 attestation."""
    return isinstance(data, dict) and "verification_material" in data


def parse_provenance(data: Any) -> list[tuple[Publisher, list[dict[str, Any]]]]:
    """Return each bundle of a provenance object: the publisher that the index states, and its attestations unread.

    Raises MalformedEvidence for another shape or version, HostileInput for more than 64 attestations.
    Source: PEP 740, "Provenance objects".
    """
    if not isinstance(data, dict) or data.get("version") != 1:
        raise MalformedEvidence("a provenance object of a version other than 1")
    if not isinstance(data.get("attestation_bundles"), list):
        raise MalformedEvidence("a provenance object without a list of attestation bundles")
    bundles: list[tuple[Publisher, list[dict[str, Any]]]] = []
    count = 0
    for bundle in items(data, "attestation_bundles", MAX_ATTESTATIONS):
        if not isinstance(bundle, dict):
            raise MalformedEvidence("an attestation bundle that is not an object")
        attestations = items(bundle, "attestations", MAX_ATTESTATIONS)
        count += len(attestations)
        if count > MAX_ATTESTATIONS:
            raise HostileInput(f"a provenance object of more than {MAX_ATTESTATIONS} attestations")
        bundles.append((parse_publisher(bundle.get("publisher")), attestations))
    return bundles


def parse_publisher(data: Any) -> Publisher:
    """Return the publisher *data*, every field kept as it was written; an empty text counts as not stated.

    Values that are not text are kept as compact JSON. A publisher without a kind has the kind `unknown`.
    """
    if not isinstance(data, dict):
        return Publisher("unknown")
    fields = tuple((name, _field(value)) for name, value in data.items() if name != "kind")
    kind = data.get("kind")
    return Publisher(kind if isinstance(kind, str) else "unknown", fields)


def parse_attestation(data: Any) -> RawAttestation:
    """Return the parts of a PEP 740 attestation.

    Raises MalformedEvidence where a part is missing or cannot be read, HostileInput for a statement of more than 4 MiB
    or more than 32 log entries. Source: PEP 740, "Attestation objects".
    """
    if not isinstance(data, dict) or data.get("version") != 1:
        raise MalformedEvidence("an attestation of a version other than 1")
    material, envelope = section(data, "verification_material"), section(data, "envelope")
    statement = octets(envelope, "statement", MAX_STATEMENT)
    if len(statement) > MAX_STATEMENT:
        raise HostileInput(f"a statement of {len(statement)} bytes; the limit is {MAX_STATEMENT}")
    entries = tuple(parse_entry(entry) for entry in items(material, "transparency_entries", MAX_ENTRIES))
    if not entries:
        raise MalformedEvidence("an attestation without a transparency log entry")
    return RawAttestation(
        media_type="",
        payload_type=IN_TOTO,
        payload=statement,
        digest=None,
        signature=octets(envelope, "signature"),
        signatures=1,
        certificate=octets(material, "certificate"),
        chain=(),
        key_hint=None,
        entries=entries,
        timestamps=tuple(decode(item, "timestamps") for item in items(material, "timestamps", MAX_TIMESTAMPS)),
    )


def _field(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

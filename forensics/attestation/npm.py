"""npm: the registry's list of attestations of one version, and what a subject is called there.

Sources: npm's attestation documents (github.com/npm/attestation, publish v0.1); npm's registry API; npm/pacote
`lib/registry.js`. Unknown keys, unknown predicate types and rows of another shape are borne and kept: a registry may
list what this version does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from forensics.attestation.raw import MAX_ATTESTATIONS, MAX_STATEMENT, RawAttestation, items, octets, section
from forensics.attestation.statement import parse_statement
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.project import Ecosystem, Project

PURL_PREFIX = "pkg:npm/"


@dataclass(frozen=True, slots=True)
class ListedAttestation:
    """One row of the list: the predicate type that the registry states, the bundle unread, and every further member.

    *bundle* is None where the row holds none. Nothing outside the bundle is signed.
    """

    predicate_type: str | None
    bundle: Any
    extra: Mapping[str, Any]


def is_attestation_list(data: Any) -> bool:
    """Return whether *data* has the shape of the registry's answer: rows with bundles under `attestations`."""
    rows = data.get("attestations") if isinstance(data, Mapping) else None
    return isinstance(rows, list) and any(isinstance(row, Mapping) and "bundle" in row for row in rows)


def parse_attestation_list(data: Any) -> tuple[ListedAttestation, ...]:
    """Return each row of the registry's answer `{"attestations": […]}`, in its order.

    Raises MalformedEvidence where there is no such list, HostileInput for more than 64 rows.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("attestations"), list):
        raise MalformedEvidence("an answer about attestations without a list of them")
    return tuple(_listed(row) for row in items(data, "attestations", MAX_ATTESTATIONS))


def _listed(row: Any) -> ListedAttestation:
    if not isinstance(row, Mapping):
        return ListedAttestation(None, None, {"row": row})
    stated = row.get("predicateType")
    extra = {name: value for name, value in row.items() if name not in ("predicateType", "bundle")}
    return ListedAttestation(stated if isinstance(stated, str) else None, row.get("bundle"), extra)


def npm_purl(name: str, version: str) -> str:
    """Return the package URL that npm writes for *name* and *version*: `pkg:npm/%40scope/name@1.0.0`."""
    return Project(Ecosystem.NPM, name).purl_of(version)


def same_purl(one: str, other: str) -> bool:
    """Return whether two package URLs of npm name the same version, however they are percent-encoded."""
    return one == other or (
        one.startswith(PURL_PREFIX) and other.startswith(PURL_PREFIX) and unquote(one) == unquote(other)
    )


def subject_is_npm(bundle: Any) -> bool:
    """Return whether the statement in *bundle* (parsed JSON, unverified) is about a version of npm."""
    try:
        statement = parse_statement(octets(section(bundle, "dsseEnvelope"), "payload", MAX_STATEMENT))
    except (MalformedEvidence, HostileInput):
        return False
    return any(subject.name.startswith(PURL_PREFIX) for subject in statement.subjects)


def listing_problem(raw: RawAttestation, stated: str | None, actual: str | None) -> str:
    """Return what is wrong with the form of a bundle in npm's list; an empty text if nothing is.

    *stated* is the predicate type that the list gives, *actual* that of the statement. A key id stands only beside a
    registry key: npm's client refuses a certificate's envelope that names one. Source: npm/pacote `lib/registry.js`.
    """
    if stated is not None and actual is not None and stated != actual:
        return f"the registry lists it as {stated[:200]!r}, the statement is {actual[:200]!r}"
    if raw.certificate is not None and raw.key_id:
        return f"the envelope names the key {raw.key_id[:100]!r}, although a certificate signed"
    return ""

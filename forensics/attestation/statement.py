"""in-toto statements, their envelopes, and the predicates that matter here.

Sources: in-toto Attestation Framework, Statement v1 and v0.1; DSSE v1 ("protocol"); SLSA v0.2 and v1; PEP 740 and
PyPI's publish predicate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from forensics.attestation.raw import IN_TOTO, parse_json
from forensics.model.errors import MalformedEvidence

STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
SLSA_V1 = "https://slsa.dev/provenance/v1"
SLSA_V02 = "https://slsa.dev/provenance/v0.2"
NPM_PUBLISH_PREFIX = "https://github.com/npm/attestation/tree/main/specs/publish/"
UPLOADED = "Who uploaded it"
BUILT = "How it was built"
_PYPI_SUFFIX = "/attestations/publish/v1"
MAX_SUBJECTS = 4096


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject: a name, and digests by algorithm, in lower-case hex."""

    name: str
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto statement as far as it is read; *predicate* is kept as it was."""

    type: str
    predicate_type: str
    subjects: tuple[Subject, ...]
    predicate: Any = field(repr=False)


def parse_statement(payload: bytes) -> Statement:
    """Return the in-toto statement *payload* (JSON, UTF-8).

    Raises MalformedEvidence where it is not one of version 1 or 0.1 with subjects that have names and digests.
    Source: in-toto Attestation Framework, Statement.
    """
    try:
        data = parse_json(payload)
    except (ValueError, RecursionError) as error:
        raise MalformedEvidence("the statement is not JSON") from error
    if not isinstance(data, Mapping) or data.get("_type") not in STATEMENT_TYPES:
        raise MalformedEvidence("the payload is not an in-toto statement")
    predicate_type, subjects = data.get("predicateType"), data.get("subject")
    if not isinstance(predicate_type, str) or not isinstance(subjects, list) or not subjects:
        raise MalformedEvidence("the statement lacks a predicate type or subjects")
    if len(subjects) > MAX_SUBJECTS:
        raise MalformedEvidence(f"the statement has {len(subjects)} subjects; the limit is {MAX_SUBJECTS}")
    return Statement(data["_type"], predicate_type, tuple(map(_subject, subjects)), data.get("predicate"))


def label_of_predicate(predicate_type: str) -> str:
    """Return what a predicate answers, for a reader: who uploaded it, how it was built, or the type itself."""
    if predicate_type.endswith(_PYPI_SUFFIX) or predicate_type.startswith(NPM_PUBLISH_PREFIX):
        return UPLOADED
    return BUILT if predicate_type in (SLSA_V1, SLSA_V02) else predicate_type


@cache
def publish_predicate_type() -> str:
    """Return the type of PyPI's publish predicate, from `pypi_attestations` (loaded on the first call)."""
    from pypi_attestations import AttestationType

    return AttestationType.PYPI_PUBLISH_V1.value


def publish_statement(filename: str, sha256: str, *, empty_predicate: bool = False) -> bytes:
    """Return the statement that PyPI's publish attestation signs for the file, byte for byte.

    *sha256* is in hex. Publishers write the predicate as null; *empty_predicate* gives the other form that PyPI
    accepts, `{}`. Sources: PyPI's publish predicate v1; pypi-attestations, `Attestation.sign`.
    """
    statement: dict[str, Any] = {
        "_type": STATEMENT_TYPES[0],
        "subject": [{"name": filename, "digest": {"sha256": sha256}}],
        "predicateType": publish_predicate_type(),
        "predicate": {} if empty_predicate else None,
    }
    return json.dumps(statement, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that a DSSE signature covers. Source: DSSE v1, "Signature definition", PAE."""
    kind = payload_type.encode("utf-8", "surrogatepass")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def is_statement_type(payload_type: str) -> bool:
    """Return whether an envelope of *payload_type* should hold an in-toto statement."""
    return payload_type == IN_TOTO


def _subject(data: Any) -> Subject:
    digests = data.get("digest") if isinstance(data, Mapping) else None
    if not isinstance(digests, Mapping) or not all(isinstance(value, str) for value in digests.values()):
        raise MalformedEvidence("the statement has a subject without digests")
    name = data.get("name")
    return Subject(name if isinstance(name, str) else "", {key: value.lower() for key, value in digests.items()})

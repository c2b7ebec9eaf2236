"""Rebuilding what a log signed: the statement of a PyPI publish attestation, from a file's name and digest.

A `dsse` entry holds the hash of the statement and not the statement. PyPI's publish statement is fixed by name and
SHA-256 alone, so it can be written again byte for byte and recognised by its hash. Where no hash fits, the entry is of
another predicate, name or digest: it *cannot be rebuilt*, which says nothing about tampering.

Sources: PEP 740; PyPI's publish predicate v1; sigstore/rekor pkg/types/dsse; pypi-attestations, `Attestation.sign`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from forensics.attestation.entry import LoggedEntry, read_body
from forensics.attestation.statement import publish_statement

MAX_STATEMENTS = 200_000
"""Statements that are written and hashed in one search for a match: a second's work."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A statement that is the one behind *entry*: its hash is the payload hash in the log."""

    entry: LoggedEntry
    filename: str
    sha256: str
    statement: bytes

    def pep740(self) -> dict[str, Any]:
        """Return the attestation as an index would serve it (PEP 740), with the proof of the log's answer."""
        body = read_body(self.entry.raw)
        return {
            "version": 1,
            "verification_material": {
                "certificate": _b64(body.certificate or b""),
                "transparency_entries": [dict(self.entry.bundled)],
            },
            "envelope": {"statement": _b64(self.statement), "signature": _b64(body.signature)},
        }


class Statements:
    """Publish statements by their SHA-256: every pair of name and digest that was added, in all forms."""

    def __init__(self) -> None:
        self._by_hash: dict[str, tuple[str, str, bytes]] = {}

    def add(self, filenames: Iterable[str], digests: Iterable[str]) -> None:
        """Add every name with every digest (SHA-256, hex), also under the other spellings of the name.

        What was added first keeps its place; beyond MAX_STATEMENTS nothing more is added.
        """
        names = [(name, spelling) for name in filenames for spelling in spellings(name)]
        room = MAX_STATEMENTS - len(self._by_hash)
        for (name, spelling), digest, empty in islice(product(names, list(digests), (False, True)), max(room, 0)):
            statement = publish_statement(spelling, digest, empty_predicate=empty)
            self._by_hash.setdefault(hashlib.sha256(statement).hexdigest(), (name, digest, statement))

    def rebuild(self, entry: LoggedEntry) -> Rebuilt | None:
        """Return the statement behind *entry*; None where none of those added is it, or it is no `dsse` entry."""
        body = read_body(entry.raw)
        if body.payload_hash is None or body.certificate is None or entry.raw.kind != "dsse":
            return None
        known = self._by_hash.get(body.payload_hash)
        return Rebuilt(entry, *known) if known else None


def spellings(filename: str) -> tuple[str, ...]:
    """Return the names under which a file may have been attested: as given, then its project's name otherwise spelt.

    Sources: the Python Packaging User Guide on wheel and sdist names; older tools left names as they were.
    """
    parts = filename.split("-") if filename.endswith(".whl") else list(filename.rpartition("-")[::2])
    if len(parts) < 2 or not parts[0]:
        return (filename,)
    if filename.endswith(".whl") and len(parts) < 5:
        return (filename,)
    name, rest = parts[0], "-".join(parts[1:])
    if filename.endswith(".whl") and len(parts) > 6:  # the name itself holds dashes
        name, rest = "-".join(parts[:-4]), "-".join(parts[-4:])
    plain = re.sub(r"[-_.]+", "-", name)
    variants = [name, plain.replace("-", "_"), plain, plain.replace("-", ".")]
    variants += [variant.lower() for variant in variants]
    return tuple(dict.fromkeys(f"{variant}-{rest}" for variant in variants))


def candidate_names(missing: Iterable[str], patterns: Mapping[str, str]) -> tuple[str, ...]:
    """Return the file names that missing versions probably had, patterned on neighbours: *patterns*, name to version.

    Patterns that do not hold their own version are left out; so are those of one platform or interpreter, whose like
    the missing release need not have had, unless there is no other.
    """
    shapes = dict.fromkeys(
        (before, after)
        for filename, version in patterns.items()
        for before, found, after in [filename.partition(f"-{version}")]
        if found
    )
    plain = [s for s in shapes if not s[1].endswith(".whl") or s[1].endswith("-none-any.whl")]
    return tuple(
        dict.fromkeys(f"{before}-{version}{after}" for version in missing for before, after in plain or shapes)
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()

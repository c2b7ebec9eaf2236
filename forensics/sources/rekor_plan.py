"""What to ask the log about a project, in which order, and what must be found for silence to mean anything.

Asked are digests of files that the index lost, then bare digests that somebody published, then listed files without
attestation where the project attests; not all files of all releases. The order is the order in which a budget is
spent: newest first. What is asked follows from the index and the imports alone, so that a replay asks the same.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from packaging.version import Version

from forensics.attestation.certificate import identity_of
from forensics.attestation.pep740 import parse_provenance
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import EvidenceError
from forensics.model.identity import RefClass
from forensics.sources.index import Index, IndexFile, ProvenanceAnswer
from forensics.sources.interface import items, mapping
from forensics.sources.supplements import NamedFile, Supplements
from forensics.transparency.merkle import leaf_hash

MAX_UNATTESTED = 20
"""Listed files without attestation that are looked up, newest first: the index answered for them already."""
MAX_SUBJECTS = 10
MAX_MISSING = 20
MAX_GAP = 20
CONTROLS = 2
"""Neighbours of a release whose entries a search must find before its silence counts."""


@dataclass(frozen=True, slots=True)
class Target:
    """A digest to search for. *why* is `removed`, `loose` (no file name is known) or `unattested` (still listed)."""

    sha256: str
    why: str
    filename: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A listed, attested file: searching for its digest must find the entry with this leaf hash."""

    filename: str
    version: str
    sha256: str
    uuid: str
    uploaded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The questions. `controls` are by version of the targets.

    `known` are the leaf hashes of the entries that the index's own objects hold.
    """

    targets: tuple[Target, ...]
    controls: Mapping[str, tuple[Control, ...]]
    indices: tuple[int, ...]
    subjects: tuple[str, ...]
    known: frozenset[str]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not (self.targets or self.indices or self.subjects)


def plan_for(
    index: Outcome[Index], provenance: Mapping[str, Outcome[ProvenanceAnswer]], supplements: Supplements
) -> Plan:
    """Return what to ask the log, given what the index answered and what the imports name."""
    files = index.value.files if isinstance(index, Checked) else ()
    attested = [c for file in files for c in _controls_in(file, provenance.get(file.filename))]
    targets = [*_removed(files, supplements), *_loose(files, supplements)]
    if attested:
        targets += _unattested(files, provenance, min((c.uploaded_at for c in attested if c.uploaded_at), default=None))
    versions = {t.version: _published(t.version, files, supplements) for t in targets if t.version}
    return Plan(
        targets=tuple(dict.fromkeys(targets)),
        controls={version: _neighbours(version, at, attested) for version, at in versions.items()},
        indices=tuple(dict.fromkeys(index for index, *_ in supplements.log_indices if index >= 0)),
        subjects=tuple(_subjects(files, provenance, missing_versions(files, supplements))),
        known=frozenset(c.uuid for c in attested),
    )


def missing_versions(files: Iterable[IndexFile], supplements: Supplements) -> tuple[str, ...]:
    """Return versions that the index does not list: those that somebody names, then missing numbers, newest first."""
    listed = {file.version for file in files}
    known = {v for v in map(_version, listed) if v is not None}
    named = {text for text in supplements.versions() if (v := _version(text)) is None or v not in known}
    gaps: set[str] = set()
    finals = sorted(v for v in known if len(v.release) == 3 and not (v.is_prerelease or v.epoch))
    for low, high in pairwise(finals):
        if low.release[:2] == high.release[:2] and 1 < high.micro - low.micro <= MAX_GAP + 1:
            gaps |= {f"{low.major}.{low.minor}.{n}" for n in range(low.micro + 1, high.micro)}
    order = sorted(named, key=_key, reverse=True) + sorted(gaps - named, key=_key, reverse=True)
    return tuple(order[:MAX_MISSING])


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:
        return None


def _key(text: str) -> tuple[bool, Version]:
    version = _version(text)
    return (version is not None, version or Version("0"))


def _controls_in(file: IndexFile, outcome: Outcome[ProvenanceAnswer] | None) -> list[Control]:
    """The entries of Rekor v1 in the provenance object of *file*, by their leaf hashes; what cannot be read is none."""
    if file.sha256 is None:
        return []
    uuids = [leaf_hash(body).hex() for body in map(_body, _attestations(outcome)) if body]
    return [Control(file.filename, file.version, file.sha256, uuid, file.uploaded_at) for uuid in uuids]


def _attestations(outcome: Outcome[ProvenanceAnswer] | None) -> list[dict[str, Any]]:
    if not isinstance(outcome, Checked) or outcome.value.data is None:
        return []
    try:
        return [mapping(a) for _, attestations in parse_provenance(outcome.value.data) for a in attestations]
    except EvidenceError:
        return []


def _body(attestation: Mapping[str, Any]) -> bytes | None:
    entries = items(mapping(attestation.get("verification_material")).get("transparency_entries"))
    body = mapping(entries[0]).get("canonicalizedBody") if entries else None
    try:
        return binascii.a2b_base64(body) if isinstance(body, str) else None
    except (binascii.Error, ValueError):
        return None


def _removed(files: Iterable[IndexFile], supplements: Supplements) -> list[Target]:
    listed = {file.filename for file in files}
    named = [f for f in supplements.files if f.sha256 and f.filename not in listed]
    return [Target(str(f.sha256), "removed", f.filename, f.version) for f in sorted(named, key=_newest, reverse=True)]


def _newest(file: NamedFile) -> tuple[datetime, tuple[bool, Version], str]:
    return (file.uploaded_at or datetime.min.replace(tzinfo=UTC), _key(file.version), file.filename)


def _loose(files: Iterable[IndexFile], supplements: Supplements) -> list[Target]:
    placed = {file.sha256 for file in files} | {file.sha256 for file in supplements.files}
    return [Target(sha256, "loose") for sha256, *_ in supplements.loose_hashes if sha256 not in placed]


def _unattested(
    files: Iterable[IndexFile], provenance: Mapping[str, Outcome[ProvenanceAnswer]], since: datetime | None
) -> list[Target]:
    """Listed files of which the index gave no attestation, published since the project attests, newest first."""
    bare = [
        file
        for file in files
        if file.sha256
        and file.uploaded_at
        and (since is None or file.uploaded_at > since)
        and ((o := provenance.get(file.filename)) is None or isinstance(o, NotChecked) or o.value.data is None)
    ]
    bare.sort(key=lambda file: (str(file.uploaded_at), file.filename), reverse=True)
    return [Target(str(f.sha256), "unattested", f.filename, f.version) for f in bare[:MAX_UNATTESTED]]


def _published(version: str, files: Iterable[IndexFile], supplements: Supplements) -> datetime | None:
    times = [f.uploaded_at for f in files if f.version == version and f.uploaded_at]
    times += [f.uploaded_at for f in supplements.files if f.version == version and f.uploaded_at]
    times += [t.at for t in supplements.times if t.version == version and t.what == "published"]
    return min(times, default=None)


def _neighbours(version: str, at: datetime | None, attested: list[Control]) -> tuple[Control, ...]:
    """Return one attested file of the release before and one after, by time or else by version; both before if none."""
    first: dict[str, Control] = {}
    for control in sorted(attested, key=lambda c: (str(c.uploaded_at or ""), c.filename)):
        if control.version != version:
            first.setdefault(control.version, control)
    if at is not None and all(c.uploaded_at for c in first.values()):
        before = [c for c in first.values() if c.uploaded_at and c.uploaded_at <= at]
        after = [c for c in first.values() if c.uploaded_at and c.uploaded_at > at]
    else:
        ordered = sorted(first.values(), key=lambda c: _key(c.version))
        before = [c for c in ordered if _key(c.version) < _key(version)]
        after = [c for c in ordered if _key(c.version) > _key(version)]
    chosen = [*before[-1:], *after[:1]]
    more = [*reversed(before[:-1]), *after[1:]]
    return tuple((chosen + more)[:CONTROLS])


def _subjects(
    files: Iterable[IndexFile], provenance: Mapping[str, Outcome[ProvenanceAnswer]], missing: tuple[str, ...]
) -> list[str]:
    """Return the names in certificates to search for: of branches as they are, of tags also as missing versions' own.

    The log finds whole names only, so a tag that nobody can guess is not found.
    """
    steady: dict[str, None] = {}
    tagged: dict[str, str] = {}
    for file in sorted(files, key=lambda f: (str(f.uploaded_at or ""), f.filename), reverse=True):
        if len(steady) >= MAX_SUBJECTS or len(tagged) >= MAX_SUBJECTS:
            break
        for name, is_tag in _names_in(provenance.get(file.filename)):
            if is_tag and file.version in name:
                tagged.setdefault(name, file.version)
            else:
                steady.setdefault(name)
    guessed = [
        name.replace(version, one) for name, version in list(tagged.items())[:1] for one in missing if one != version
    ]
    return list(dict.fromkeys([*steady, *guessed, *list(tagged)[:MAX_SUBJECTS]]))


def _names_in(outcome: Outcome[ProvenanceAnswer] | None) -> list[tuple[str, bool]]:
    """The names in the certificates of a provenance object, and whether each is of a build on a tag."""
    found = []
    for attestation in _attestations(outcome):
        encoded = mapping(attestation.get("verification_material")).get("certificate")
        try:
            identity = identity_of(binascii.a2b_base64(encoded if isinstance(encoded, str) else ""))
        except (EvidenceError, binascii.Error, ValueError):
            continue
        name = identity.subject_alternative_name
        if name and len(name) <= 512:
            found.append((name, identity.ref_class is RefClass.TAG))
    return found

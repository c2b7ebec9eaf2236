"""What to ask the log about a project, in which order, and what must be found for silence to mean anything.

Asked are digests of files that the index lost, then bare digests that somebody published, then listed files without
attestation where the project attests; not all files of all releases. The order is the order in which a budget is
spent: newest first. What is asked follows from the index and the imports alone, so that a replay asks the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.identity import RefClass
from forensics.model.versions import PEP440, VersionRules
from forensics.sources.index import Index, IndexFile, ProvenanceAnswer
from forensics.sources.signed import signed_parts
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
    """A digest (SHA-256 or SHA-512, hex) to search for.

    *why* is `removed`, `loose` (no file name is known) or `unattested` (still listed).
    """

    digest: str
    why: str
    filename: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A listed, attested file: searching for its digest must find the entry with this leaf hash."""

    filename: str
    version: str
    digest: str
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
    ids: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not (self.targets or self.indices or self.ids or self.subjects)


def plan_for(
    index: Outcome[Index],
    provenance: Mapping[str, Outcome[ProvenanceAnswer]],
    supplements: Supplements,
    rules: VersionRules = PEP440,
) -> Plan:
    """Return what to ask the log, given what the index answered and what the imports name.

    *rules* say how the project's versions are ordered.
    """
    known = index.value if isinstance(index, Checked) else None
    files = known.files if known else ()
    forgotten = tuple(r.version for r in known.versions.values() if not r.listed) if known else ()
    attested = [c for file in files for c in _controls_in(file, provenance.get(file.filename))]
    targets = [*_removed(files, supplements, rules), *_loose(files, supplements)]
    if attested:
        targets += _unattested(files, provenance, min((c.uploaded_at for c in attested if c.uploaded_at), default=None))
    versions = {t.version: _published(t.version, files, supplements) for t in targets if t.version}
    missing = missing_versions(files, supplements, rules, forgotten)
    return Plan(
        targets=tuple(dict.fromkeys(targets)),
        controls={version: _neighbours(version, at, attested, rules) for version, at in versions.items()},
        indices=tuple(dict.fromkeys(index for index, *_ in supplements.log_indices if index >= 0)),
        subjects=tuple(_subjects(files, provenance, missing)),
        known=frozenset(c.uuid for c in attested),
        ids=tuple(dict.fromkeys(entry for entry, *_ in supplements.log_ids)),
    )


def missing_versions(
    files: Iterable[IndexFile],
    supplements: Supplements,
    rules: VersionRules = PEP440,
    forgotten: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return versions that the index does not list: those that somebody names, then missing numbers, newest first.

    *forgotten* are versions that the index itself remembers and no longer lists.
    """
    versions = {file.version for file in files}
    listed = set(map(rules.canonical, versions))
    said = supplements.versions() | set(forgotten)
    named = {text for text in said if rules.canonical(text) not in listed}
    gaps: set[str] = set()
    numbers = {rules.numbers(text) or () for text in versions if rules.final(text)}
    finals = sorted(n for n in numbers if len(n) == 3)
    for low, high in pairwise(finals):
        if low[:2] == high[:2] and 1 < high[2] - low[2] <= MAX_GAP + 1:
            gaps |= {f"{low[0]}.{low[1]}.{n}" for n in range(low[2] + 1, high[2])}
    order = sorted(named, key=rules.key, reverse=True) + sorted(gaps - named, key=rules.key, reverse=True)
    return tuple(order[:MAX_MISSING])


def _controls_in(file: IndexFile, outcome: Outcome[ProvenanceAnswer] | None) -> list[Control]:
    """The entries of Rekor v1 in the attestations of *file*, by their leaf hashes; what cannot be read is none."""
    digest = file.digest
    if digest is None:
        return []
    uuids = [leaf_hash(part.body).hex() for part in signed_parts(outcome) if part.body]
    return [Control(file.filename, file.version, digest, uuid, file.uploaded_at) for uuid in uuids]


def _removed(files: Iterable[IndexFile], supplements: Supplements, rules: VersionRules) -> list[Target]:
    listed = {file.filename for file in files}
    named = [f for f in supplements.files if f.digest and f.filename not in listed]

    def newest(file: NamedFile) -> tuple[datetime, tuple[int, Any], str]:
        return (file.uploaded_at or datetime.min.replace(tzinfo=UTC), rules.key(file.version), file.filename)

    return [Target(str(f.digest), "removed", f.filename, f.version) for f in sorted(named, key=newest, reverse=True)]


def _loose(files: Iterable[IndexFile], supplements: Supplements) -> list[Target]:
    placed = {file.digest for file in files} | {file.digest for file in supplements.files}
    return [Target(digest, "loose") for digest, *_ in supplements.loose_hashes if digest not in placed]


def _unattested(
    files: Iterable[IndexFile], provenance: Mapping[str, Outcome[ProvenanceAnswer]], since: datetime | None
) -> list[Target]:
    """Listed files of which the index gave no attestation, published since the project attests, newest first."""
    bare = [
        file
        for file in files
        if file.digest
        and file.uploaded_at
        and (since is None or file.uploaded_at > since)
        and ((o := provenance.get(file.filename)) is None or isinstance(o, NotChecked) or o.value.data is None)
    ]
    bare.sort(key=lambda file: (str(file.uploaded_at), file.filename), reverse=True)
    return [Target(str(f.digest), "unattested", f.filename, f.version) for f in bare[:MAX_UNATTESTED]]


def _published(version: str, files: Iterable[IndexFile], supplements: Supplements) -> datetime | None:
    times = [f.uploaded_at for f in files if f.version == version and f.uploaded_at]
    times += [f.uploaded_at for f in supplements.files if f.version == version and f.uploaded_at]
    times += [t.at for t in supplements.times if t.version == version and t.what == "published"]
    return min(times, default=None)


def _neighbours(version: str, at: datetime | None, attested: list[Control], rules: VersionRules) -> tuple[Control, ...]:
    """Return one attested file of the release before and one after, by time or else by version; both before if none."""
    first: dict[str, Control] = {}
    for control in sorted(attested, key=lambda c: (str(c.uploaded_at or ""), c.filename)):
        if control.version != version:
            first.setdefault(control.version, control)
    if at is not None and all(c.uploaded_at for c in first.values()):
        before = [c for c in first.values() if c.uploaded_at and c.uploaded_at <= at]
        after = [c for c in first.values() if c.uploaded_at and c.uploaded_at > at]
    else:
        ordered = sorted(first.values(), key=lambda c: rules.key(c.version))
        before = [c for c in ordered if rules.key(c.version) < rules.key(version)]
        after = [c for c in ordered if rules.key(c.version) > rules.key(version)]
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
    """The names in the certificates of an answer, and whether each is of a build on a tag."""
    found = []
    for part in signed_parts(outcome):
        identity = part.identity()
        name = identity.subject_alternative_name if identity else None
        if identity and name and len(name) <= 512:
            found.append((name, identity.ref_class is RefClass.TAG))
    return found

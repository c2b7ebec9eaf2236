"""What earlier cases of the project add to its history: files and versions that are gone, attestations they had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from forensics.model.attestation import Attestation
from forensics.model.checked import Checked, Outcome
from forensics.model.publication import Publication
from forensics.sources.index import Index
from forensics.sources.snapshot import Snapshot
from forensics.sources.supplements import NamedFile, Supplements


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier cases hold.

    `cases` names them. `attested` are verified attestations by file name, an empty tuple where an earlier case observed
    that there were none. `publications` are what the index stated of versions, by version as it was written.
    """

    cases: tuple[str, ...] = ()
    attested: Mapping[str, tuple[Attestation, ...]] = field(default_factory=dict)
    publications: Mapping[str, Outcome[Publication]] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """A snapshot and the observation that it was imported as."""

    snapshot: Snapshot
    observation: str

    @property
    def index(self) -> Index | None:
        """What the index said then, None where it did not answer."""
        return self.snapshot.index.value if isinstance(self.snapshot.index, Checked) else None


def name_files(supplements: Supplements, snapshots: Sequence[Imported]) -> None:
    """Add to *supplements* every file and version that the index listed when earlier cases were collected."""
    for one in snapshots:
        evidence, source = (one.observation,), f"case {one.snapshot.case}"
        said = f"saw it listed on {one.snapshot.at:%Y-%m-%d}"
        for file in one.index.files if one.index else ():
            supplements.files.append(
                NamedFile(
                    file.filename,
                    file.version,
                    file.sha256,
                    file.size,
                    file.uploaded_at,
                    file.path,
                    None,
                    evidence,
                    file.sha512,
                )
            )
            supplements.mention(file.version, source, said, evidence)


def publications_of(snapshots: Sequence[Imported]) -> dict[str, Outcome[Publication]]:
    """Return what the index stated of each version in the latest of *snapshots* that lists it, with its evidence."""
    found: dict[str, Outcome[Publication]] = {}
    for one in sorted(snapshots, key=lambda s: s.snapshot.at):
        for version, record in one.index.versions.items() if one.index else ():
            if record.listed and isinstance(record.publication, Checked):
                found[version] = replace(record.publication, evidence=(one.observation,))
    return found

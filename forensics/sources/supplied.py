"""What imports say, whatever their kind: files with digests, times, mentions, leads into the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from forensics.model.event import TimeKind
from forensics.model.release import Advisory, Mention


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that a supplement names: its digests (hex), and what else the source states."""

    filename: str
    version: str
    sha256: str | None
    size: int | None = None
    uploaded_at: datetime | None = None
    path: str | None = None
    upload_client: str | None = None
    evidence: tuple[str, ...] = ()
    sha512: str | None = None

    @property
    def digest(self) -> str | None:
        """The digest that logs are searched by: SHA-512 where it is stated, else SHA-256."""
        return self.sha512 or self.sha256


@dataclass(frozen=True, slots=True)
class StatedTime:
    """A time that a supplement states for a version: `published` or `removed`, whose word it is, and from where."""

    version: str
    what: str
    at: datetime
    kind: TimeKind
    source: str
    evidence: tuple[str, ...]


@dataclass(slots=True)
class Supplements:
    """Everything that imports say about one project.

    `loose_hashes` are digests (SHA-256 or SHA-512, hex) of which nobody says whose they are; `log_indices` and
    `log_ids` are entries of the log to look up. Each with words, its source and evidence.
    """

    files: list[NamedFile] = field(default_factory=list)
    times: list[StatedTime] = field(default_factory=list)
    mentions: dict[str, list[Mention]] = field(default_factory=dict)
    loose_hashes: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    log_indices: list[tuple[int, str, str, tuple[str, ...]]] = field(default_factory=list)
    log_ids: list[tuple[str, str, str, tuple[str, ...]]] = field(default_factory=list)
    advisory_ids: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    advisories: list[Advisory] = field(default_factory=list)
    asked: int = 0
    problems: list[str] = field(default_factory=list)

    def mention(self, version: str, source: str, words: str, evidence: tuple[str, ...]) -> None:
        """Note that *source* names *version*; the same words twice count once."""
        entry = Mention(source, words, evidence)
        known = self.mentions.setdefault(version, [])
        if entry not in known:
            known.append(entry)

    def joined(self, other: Supplements) -> Supplements:
        """Return what both say, this one first."""
        both = Supplements(
            [*self.files, *other.files],
            [*self.times, *other.times],
            {version: list(some) for version, some in self.mentions.items()},
            [*self.loose_hashes, *other.loose_hashes],
            [*self.log_indices, *other.log_indices],
            [*self.log_ids, *other.log_ids],
            [*self.advisory_ids, *other.advisory_ids],
            [*self.advisories, *other.advisories],
            self.asked + other.asked,
            [*self.problems, *other.problems],
        )
        for version, some in other.mentions.items():
            for one in some:
                both.mention(version, one.source, one.text, one.evidence)
        return both

    def versions(self) -> set[str]:
        """Return every version that a supplement names."""
        named = {f.version for f in self.files} | {t.version for t in self.times}
        return named | set(self.mentions)

"""What follows from one case, and what a reader must know about the case itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from forensics.model.errors import NoSuchVersion
from forensics.model.event import Event
from forensics.model.finding import Assessment, Gap, Verdict, Wave
from forensics.model.observation import Observation
from forensics.model.project import Project
from forensics.model.release import History

if TYPE_CHECKING:
    import polars as pl

    from forensics.compare.beside import Beside
    from forensics.signals.engine import Suspended
    from forensics.timeline.logged import Logged


@dataclass(frozen=True, slots=True)
class Analysis:
    """What follows from one case: the history, the judgement on it, and everything they rest on.

    `compared` holds each flagged release beside the one that it is measured against, by version.
    """

    project: Project
    case: CaseFacts
    history: History
    assessments: tuple[Assessment, ...]
    waves: tuple[Wave, ...]
    gaps: tuple[Gap, ...]
    events: tuple[Event, ...]
    suspended: tuple[Suspended, ...]
    observations: tuple[Observation, ...]
    log_leads: tuple[tuple[int, str, str, tuple[str, ...]], ...]
    loose_hashes: tuple[tuple[str, str, tuple[str, ...]], ...]
    logged: Logged | None = None
    compared: Mapping[str, Beside] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The highest verdict of any release; undetermined when there is none."""
        return max((a.verdict for a in self.assessments), key=lambda v: v.rank, default=Verdict.UNDETERMINED)

    def assessment(self, version: str) -> Assessment:
        """Return the assessment of *version*; raises NoSuchVersion, naming near ones."""
        from difflib import get_close_matches

        from forensics.model.versions import rules_of

        rules = rules_of(self.project.ecosystem)
        for found in self.assessments:
            if rules.canonical(found.release.version) == rules.canonical(version):
                return found
        near = get_close_matches(version, [a.release.version for a in self.assessments], 3)
        raise NoSuchVersion(
            f"This case knows no release {version} of {self.project}.",
            meaning="The case is kept as it is; nothing was compared.",
            advice=f"Near ones: {', '.join(near)}." if near else "`forensics timeline --all` lists all it knows.",
        )

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the history as polars frames, by name; their columns stand in `timeline.tables.SCHEMAS`."""
        from forensics.timeline.tables import build_tables

        return build_tables(self.history, self.events, self.observations)


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a reader must know about the case itself."""

    id: str
    reconstruction: str | None
    collected_at: datetime
    complete: bool
    problems: tuple[str, ...]
    tool: str
    endpoints: Mapping[str, str]
    trust_root_sha256: str
    trust_root_name: str
    trust_root_vouched_by: str

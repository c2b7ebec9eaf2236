"""What a sweep keeps of one project: a row for it, one for each release, one for each thing that a release shares.

Rows hold nothing that depends on when or by whom they were made, so the same answers give the same rows; the evidence
stays in the case that `projects.case` names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forensics.model.attestation import Attestation
from forensics.model.finding import Assessment
from forensics.signals.profile import Attested, profile_of
from forensics.sweep.adoption import adoption_of
from forensics.sweep.shared import shared_facts

if TYPE_CHECKING:
    import polars as pl

    from forensics.investigation import Analysis

_TIME, _TEXTS = "datetime", "list[str]"

SCHEMAS: dict[str, dict[str, str]] = {
    "projects": {
        "outcome": "str", "problem": "str", "verdict": "str", "flagged": _TEXTS, "releases": "int", "latest": "str",
        "latest_published": _TIME, "attested": "str", "attested_reason": "str", "first_attested": "str",
        "first_attested_at": _TIME, "trusted_publisher": "str", "identity_provider": "str", "repository": "str",
        "workflow": "str", "slsa": "str", "slsa_reason": "str", "provenance_change": "str", "advisories": "int",
        "sources_missed": _TEXTS, "case": "str",
    },
    "releases": {
        "version": "str", "published": _TIME, "listed": "bool", "yanked": "bool", "line": "str", "door": "str",
        "verdict": "str", "at_publish": "str", "signals": _TEXTS, "not_checked": "int", "attested": "str",
        "predicates": _TEXTS, "issuer": "str", "repository": "str", "repository_id": "str", "workflow": "str",
        "trigger": "str", "ref": "str", "run": "str", "commit": "str", "verified": "str",
    },
    "shared": {"version": "str", "published": _TIME, "flagged": "bool", "kind": "str", "value": "str", "about": "str"},
}  # fmt: skip
"""Columns of each table by name: str, int, bool, datetime (UTC, microseconds) or list[str]. All may be null."""

JUDGED, NO_PROJECT, FAILED = "judged", "no such project", "failed"
"""The outcomes of one project. What failed is tried again by the next run, the others are done."""


@dataclass(frozen=True, slots=True)
class ProjectRows:
    """The rows of one project, by table, each in the order of the columns."""

    rows: Mapping[str, tuple[tuple[Any, ...], ...]]

    @property
    def outcome(self) -> str:
        """Which of JUDGED, NO_PROJECT and FAILED came out."""
        return str(self.rows["projects"][0][0])

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the rows as polars frames with the columns of SCHEMAS."""
        return {name: frame_of(name, rows) for name, rows in self.rows.items()}


def rows_of(analysis: Analysis, case: str) -> ProjectRows:
    """Return what a sweep keeps of *analysis*; *case* is the path of its case inside the sweep."""
    adoption = adoption_of(analysis)
    missed = sorted({s.source for s in analysis.history.sources if s.problem})
    advisories = analysis.history.advisories
    known = getattr(advisories, "value", None)
    project = (
        JUDGED, None, analysis.verdict.value, [a.release.version for a in analysis.assessments if a.verdict.flagged],
        len(analysis.assessments), adoption.latest, adoption.latest_published, adoption.attested,
        adoption.attested_reason, adoption.first_attested, adoption.first_attested_at, adoption.trusted_publisher,
        adoption.identity_provider, adoption.repository, adoption.workflow, adoption.slsa, adoption.slsa_reason,
        adoption.change, None if known is None else len(known), missed, case,
    )  # fmt: skip
    return ProjectRows({
        "projects": (project,),
        "releases": tuple(_release(a) for a in analysis.assessments),
        "shared": tuple(
            (fact.version, fact.published, fact.flagged, fact.kind, fact.value, fact.about)
            for fact in shared_facts(analysis)
        ),
    })  # fmt: skip


def rows_without(outcome: str, problem: str, case: str | None) -> ProjectRows:
    """Return the rows of a project of which nothing could be judged: one row that says why."""
    width = len(SCHEMAS["projects"])
    row: list[Any] = [None] * width
    row[0], row[1], row[-1] = outcome, problem, case
    row[list(SCHEMAS["projects"]).index("sources_missed")] = []
    row[list(SCHEMAS["projects"]).index("flagged")] = []
    return ProjectRows({"projects": (tuple(row),), "releases": (), "shared": ()})


def _release(assessment: Assessment) -> tuple[Any, ...]:
    release = assessment.release
    profile = profile_of(release)
    identity = next(iter(release.identities), None)
    return (
        release.version, release.published, release.listed, release.yanked, assessment.line, assessment.door.value,
        assessment.verdict.value, assessment.at_publish.value, [f.signal for f in assessment.findings],
        len(assessment.not_checked), attested_words(profile.attested),
        sorted({a.predicate_type for a in release.attestations}),
        identity.oidc_issuer if identity else None, identity.repository if identity else None,
        identity.source_repository_identifier if identity else None, identity.workflow if identity else None,
        identity.trigger if identity else None, identity.ref if identity else None,
        identity.run_invocation_uri if identity else None, identity.commit if identity else None,
        verified_words(release.attestations),
    )  # fmt: skip


def attested_words(state: Attested) -> str:
    """Return how much of a release is attested; `not observed` is not `none`."""
    return {
        Attested.FULL: "attested",
        Attested.PARTIAL: "partly attested",
        Attested.NONE: "not attested",
        Attested.UNKNOWN: "not observed",
    }[state]


def verified_words(attestations: Sequence[Attestation]) -> str | None:
    """Return what verifying them came to: `invalid` if one is, `not checked` if one is not, else `valid`."""
    states = {a.verification.status.value for a in attestations}
    return next((word for word in ("invalid", "not checked", "valid") if word in states), None)


def frame_of(table: str, rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Return *rows* as a polars frame with the columns of *table*."""
    import polars as pl

    types: dict[str, Any] = {
        "str": pl.String, "int": pl.Int64, "bool": pl.Boolean, _TIME: pl.Datetime("us", "UTC"),
        _TEXTS: pl.List(pl.String),
    }  # fmt: skip
    schema = {column: types[kind] for column, kind in SCHEMAS[table].items()}
    return pl.DataFrame(rows, schema=schema, orient="row")

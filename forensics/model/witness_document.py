"""The parts of the document that further witnesses fill: CI runs, deps.dev's opinion, accounts, the journal, and where
two sources differ. Conventions as in `document.py`.
"""

from __future__ import annotations

from typing import TypedDict


class StatedAttestationDoc(TypedDict):
    """An attestation as deps.dev lists it; `verified` is its own verdict."""

    type: str
    url: str | None
    verified: bool
    source_repository: str | None
    commit: str | None


class RelatedDoc(TypedDict):
    """A repository that deps.dev ties to a version, on whose word, and as what."""

    project: str
    provenance: str
    relation: str


class FindingDoc(TypedDict):
    """A finding of deps.dev."""

    type: str
    risk: str


class OpinionDoc(TypedDict):
    """What deps.dev says of a version. `findings` null: it did not give them."""

    published: str | None
    default: bool
    deprecated: str | None
    project_status: str | None
    attestations: list[StatedAttestationDoc]
    related: list[RelatedDoc]
    advisories: list[str]
    findings: list[FindingDoc] | None
    registries: list[str]
    evidence: list[str]


class StepDoc(TypedDict):
    """One step of a job and how it ended."""

    name: str
    conclusion: str | None


class JobDoc(TypedDict):
    """One job of a run."""

    name: str
    conclusion: str | None
    started: str | None
    completed: str | None
    steps: list[StepDoc]


class RunDoc(TypedDict):
    """The CI run that a certificate names. With a `reason`, it or its jobs are not known, and that is why."""

    repository: str
    run: int
    attempt: int
    status: str | None
    conclusion: str | None
    trigger: str | None
    commit: str | None
    branch: str | None
    workflow: str | None
    actor: str | None
    started: str | None
    jobs: list[JobDoc]
    reason: str
    evidence: list[str]


class AccountDoc(TypedDict):
    """An account with a role in the project. `other_projects` null: not known, for `reason`.

    `advised_projects` are those of them that have advisories, with the ids; null where that is not known.
    """

    account: str
    role: str
    other_projects: list[str] | None
    advised_projects: dict[str, list[str]] | None
    reason: str
    evidence: list[str]


class StretchDoc(TypedDict):
    """A stretch of time."""

    start: str
    end: str


class JournalDoc(TypedDict):
    """How much of the index's journal was read: rows of the project, in which stretches; a reason where none was."""

    rows: int
    read: list[StretchDoc]
    reason: str
    evidence: list[str]


class NameDoc(TypedDict):
    """What a numeric id of a certificate is called today."""

    kind: str
    id: str
    current: str
    evidence: list[str]


class ContradictionDoc(TypedDict):
    """The same fact from two sources that differ. `at` is null where it is about no time of its own."""

    version: str
    about: str
    first: str
    second: str
    at: str | None
    evidence: list[str]

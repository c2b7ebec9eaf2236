"""Parts of the document that stand beside the releases: comparisons in full, and the graph of who is tied to whom."""

from __future__ import annotations

from typing import TypedDict


class TextDiffDoc(TypedDict):
    """One file that differs, as unified lines (`+`, `-`, ` `, `@@`), or the reason why it is not spelt out.

    `change` is added or changed; `runs` when the file runs; `newly_reaches` what its code could not touch before.
    `left_out` counts lines beyond the limit.
    """

    path: str
    change: str
    runs: str
    newly_reaches: list[str]
    lines: list[str]
    reason: str
    left_out: int


class ContentsDiffDoc(TypedDict):
    """What differs inside two artifacts. `surface`: in words, what newly runs or is newly touched by what runs unasked.

    `added`, `removed` and `changed` are paths in a form that outlives versions. `problems` are oddities of the newer
    archive itself.
    """

    before: str | None
    after: str | None
    added: list[str]
    removed: list[str]
    changed: list[str]
    surface: list[str]
    dependencies: list[str]
    problems: list[str]
    texts: list[TextDiffDoc]
    evidence: list[str]


class CommitDoc(TypedDict):
    """One commit between two releases; its time is git's claim."""

    sha: str
    committed: str | None
    subject: str


class WorkflowDiffDoc(TypedDict):
    """The workflow file of two releases by git blob id; `lines` as in TextDiffDoc, or the reason why there are none."""

    path: str
    before: str
    after: str
    lines: list[str]
    reason: str
    left_out: int


class SourceDiffDoc(TypedDict):
    """The commits that the later release has and the earlier one does not, latest first; `count` counts all."""

    before: str
    after: str
    count: int
    commits: list[CommitDoc]
    workflow: WorkflowDiffDoc | None
    evidence: list[str]


class NotComparedDoc(TypedDict):
    """A part of a comparison that could not be made, why, and what would tell."""

    what: str
    reason: str
    needs: str
    evidence: list[str]


class ComparisonDoc(TypedDict):
    """A flagged release beside the one it is measured against: commits, workflow file, what is inside the files."""

    before: str
    after: str
    source: SourceDiffDoc | None
    contents: list[ContentsDiffDoc]
    not_compared: list[NotComparedDoc]


class NodeDoc(TypedDict):
    """One thing of the graph, or `members` of a type in one. `verdict` is that of the releases it belongs to."""

    id: str
    type: str
    label: str
    versions: list[str]
    members: int
    verdict: str | None


class EdgeDoc(TypedDict):
    """One tie, and what it rests on. `version` null: it belongs to several releases or to none."""

    source: str
    target: str
    relation: str
    version: str | None
    evidence: list[str]


class GraphDoc(TypedDict):
    """Who is tied to whom. `nodes` and `edges` are the part around the flagged releases unless `whole`.

    `picture` is the same, small enough to look at: what is alike is one node. Counts are of the whole graph.
    """

    whole: bool
    node_count: int
    edge_count: int
    nodes: list[NodeDoc]
    edges: list[EdgeDoc]
    picture_nodes: list[NodeDoc]
    picture_edges: list[EdgeDoc]

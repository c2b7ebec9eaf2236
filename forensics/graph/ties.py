"""Who is tied to whom: releases, files, log entries, signers, runs, commits, workflows and repositories as a graph.

Every tie carries the version that it was seen for and the observations it rests on. Ties are plain rows, made in one
pass over the history; a networkx graph is built only of the part that is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked
from forensics.model.contents import Runs
from forensics.model.identity import Identity
from forensics.model.release import Artifact, History, Release
from forensics.timeline.tables import frame_of

if TYPE_CHECKING:
    import networkx as nx
    import polars as pl

    from forensics.model.attestation import Attestation


class NodeType(StrEnum):
    """What a node stands for. Those of HUBS tie many releases together; the others belong to one or a few."""

    PROJECT = "project"
    RELEASE = "release"
    ARTIFACT = "artifact"
    PAYLOAD = "payload"
    LOG_ENTRY = "log entry"
    RUN = "run"
    COMMIT = "commit"
    IDENTITY = "identity"
    WORKFLOW = "workflow"
    REPOSITORY = "repository"
    ACCOUNT = "account"


HUBS = frozenset({NodeType.PROJECT, NodeType.IDENTITY, NodeType.WORKFLOW, NodeType.REPOSITORY, NodeType.ACCOUNT})
"""Types that a walk reaches and does not pass through: nearly every release hangs on them."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing. `versions` are the releases it was seen with; `members` how many nodes it stands for, if several."""

    id: str
    type: NodeType
    label: str
    versions: tuple[str, ...] = ()
    members: int = 1


@dataclass(frozen=True, slots=True)
class Edge:
    """One tie, from the more particular to the more general. `version` is None for what belongs to no release."""

    source: str
    target: str
    relation: str
    version: str | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """All ties of a history: nodes and edges in the order of the history, each once."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def frame(self) -> pl.DataFrame:
        """Return the ties as a frame: source, source_type, target, target_type, relation, version, evidence."""
        types = {node.id: node.type.value for node in self.nodes}
        columns = ("source", "source_type", "target", "target_type", "relation", "version")
        rows = [
            (e.source, types[e.source], e.target, types[e.target], e.relation, e.version, list(e.evidence))
            for e in self.edges
        ]
        return frame_of(rows, dict.fromkeys(columns, "str") | {"evidence": "list[str]"})

    def around(self, versions: Iterable[str]) -> Graph:
        """Return the part that is tied to *versions*: a walk along every tie that stops at hubs."""
        beside: dict[str, list[Edge]] = {}
        for edge in self.edges:
            beside.setdefault(edge.source, []).append(edge)
            beside.setdefault(edge.target, []).append(edge)
        types = {node.id: node.type for node in self.nodes}
        waiting = [f"release:{version}" for version in versions if f"release:{version}" in types]
        seen = set(waiting)
        while waiting:
            for edge in beside.get(waiting.pop(), ()):
                for end in (edge.source, edge.target):
                    if end not in seen:
                        seen.add(end)
                        if types[end] not in HUBS:
                            waiting.append(end)
        # Between hubs, too: the workflow of the signer, the repository of the workflow.
        for edge in self.edges:
            if edge.source in seen and types[edge.source] in HUBS and types[edge.target] in HUBS:
                seen.add(edge.target)
        return Graph(
            tuple(node for node in self.nodes if node.id in seen),
            tuple(edge for edge in self.edges if edge.source in seen and edge.target in seen),
        )

    def networkx(self) -> nx.MultiDiGraph:
        """Return this graph for networkx, with type, label, relation, version and evidence as plain attributes."""
        import networkx as nx

        made = nx.MultiDiGraph()
        for node in self.nodes:
            made.add_node(node.id, type=node.type.value, label=node.label, versions=" ".join(node.versions))
        for edge in self.edges:
            made.add_edge(
                edge.source, edge.target, relation=edge.relation, version=edge.version or "",
                evidence=" ".join(edge.evidence),
            )  # fmt: skip
        return made

    def components(self) -> list[tuple[str, ...]]:
        """Return which nodes hang together when hubs are cut out: sorted ids, the largest component first."""
        import networkx as nx

        inner = {node.id for node in self.nodes if node.type not in HUBS}
        made = nx.Graph()
        made.add_nodes_from(sorted(inner))
        made.add_edges_from((e.source, e.target) for e in self.edges if e.source in inner and e.target in inner)
        found = [tuple(sorted(part)) for part in nx.connected_components(made)]
        return sorted(found, key=lambda part: (-len(part), part))


def graph_of(history: History, suspects: Collection[str] = ()) -> Graph:
    """Return every tie of *history*.

    Files inside artifacts are nodes of their own (`payload`) only where artifacts of *suspects* alone hold them, they
    can run, and they reach for something or lie in more than one suspect.
    """
    builder = _Builder()
    project = builder.node(f"project:{history.project.purl}", NodeType.PROJECT, str(history.project))
    payloads = _payloads(history, frozenset(suspects))
    for release in history.releases:
        builder.release(project, release, payloads)
    for one in history.log_only:
        record = one.record
        entry = builder.node(
            f"log entry:{record.log_id[:16]}/{record.index}", NodeType.LOG_ENTRY, f"entry {record.index}", one.version
        )
        builder.edge(entry, project, "is known to the log only", one.version, one.evidence)
        if record.identity is not None:
            builder.identity(entry, record.identity, one.version, one.evidence, None)
    return builder.graph()


@dataclass(slots=True)
class _Builder:
    """Collects nodes and ties, each once, in the order in which they turn up."""

    _nodes: dict[str, tuple[NodeType, str]] = field(default_factory=dict)
    _versions: dict[str, dict[str, None]] = field(default_factory=dict)
    _edges: dict[tuple[str, str, str, str | None], dict[str, None]] = field(default_factory=dict)

    def node(self, name: str, kind: NodeType, label: str, version: str | None = None) -> str:
        self._nodes.setdefault(name, (kind, label))
        versions = self._versions.setdefault(name, {})
        if version is not None:
            versions[version] = None
        return name

    def edge(self, source: str, target: str, relation: str, version: str | None, evidence: Iterable[str]) -> None:
        self._edges.setdefault((source, target, relation, version), {}).update(dict.fromkeys(evidence))

    def graph(self) -> Graph:
        nodes = (Node(n, kind, label, tuple(self._versions[n])) for n, (kind, label) in self._nodes.items())
        return Graph(tuple(nodes), tuple(Edge(*key, tuple(ids)) for key, ids in self._edges.items()))

    def release(self, project: str, release: Release, payloads: Collection[str]) -> None:
        version = release.version
        node = self.node(f"release:{version}", NodeType.RELEASE, version, version)
        self.edge(node, project, "is a release of", version, release.evidence)
        self._uploader(node, release)
        for artifact in release.artifacts:
            self._artifact(node, version, artifact, release, payloads)
        if isinstance(release.source, Checked):
            facts = release.source.value
            for sha, relation in ((facts.tag_commit, "is tagged at"), (facts.bump, "is the version set by")):
                if sha:
                    self.edge(node, self._commit(sha, version), relation, version, facts.evidence)

    def _uploader(self, node: str, release: Release) -> None:
        """Tie a release to the accounts that the index names for it, by name."""
        if not isinstance(release.publication, Checked) or not isinstance(release.publication.value.uploader, Checked):
            return
        uploader = release.publication.value.uploader
        accounts = ((uploader.value.account, "was uploaded by"), (uploader.value.approver, "was approved by"))
        for account, relation in accounts:
            if account is not None:
                name = self.node(f"account:{account.name}", NodeType.ACCOUNT, account.name, release.version)
                self.edge(node, name, relation, release.version, uploader.evidence)

    def _artifact(self, release: str, version: str, artifact: Artifact, of: Release, payloads: Collection[str]) -> None:
        node = self.node(f"artifact:{artifact.filename}", NodeType.ARTIFACT, artifact.filename, version)
        self.edge(release, node, "has the file", version, artifact.evidence)
        for attestation in artifact.attestations:
            self._attestation(node, version, attestation, of)
        if isinstance(artifact.contents, Checked):
            for member in artifact.contents.value.members:
                if member.sha256 in payloads:
                    name = member.path.rpartition("/")[2]
                    inner = self.node(f"payload:{member.sha256}", NodeType.PAYLOAD, name, version)
                    self.edge(node, inner, "holds", version, artifact.contents.evidence)

    def _attestation(self, artifact: str, version: str, attestation: Attestation, release: Release) -> None:
        evidence, entry, signer = attestation.evidence, attestation.log_entry, artifact
        if entry is not None:
            signer = self.node(
                f"log entry:{entry.log_id[:16]}/{entry.index}", NodeType.LOG_ENTRY, f"entry {entry.index}", version
            )
            self.edge(artifact, signer, "is signed in", version, evidence)
        if attestation.identity is not None:
            self.identity(signer, attestation.identity, version, evidence, release)

    def identity(
        self, signed: str, who: Identity, version: str | None, evidence: Iterable[str], release: Release | None
    ) -> None:
        """Tie what was *signed* to its signer, and this to run, commit, workflow and repository."""
        evidence = tuple(evidence)
        node = self.node(f"identity:{identity_key(who)}", NodeType.IDENTITY, identity_label(who), version)
        self.edge(signed, node, "is signed by", version, evidence)
        last = signed
        if who.run_invocation_uri:
            last = self.node(f"run:{who.run_invocation_uri}", NodeType.RUN, run_label(who), version)
            self.edge(signed, last, "was made in", version, evidence)
        if who.commit:
            self.edge(last, self._commit(who.commit, version), "was built from", version, evidence)
        workflow = self._workflow(who, version, release)
        if workflow:
            self.edge(last, workflow, "ran", version, evidence)
        if who.repository:
            name = who.source_repository_identifier or who.repository
            repository = self.node(f"repository:{name}", NodeType.REPOSITORY, who.repository, version)
            self.edge(node, repository, "speaks for", version, evidence)
            if workflow:
                self.edge(workflow, repository, "lies in", version, evidence)

    def _workflow(self, who: Identity, version: str | None, release: Release | None) -> str | None:
        if who.workflow is None:
            return None
        digest = workflow_digest(release) if release else None
        name = who.workflow.rpartition("/")[2]
        label = f"{name} {digest[:8]}" if digest else name
        place = f"{who.workflow_repository or who.repository or ''}/{who.workflow}"
        return self.node(f"workflow:{place}@{digest or '?'}", NodeType.WORKFLOW, label, version)

    def _commit(self, sha: str, version: str | None) -> str:
        return self.node(f"commit:{sha}", NodeType.COMMIT, sha[:12], version)


def identity_key(who: Identity) -> str:
    """Return what stays the same of a signer while nothing moved, as one text: issuer, ids, workflow."""
    return " ".join(part or "-" for part in who.key)


def identity_label(who: Identity) -> str:
    """Return a signer in short: its repository, else the name in the certificate."""
    return who.repository or who.subject_alternative_name or "unnamed signer"


def run_label(who: Identity) -> str:
    """Return a run in short, with its attempt where it is not the first."""
    attempt = f", attempt {who.run_attempt}" if who.run_attempt not in {None, 1} else ""
    return f"run {who.run_id}{attempt}" if who.run_id else "run"


def workflow_digest(release: Release) -> str | None:
    """Return the git blob id of the workflow file that a release was built by, or None where it is not known."""
    facts = release.source.value if isinstance(release.source, Checked) else None
    blob = facts.workflow_blob if facts else None
    return blob.value if isinstance(blob, Checked) else None


def _payloads(history: History, suspects: frozenset[str]) -> frozenset[str]:
    """Return the SHA-256 of files that only suspects hold, that can run, and that say something."""
    elsewhere: set[str] = set()
    inside: dict[str, set[str]] = {}
    telling: set[str] = set()
    for release in history.releases:
        for member in _members(release):
            if release.version not in suspects:
                elsewhere.add(member.sha256)
            elif member.executable and member.sha256:
                inside.setdefault(member.sha256, set()).add(release.version)
                if member.reaches or member.runs.rank > Runs.IMPORT.rank:
                    telling.add(member.sha256)
    return frozenset(d for d, versions in inside.items() if d not in elsewhere and (d in telling or len(versions) > 1))


def _members(release: Release) -> Iterator[Any]:
    for artifact in release.artifacts:
        if isinstance(artifact.contents, Checked):
            yield from artifact.contents.value.members

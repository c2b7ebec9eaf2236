"""A graph small enough to look at: what is alike becomes one node that says how many it stands for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from forensics.graph.ties import HUBS, Edge, Graph, Node, NodeType

MOST_NODES = 48
"""Nodes that a reader can still follow; above that, the next coarser picture is drawn."""

_SIGNED = {NodeType.ARTIFACT, NodeType.LOG_ENTRY, NodeType.PAYLOAD}
_BUILT = _SIGNED | {NodeType.RUN, NodeType.COMMIT}
_PLURALS = {
    NodeType.LOG_ENTRY: "log entries",
    NodeType.ARTIFACT: "files",
    NodeType.PAYLOAD: "files inside",
    NodeType.IDENTITY: "identities",
    NodeType.REPOSITORY: "repositories",
}

Key = tuple[object, ...]


def collapsed(graph: Graph, kept: Collection[str], kinds: Mapping[str, str], most: int = MOST_NODES) -> Graph:
    """Return *graph* as the finest picture of at most *most* nodes; the coarsest one where none is that small.

    *kept* are the versions that matter, *kinds* a word for each version (its verdict): only releases of one word and
    the same hubs share a node. First everything else is merged, then the files and entries of each release, then its
    runs and commits, then releases that are alike, then hubs that no kept release is tied to. The project itself is
    left out: everything hangs on it.
    """
    graph = _without_project(graph)
    wanted = frozenset(kept)
    steps: tuple[Callable[[Graph], Graph], ...] = (
        lambda g: _merged(g, _others(g, wanted, kinds)),
        lambda g: _merged(g, _per_release(g, _SIGNED)),
        lambda g: _merged(g, _per_release(g, _BUILT)),
        lambda g: _merged(g, _others(g, frozenset(), kinds)),
        lambda g: _merged(g, _far_hubs(g, wanted)),
    )
    for step in steps:
        if len(graph.nodes) <= most // 2:
            break
        smaller = step(graph)
        graph = smaller
        if len(graph.nodes) <= most:
            break
    return graph


def _without_project(graph: Graph) -> Graph:
    gone = {node.id for node in graph.nodes if node.type is NodeType.PROJECT}
    return Graph(
        tuple(node for node in graph.nodes if node.id not in gone),
        tuple(edge for edge in graph.edges if edge.source not in gone and edge.target not in gone),
    )


def _others(graph: Graph, wanted: frozenset[str], kinds: Mapping[str, str]) -> dict[str, Key]:
    """Releases that are not wanted, with everything that belongs to such releases only, by their hubs."""
    types = {node.id: node.type for node in graph.nodes}
    hubs: dict[str, set[str]] = {}
    for edge in graph.edges:
        if edge.version is not None and types[edge.target] in HUBS:
            hubs.setdefault(edge.version, set()).add(edge.target)
    groups: dict[str, Key] = {}
    for node in graph.nodes:
        if node.type in HUBS or not node.versions or not wanted.isdisjoint(node.versions):
            continue
        alike = {(kinds.get(version, ""), *sorted(hubs.get(version, ()))) for version in node.versions}
        if len(alike) == 1:
            groups[node.id] = ("releases", *alike.pop())
    return groups


def _per_release(graph: Graph, types: Collection[NodeType]) -> dict[str, Key]:
    """What belongs to the same releases and is of the same type."""
    return {
        node.id: (node.type, *node.versions)
        for node in graph.nodes
        if node.type in types and node.versions and node.members == 1
    }


def _far_hubs(graph: Graph, wanted: frozenset[str]) -> dict[str, Key]:
    return {
        node.id: ("hub", node.type) for node in graph.nodes if node.type in HUBS and wanted.isdisjoint(node.versions)
    }


def _merged(graph: Graph, groups: Mapping[str, Key]) -> Graph:
    """Return *graph* with every group of nodes as one node; a group of one stays as it is."""
    members: dict[Key, list[Node]] = {}
    for node in graph.nodes:
        if node.id in groups:
            members.setdefault(groups[node.id], []).append(node)
    names: dict[str, str] = {}
    made: dict[str, Node] = {}
    for number, nodes in enumerate((n for n in members.values() if len(n) > 1), 1):
        node = _one_of(nodes, number)
        made[node.id] = node
        names |= dict.fromkeys((n.id for n in nodes), node.id)
    kept: dict[str, Node] = {}
    for node in graph.nodes:
        name = names.get(node.id, node.id)
        kept.setdefault(name, made.get(name, node))
    return Graph(tuple(kept.values()), _rerouted(graph.edges, names))


def _one_of(nodes: list[Node], number: int) -> Node:
    versions = tuple(dict.fromkeys(version for node in nodes for version in node.versions))
    types = {node.type for node in nodes}
    if len(types) > 1:
        label = f"{len(versions)} releases" if len(versions) > 1 else versions[0]
        return Node(f"group:{number}:{versions[0]}", NodeType.RELEASE, label, versions, max(2, len(versions)))
    kind = nodes[0].type
    count = sum(node.members for node in nodes)
    label = f"{count} {_PLURALS.get(kind, f'{kind.value}s')}"
    return Node(f"group:{number}:{nodes[0].id}", kind, label, versions, count)


def _rerouted(edges: Iterable[Edge], names: Mapping[str, str]) -> tuple[Edge, ...]:
    """Return the ties between what is left: one for each pair and relation, with the evidence of all."""
    merged: dict[tuple[str, str, str], tuple[dict[str | None, None], dict[str, None]]] = {}
    for edge in edges:
        source, target = names.get(edge.source, edge.source), names.get(edge.target, edge.target)
        if source == target:
            continue
        versions, evidence = merged.setdefault((source, target, edge.relation), ({}, {}))
        versions[edge.version] = None
        evidence.update(dict.fromkeys(edge.evidence))
    return tuple(
        Edge(source, target, relation, next(iter(versions)) if len(versions) == 1 else None, tuple(evidence))
        for (source, target, relation), (versions, evidence) in merged.items()
    )

"""The graph of an analysis, in the words and shapes of the document."""

from __future__ import annotations

from collections.abc import Mapping

from forensics.graph import Edge, Node, collapsed, graph_of
from forensics.investigation import Analysis
from forensics.model.document_parts import EdgeDoc, GraphDoc, NodeDoc
from forensics.model.finding import Verdict

MOST_NODES = 3000
"""Nodes of a graph that the document holds whole; of a larger one it holds the part around the flagged releases."""


def graph_doc(analysis: Analysis) -> GraphDoc:
    """Return the graph of the document: all of it, or the part around flagged releases and their neighbours."""
    verdicts = {a.release.version: a.verdict for a in analysis.assessments}
    suspects = [version for version, verdict in verdicts.items() if verdict.flagged]
    graph = graph_of(analysis.history, suspects)
    part = graph if len(graph.nodes) <= MOST_NODES else graph.around(suspects or list(verdicts)[-20:])
    picture = collapsed(graph, suspects, {version: verdict.value for version, verdict in verdicts.items()})
    return {
        "whole": part is graph,
        "node_count": len(graph.nodes),
        "edge_count": len(graph.edges),
        "nodes": [_node(node, verdicts) for node in part.nodes],
        "edges": [_edge(edge) for edge in part.edges],
        "picture_nodes": [_node(node, verdicts) for node in picture.nodes],
        "picture_edges": [_edge(edge) for edge in picture.edges],
    }


def _node(node: Node, verdicts: Mapping[str, Verdict]) -> NodeDoc:
    worst = max((verdicts[v] for v in node.versions if v in verdicts), key=lambda v: v.rank, default=None)
    return {
        "id": node.id,
        "type": node.type.value,
        "label": node.label,
        "versions": [*node.versions],
        "members": node.members,
        "verdict": worst.value if worst else None,
    }


def _edge(edge: Edge) -> EdgeDoc:
    return {
        "source": edge.source,
        "target": edge.target,
        "relation": edge.relation,
        "version": edge.version,
        "evidence": [*edge.evidence],
    }

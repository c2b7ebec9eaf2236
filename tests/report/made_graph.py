"""The graph of the documents built by hand."""

from __future__ import annotations

from typing import Any

from forensics.model.document import ReleaseDoc

from .made_releases import oid

IDENTITY, REPOSITORY, QUIET = "identity:a", "repository:r", "group:1"
FLAGGED = frozenset({"suspicious", "likely-compromised"})


def graph(releases: list[ReleaseDoc]) -> dict[str, Any]:
    """Every release on one identity and one repository, suspects with their files: the picture is the graph."""
    if not releases:
        return _drawn([], [])
    nodes = [_node(one, one.partition(":")[0], "ultralytics/ultralytics") for one in (IDENTITY, REPOSITORY)]
    edges = [_edge(IDENTITY, REPOSITORY, "speaks for", None, "log")]
    suspects = [r for r in releases if r["verdict"] in FLAGGED]
    quiet = [r["version"] for r in releases if r["verdict"] not in FLAGGED]
    if quiet:
        group = _node(QUIET, "release", f"{len(quiet)} releases", quiet, "ordinary")
        nodes.append(group | {"members": max(2, len(quiet))})
        edges.append(_edge(QUIET, IDENTITY, "is signed by", None, "index"))
    for r in suspects:
        version, filename = r["version"], r["files"][0]["filename"]
        own, artifact = f"release:{version}", f"artifact:{filename}"
        nodes.append(_node(own, "release", version, [version], r["verdict"]))
        nodes.append(_node(artifact, "artifact", filename, [version], r["verdict"]))
        edges.append(_edge(own, artifact, "has the file", version, "export"))
        edges.append(_edge(artifact, IDENTITY, "is signed by", version, "log"))
    return _drawn(nodes, edges)


def _node(
    identifier: str, kind: str, label: str, versions: list[str] | None = None, verdict: str | None = None
) -> dict[str, Any]:
    return {
        "id": identifier,
        "type": kind,
        "label": label,
        "versions": versions or [],
        "members": 1,
        "verdict": verdict,
    }


def _edge(source: str, target: str, relation: str, version: str | None, evidence: str) -> dict[str, Any]:
    return {
        "source": source,
        "target": target,
        "relation": relation,
        "version": version,
        "evidence": [oid(evidence)],
    }


def _drawn(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> dict[str, Any]:
    """The graph whose picture leaves nothing out."""
    return {
        "whole": True,
        "node_count": len(nodes),
        "edge_count": len(edges),
        "nodes": nodes,
        "edges": edges,
        "picture_nodes": nodes,
        "picture_edges": edges,
    }

"""The graph of the document as GraphML, for Gephi, yEd, Cytoscape and networkx."""

from __future__ import annotations

from forensics.model.document import Document
from forensics.report.clean import clean


def render_graphml(document: Document) -> str:
    """Return the nodes and ties of *document* as GraphML; every value is text that XML can hold."""
    import networkx as nx

    shown = clean(document)["graph"]
    made = nx.MultiDiGraph()
    for node in shown["nodes"]:
        made.add_node(
            node["id"], type=node["type"], label=node["label"], verdict=node["verdict"] or "",
            versions=" ".join(node["versions"]),
        )  # fmt: skip
    for edge in shown["edges"]:
        made.add_edge(
            edge["source"], edge["target"], relation=edge["relation"], version=edge["version"] or "",
            evidence=" ".join(edge["evidence"]),
        )  # fmt: skip
    return "\n".join(nx.generate_graphml(made)) + "\n"

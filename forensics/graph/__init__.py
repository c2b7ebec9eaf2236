"""Who is tied to whom, and the questions to ask of it. Adds no fact to the history, and judges nothing."""

from forensics.graph.collapse import collapsed
from forensics.graph.pivots import Pivots, pivots_of
from forensics.graph.ties import HUBS, Edge, Graph, Node, NodeType, graph_of

__all__ = ["HUBS", "Edge", "Graph", "Node", "NodeType", "Pivots", "collapsed", "graph_of", "pivots_of"]

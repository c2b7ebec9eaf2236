"""Geometry of the provenance graph: columns by type, rows by what a node is tied to. Pure, and the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forensics.model.document_parts import GraphDoc, NodeDoc
from forensics.report.words import flagged, verdict_class

COLUMNS: tuple[tuple[str, ...], ...] = (
    ("release",),
    ("artifact", "account"),
    ("log entry", "payload"),
    ("run",),
    ("commit", "identity", "workflow"),
    ("repository", "project"),
)
SHAPES = {
    "release": "circle",
    "artifact": "square",
    "account": "person",
    "log entry": "diamond",
    "payload": "cross",
    "run": "hexagon",
    "commit": "triangle",
    "identity": "person",
    "workflow": "octagon",
    "repository": "flag",
    "project": "flag",
}
WORDS = {"artifact": "file", "identity": "signer", "payload": "file inside"}
"""What a reader calls a type, where that differs."""

_WIDTH, _ROW, _TOP, _SWEEPS, _LETTERS, _LETTER = 1080, 23, 34, 6, 21, 6.2


@dataclass(frozen=True, slots=True)
class Spot:
    """One node: `x` and `y` of its mark, its shape, its label cut to fit, and everything in `title`."""

    x: float
    y: float
    shape: str
    css: str
    label: str
    title: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One tie as an SVG path."""

    path: str
    css: str
    title: str


@dataclass(frozen=True, slots=True)
class GraphChart:
    """The picture of a graph."""

    width: int
    height: float
    heads: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]
    spots: tuple[Spot, ...]
    types: tuple[tuple[str, str], ...]


def graph_chart(graph: GraphDoc) -> GraphChart | None:
    """Return the picture of the graph's `picture_nodes` and `picture_edges`; None where there is nothing to tie."""
    nodes = graph["picture_nodes"]
    if not nodes or not graph["picture_edges"]:
        return None
    column = {node["id"]: _column(node["type"]) for node in nodes}
    used = sorted(set(column.values()))
    rows = _ordered(nodes, column, graph)
    most = max(len(ids) for ids in rows.values())
    height = _TOP + most * _ROW + 8
    step = (_WIDTH - 170) / max(1, len(used) - 1)
    places: dict[str, tuple[float, float]] = {}
    for number, index in enumerate(used):
        ids = rows[index]
        gap = min(_ROW * most / len(ids), _ROW * 2.5)
        top = _TOP + (most * _ROW - gap * len(ids)) / 2 + gap / 2
        for row, name in enumerate(ids):
            places[name] = (round(12 + number * step, 1), round(top + row * gap, 1))
    by_id = {node["id"]: node for node in nodes}
    heads = tuple((round(12 + n * step, 1), _head(COLUMNS[index], nodes)) for n, index in enumerate(used))
    kinds = tuple((kind, SHAPES[kind]) for kinds in COLUMNS for kind in kinds if any(n["type"] == kind for n in nodes))
    return GraphChart(
        _WIDTH, height, heads, tuple(_lines(graph, places, by_id)),
        tuple(_spot(node, *places[node["id"]]) for node in nodes),
        tuple((WORDS.get(kind, kind), shape) for kind, shape in kinds),
    )  # fmt: skip


def _column(kind: str) -> int:
    return next((number for number, kinds in enumerate(COLUMNS) if kind in kinds), 1)


def _head(kinds: Sequence[str], nodes: Sequence[NodeDoc]) -> str:
    there = [WORDS.get(kind, kind) for kind in kinds if any(node["type"] == kind for node in nodes)]
    return " · ".join(there)


def _ordered(nodes: Sequence[NodeDoc], column: Mapping[str, int], graph: GraphDoc) -> dict[int, list[str]]:
    """Return the nodes of each column so that ties cross little: sweeps to the mean row of the neighbours."""
    beside: dict[str, list[str]] = {node["id"]: [] for node in nodes}
    for edge in graph["picture_edges"]:
        beside[edge["source"]].append(edge["target"])
        beside[edge["target"]].append(edge["source"])
    rows: dict[int, list[str]] = {}
    for node in nodes:
        rows.setdefault(column[node["id"]], []).append(node["id"])
    used = sorted(rows)
    for sweep in range(_SWEEPS):
        place = {name: (row + 0.5) / len(ids) for ids in rows.values() for row, name in enumerate(ids)}
        for index in used[1:] if sweep % 2 == 0 else reversed(used[:-1]):
            before = {name: row for row, name in enumerate(rows[index])}

            def weight(name: str, before: Mapping[str, int] = before, place: Mapping[str, float] = place) -> object:
                near = [place[other] for other in beside[name]]
                return (round(sum(near) / len(near), 6) if near else place[name], before[name])

            rows[index].sort(key=weight)  # type: ignore[arg-type]
            place |= {name: (row + 0.5) / len(rows[index]) for row, name in enumerate(rows[index])}
    return rows


def _lines(graph: GraphDoc, places: Mapping[str, tuple[float, float]], nodes: Mapping[str, NodeDoc]) -> list[Line]:
    lines = []
    for edge in graph["picture_edges"]:
        # From the end of the label to the edge of the mark, so that no line runs through a text.
        ends_at = sorted((edge["source"], edge["target"]), key=lambda name: places[name][0])
        (x1, y1), (x2, y2) = (places[name] for name in ends_at)
        ends = (nodes[edge["source"]], nodes[edge["target"]])
        bad = next((e["verdict"] for e in ends if e["verdict"] and flagged(e["verdict"]) and _own(e)), None)
        css = verdict_class(bad) if bad else "v-ordinary"
        title = f"{ends[0]['label']} {edge['relation']} {ends[1]['label']}"
        if x1 == x2:
            path = f"M{x1 - 8} {y1}C{x1 - 26} {y1} {x2 - 26} {y2} {x2 - 8} {y2}"
        else:
            x1 = round(x1 + 14 + _LETTER * len(_label(nodes[ends_at[0]])), 1)
            x2 = round(x2 - 8, 1)
            bend = round(max(18.0, (x2 - x1) / 2), 1)
            path = f"M{x1} {y1}C{round(x1 + bend, 1)} {y1} {round(x2 - bend, 1)} {y2} {x2} {y2}"
        lines.append(Line(path, css, title))
    return lines


def _label(node: NodeDoc) -> str:
    """Return a label cut to fit: a file by its end, where it says its version and kind, anything else by its start."""
    label = node["label"]
    if len(label) <= _LETTERS:
        return label
    return f"…{label[1 - _LETTERS :]}" if node["type"] == "artifact" else f"{label[: _LETTERS - 1]}…"


def _own(node: NodeDoc) -> bool:
    """Whether a node belongs to its releases alone; a signer of everybody is no suspect."""
    return node["type"] not in {"identity", "workflow", "repository", "account", "project"}


def _spot(node: NodeDoc, x: float, y: float) -> Spot:
    bad = bool(node["verdict"]) and flagged(node["verdict"] or "") and _own(node)
    css = verdict_class(node["verdict"] or "") if bad else "v-ordinary"
    label, shown = node["label"], _label(node)
    kind = WORDS.get(node["type"], node["type"])
    versions = node["versions"]
    about = f"{versions[0]} to {versions[-1]}" if len(versions) > 1 else "".join(versions)
    title = f"{kind} {label}" + (f" (seen with {about})" if about and about != label else "")
    return Spot(x, y, SHAPES.get(node["type"], "square"), css, shown, title, bad)

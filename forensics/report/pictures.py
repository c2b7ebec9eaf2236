"""The pictures of a case as objects: one definition, drawn into the report, shown by a notebook, written to a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from forensics.model.document import Document
from forensics.report import charts
from forensics.report.charts_graph import graph_chart
from forensics.report.charts_identity import identity_lanes
from forensics.report.clean import clean
from forensics.report.templating import asset, environment
from forensics.report.words import flagged, plural


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: what it shows in a line (`title`) and in words (`description`), and how it is drawn.

    `name` is unique on a page. Every fact in a picture stands in a table of the report, too.
    """

    name: str
    kind: str
    title: str
    description: str
    chart: Any

    @property
    def note(self) -> str:
        """The stretch of time and the number of events, where the picture has these."""
        chart = self.chart
        if self.kind != "timeline":
            return ""
        span = f"{chart.start.strftime('%Y-%m-%d %H:%M')} to {chart.end.strftime('%Y-%m-%d %H:%M')} UTC"
        return f"{span}, {plural(len(chart.events), 'event')}"

    def svg(self, *, alone: bool = False) -> Markup:
        """Return the drawing as SVG. *alone*: with its own style inside, for anything but the report's page."""
        style = Markup(asset("charts_alone.css") + asset("charts.css")) if alone else ""  # noqa: S704 - our own files
        module: Any = environment().get_template("_svg.html.j2").module
        return Markup(module.svg(self, style))  # noqa: S704 - an autoescaping template

    def save(self, path: str) -> None:
        """Write the drawing to *path* as a file that a browser or a word processor opens."""
        from pathlib import Path

        Path(path).write_text(str(self.svg(alone=True)) + "\n", encoding="utf-8")

    def _repr_svg_(self) -> str:
        return str(self.svg(alone=True))

    def _repr_html_(self) -> str:
        note = Markup(" <small>{}</small>").format(self.note) if self.note else ""
        return str(
            Markup("<figure><figcaption>{}{}</figcaption>{}</figure>").format(self.title, note, self.svg(alone=True))
        )


@dataclass(frozen=True, slots=True)
class Pictures:
    """All pictures of one document; None where there is nothing to draw."""

    timeline: Picture | None
    waves: tuple[Picture, ...]
    history: Picture | None
    identities: Picture | None
    graph: Picture | None


def pictures_of(document: Document, shown: Document | None = None) -> Pictures:
    """Return the pictures of *document*; *shown* is its cleaned copy where the caller has it already."""
    shown = clean(document) if shown is None else shown
    suspects = sum(flagged(release["verdict"]) for release in shown["releases"])
    title = "Around the flagged releases" if suspects else "All events"
    timeline = charts.overview(shown)
    waves = [
        _timeline(f"wave-{number}", f"Wave {number}, close up", chart) for number, chart in charts.wave_charts(shown)
    ]
    return Pictures(
        timeline=_timeline("all", title, timeline) if timeline else None,
        waves=tuple(waves),
        history=_history(shown, suspects),
        identities=_identities(shown, document),
        graph=_graph(shown),
    )


def _timeline(name: str, title: str, chart: charts.Chart) -> Picture:
    bands = "".join(f"{band.title}. " for band in chart.bands[:20])
    count = f"{plural(len(chart.events), 'event')} on {plural(len(chart.lanes), 'lane')}"
    return Picture(name, "timeline", title, f"{bands}{count}; every one is in the table of all events.", chart)


def _history(shown: Document, suspects: int) -> Picture | None:
    cells = charts.strip(shown)
    count = plural(len(shown["releases"]), "release")
    words = f"{count} in the order of the document, {suspects} flagged. Taller bars are more serious."
    return Picture("history", "strip", f"All {count}", words, cells) if cells else None


def _identities(shown: Document, raw: Document) -> Picture | None:
    chart = identity_lanes(shown, raw)
    if chart is None:
        return None
    said = []
    for lane in chart.lanes:
        values = "; ".join(f"{value} for {plural(count, 'release')}" for _, value, count in lane.values[:6])
        more = f" and {len(lane.values) - 6} more" if len(lane.values) > 6 else ""
        said.append(f"{lane.name}: {values}{more}.")
    return Picture("identity", "identity", "Claims of the signer, release by release", " ".join(said), chart)


def _graph(shown: Document) -> Picture | None:
    chart = graph_chart(shown["graph"])
    if chart is None:
        return None
    words = f"{plural(len(chart.spots), 'node')} and {plural(len(chart.lines), 'tie')}; the table of ties names each."
    return Picture("graph", "graph", "Who is tied to whom", words, chart)

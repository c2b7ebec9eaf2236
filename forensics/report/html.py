"""The report as one HTML file: styles and script inside, allowed by hash, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from markupsafe import Markup

from forensics.model.document import Document
from forensics.report import affected, charts
from forensics.report.clean import clean, hosts_of
from forensics.report.evidence import Evidence
from forensics.report.pictures import pictures_of
from forensics.report.templating import asset, environment, link
from forensics.report.view import newly, ranges, view_of

DETAILED = 60
"""Suspects whose files are shown with every check of every attestation; further ones show the outcome only."""


def render_html(document: Document) -> str:
    """Return *document* as one self-contained HTML page.

    It loads nothing, works without JavaScript, and its Content-Security-Policy allows only its own style and script.
    The same document gives the same text.
    """
    hosts = hosts_of(document)
    shown = clean(document)
    order = [release["version"] for release in shown["releases"]]
    template = environment().get_template("report.html.j2")
    view = view_of(shown)
    return template.render(
        d=shown,
        v=view,
        unchecked_count=sum(len(group.rows) for group in view.unchecked),
        shapes=charts.SHAPES,
        ev=Evidence(shown["observations"], shown["case"]["endpoints"]),
        page=_page(),
        pictures=pictures_of(document, shown),
        newly=newly,
        node_labels={node["id"]: node["label"] for node in shown["graph"]["picture_nodes"]},
        blocks=affected.blocks(shown),
        unsafe=affected.unsafe(shown),
        unhashed=affected.unhashed(shown),
        ranges=lambda versions: ranges(versions, order),
        link=lambda url: link(url, hosts),
        missing={section["section"]: section["reason"] for section in shown["not_collected"]},
        detailed=DETAILED,
    )


@cache
def _page() -> dict[str, Any]:
    """Return style, script and the policy that allows exactly these two."""
    style, script = asset("charts.css") + asset("report.css"), asset("report.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704 - our own files


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

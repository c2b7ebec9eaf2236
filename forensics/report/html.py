"""The report as one HTML file: styles and script inside, allowed by hash, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from forensics.model.document import Document
from forensics.model.times import to_iso
from forensics.report import affected, charts, words
from forensics.report.clean import clean, hosts_of, linkable
from forensics.report.evidence import Evidence
from forensics.report.view import ranges, view_of

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
    template = _environment().get_template("report.html.j2")
    view = view_of(shown)
    return template.render(
        d=shown,
        v=view,
        unchecked_count=sum(len(group.rows) for group in view.unchecked),
        shapes=charts.SHAPES,
        ev=Evidence(shown["observations"]),
        page=_page(),
        overview=charts.overview(shown),
        wave_charts=charts.wave_charts(shown),
        strip=charts.strip(shown),
        blocks=affected.blocks(shown),
        unsafe=affected.unsafe(shown),
        unhashed=affected.unhashed(shown),
        ranges=lambda versions: ranges(versions, order),
        link=lambda url: _link(url, hosts),
        missing={section["section"]: section["reason"] for section in shown["not_collected"]},
        detailed=DETAILED,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("forensics.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        {
            "t": _time,
            "span": words.span,
            "size": words.size,
            "vclass": words.verdict_class,
            "vwords": words.verdict_words,
            "sclass": words.severity_class,
            "letter": words.letter,
            "door": words.door_words,
            "predicate": words.predicate_words,
            "soft": _soft,
        }
    )
    environment.globals.update(
        {"plural": words.plural, "offset": words.offset, "moment": words.moment, "families": words.FAMILIES}
    )
    return environment


@cache
def _page() -> dict[str, Any]:
    """Return style, script and the policy that allows exactly these two."""
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704 - our own files


def _asset(name: str) -> str:
    loader = _environment().loader
    if loader is None:  # pragma: no cover - set above
        raise RuntimeError("no loader")
    return loader.get_source(_environment(), name)[0].replace("\r\n", "\n")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _time(text: str | None, none: str = "not known") -> Markup:
    at = words.moment(text)
    if at is None:
        return Markup('<span class="unknown">{}</span>').format(text or none)
    day, _, clock = words.when(text).partition(" ")
    return Markup('<time datetime="{}">{} <b>{}</b></time>').format(to_iso(at), day, clock)


def _link(url: str | None, hosts: frozenset[str]) -> Markup:
    if linkable(url, hosts):
        return Markup('<a class="out" href="{}" rel="noreferrer noopener external">{}</a>').format(
            url, _soft(url or "")
        )
    return Markup('<span class="url">{}</span>').format(_soft(url or ""))


def _soft(text: str) -> Markup:
    """Return *text* with places to break after slashes, dots and the like, so that it fits a narrow screen."""
    safe = str(escape(text))
    for mark in ("/", "_", "@", "?", "="):
        safe = safe.replace(mark, mark + "<wbr>")
    return Markup(safe)  # noqa: S704 - escaped above

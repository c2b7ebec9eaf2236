"""The document in every form that a post-mortem needs. Renders; adds no fact."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.report.as_json import render_json
    from forensics.report.formats import FORMATS, format_of
    from forensics.report.html import render_html
    from forensics.report.markdown import render_markdown

__all__ = ["FORMATS", "format_of", "render_html", "render_json", "render_markdown"]

_HOMES = {
    "FORMATS": "formats",
    "format_of": "formats",
    "render_html": "html",
    "render_json": "as_json",
    "render_markdown": "markdown",
}


def __getattr__(name: str) -> Any:
    """Load a renderer when it is asked for: the terminal needs none of them."""
    if name in _HOMES:
        return getattr(import_module(f"forensics.report.{_HOMES[name]}"), name)
    raise AttributeError(name)

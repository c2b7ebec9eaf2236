"""The document in every form that a post-mortem needs. Renders; adds no fact."""

from forensics.report.as_json import render_json
from forensics.report.formats import FORMATS, format_of
from forensics.report.html import render_html
from forensics.report.markdown import render_markdown

__all__ = ["FORMATS", "format_of", "render_html", "render_json", "render_markdown"]

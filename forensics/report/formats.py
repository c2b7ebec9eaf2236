"""Which formats there are, and which one a file name asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from forensics.model.document import Document
from forensics.model.errors import UsageError
from forensics.report.as_json import render_json
from forensics.report.graphml import render_graphml
from forensics.report.html import render_html
from forensics.report.indicators import render_indicators
from forensics.report.markdown import render_markdown
from forensics.report.osv import render_osv
from forensics.report.stix import render_stix
from forensics.report.timesketch import render_csv, render_timesketch

FORMATS: dict[str, Callable[[Document], str]] = {
    "html": render_html,
    "md": render_markdown,
    "json": render_json,
    "csv": render_csv,
    "jsonl": render_timesketch,
    "iocs.csv": render_indicators,
    "stix.json": render_stix,
    "osv.json": render_osv,
    "graphml": render_graphml,
}
"""Every renderer by the name of its format, which is the suffix of its files."""

_ALIASES = {
    "htm": "html",
    "markdown": "md",
    "events": "csv",
    "timesketch": "jsonl",
    "iocs": "iocs.csv",
    "stix": "stix.json",
    "osv": "osv.json",
}


def format_of(path_or_name: str | PurePath) -> str:
    """Return the format that a file's suffix, or a bare name such as `md`, asks for.

    Raises UsageError, naming the formats there are, for anything else.
    """
    name = PurePath(path_or_name).name.lower()
    parts = name.split(".")
    for asked in (".".join(parts[-2:]), parts[-1]):
        if (known := _ALIASES.get(asked, asked)) in FORMATS:
            return known
    raise UsageError(
        f"{str(path_or_name)!r} does not end in the suffix of a report format.",
        advice=f"Known formats: {', '.join(FORMATS)}. Name the file accordingly, or say --format.",
    )

"""Which formats there are, and which one a file name asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from forensics.model.document import Document
from forensics.model.errors import UsageError
from forensics.report.as_json import render_json
from forensics.report.html import render_html
from forensics.report.markdown import render_markdown

FORMATS: dict[str, Callable[[Document], str]] = {
    "html": render_html,
    "md": render_markdown,
    "json": render_json,
}
"""Every renderer by the name of its format."""

_ALIASES = {"htm": "html", "markdown": "md"}


def format_of(path_or_name: str | PurePath) -> str:
    """Return the format that a file's suffix, or a bare name such as `md`, asks for.

    Raises UsageError, naming the formats there are, for anything else.
    """
    name = PurePath(path_or_name).name.lower()
    asked = name.rpartition(".")[2]
    asked = _ALIASES.get(asked, asked)
    if asked in FORMATS:
        return asked
    known = ", ".join(FORMATS)
    raise UsageError(
        f"{str(path_or_name)!r} does not end in the suffix of a report format.",
        advice=f"Known formats: {known}. Name the file accordingly, or say --format.",
    )

"""The page of each signal: `docs/signals/` in a checkout, the same files inside the wheel."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def page_of(signal: str) -> str:
    """Return the Markdown page of *signal*, by its id. Raises FileNotFoundError when there is none."""
    return (_folder() / f"{signal.replace('-', '_')}.md").read_text(encoding="utf-8")


def _folder() -> Traversable | Path:
    shipped = files("forensics") / "pages" / "signals"
    if shipped.is_dir():
        return shipped
    return Path(__file__).resolve().parents[2] / "docs" / "signals"

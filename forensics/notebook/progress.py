"""Progress where a person looks: one line that changes, in a notebook or on a terminal; silence elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

_STAGES = {
    "provenance": "Asking for provenance",
    "log": "Asking the log",
    "files": "Keeping files",
    "verification": "Checking signatures",
    "contents": "Reading files",
}
_EVERY = 0.2
"""Seconds between two changes of the line: a notebook sends each to the browser."""


class Line:
    """A progress callback that rewrites one line. Leaving it, as a context, takes the line away."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._last = 0.0
        self._notebook = in_notebook()
        self._shown = self._notebook or sys.stderr.isatty()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note that *done* of *total* are done in *stage*."""
        now = time.monotonic()
        if self._shown and now - self._last >= _EVERY:
            self._last = now
            self._write(f"{_STAGES.get(stage, stage)}: {done} of {total}")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._last:
            self._write("")

    def _write(self, text: str) -> None:
        if not self._notebook:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            return
        from IPython import display as shown

        display: Any = shown.display

        content = {"text/plain": text, "text/html": f"<small>{text}</small>"}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def in_notebook() -> bool:
    """Return whether this runs in a kernel that shows rich output. Loads nothing that is not loaded."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")

"""Progress on stderr: a bar on a terminal for anything over a second, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from forensics.model.text import visible

_STAGES = {
    "provenance": "Asking for provenance",
    "verification": "Checking signatures",
    "log": "Asking the log",
    "files": "Fetching files",
    "contents": "Reading files",
    "lockfiles": "Reading lockfiles",
}


class Reporter:
    """Shows stages that take longer than a second. Nothing is printed when quiet or when stderr is no terminal."""

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._verbose = verbose and not quiet
        self._started: dict[str, float] = {}
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Note a wait or a retry, when asked to be verbose."""
        if self._verbose:
            print(visible(text), file=sys.stderr)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Take note that *done* of *total* are done in *stage*."""
        started = self._started.setdefault(stage, time.monotonic())
        if not self._shown or time.monotonic() - started < 1.0:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(_STAGES.get(stage, stage), total=total)
        self._bar.update(self._tasks[stage], completed=done, total=total)

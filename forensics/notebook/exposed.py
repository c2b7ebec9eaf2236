"""Which lockfiles could have pulled a suspect, as a notebook shows it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from forensics.notebook import markup
from forensics.notebook.columns import judged_frame
from forensics.timeline.tables import frame_of

if TYPE_CHECKING:
    import polars as pl

    from forensics.investigation.exposure import ExposureReport
    from forensics.model.finding import Verdict


class Exposed:
    """What came of a search in lockfiles; `result` is all of it. No hit says nothing of files that were not read."""

    def __init__(self, result: ExposureReport) -> None:
        self.result = result

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the worst hit, None without any; a range alone comes to `suspicious` at most."""
        return self.result.verdict

    @cached_property
    def hits(self) -> pl.DataFrame:
        """Where a suspect is named, surest first; `forensics.columns("exposure")` explains the columns."""
        rows = [
            (h.file, h.kind, h.where, h.strength.value, h.suspect.version, h.verdict.value, h.named, h.note,
             h.suspect.window.start, h.suspect.window.end, h.overlap)
            for h in self.result.hits
        ]  # fmt: skip
        return judged_frame("exposure", rows)

    @cached_property
    def not_read(self) -> pl.DataFrame:
        """Files that could not be read: file, reason."""
        return frame_of(list(self.result.unread), {"file": "str", "reason": "str"})

    def __repr__(self) -> str:
        found = self.result
        return f"<{len(found.hits)} hits in {found.lockfiles} lockfiles, {len(found.unread)} files not read>"

    def _repr_html_(self) -> str:
        found = self.result
        rows = [(h.file, h.where, h.strength.value, h.suspect.version, markup.verdict(h.verdict)) for h in found.hits]
        head = ("file", "where", "match", "version", "verdict")
        hits = markup.table(head, rows) if rows else markup.paragraph("No file that was read names a suspect.")
        read = markup.paragraph(f"Read: {found.lockfiles} lockfiles, {found.manifests} manifests.")
        unread = markup.items(f"{file}: {reason}" for file, reason in found.unread)
        return str(hits + read + (markup.section("Could not read", unread) if unread else markup.items(())))

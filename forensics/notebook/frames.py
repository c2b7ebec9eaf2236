"""Frames that follow from the judgement: one row for each verdict, finding, wave, and thing that was not checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked
from forensics.notebook.columns import judged_frame
from forensics.timeline.tables import SCHEMAS, frame_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from forensics.investigation import Analysis
    from forensics.model.finding import Assessment


def verdicts(assessments: Iterable[Assessment]) -> pl.DataFrame:
    """Return the frame `verdicts`, in the order of *assessments*."""
    rows = []
    for a in assessments:
        r = a.release
        removed = r.removed.value if isinstance(r.removed, Checked) else None
        rows.append(
            (r.version, r.published, r.listed, removed, a.door.value, a.verdict.value, a.at_publish.value, a.line,
             a.predecessor, len(a.findings), len(a.not_checked), list(a.reasons), list(r.evidence))
        )  # fmt: skip
    return judged_frame("verdicts", rows)


def findings(assessments: Iterable[Assessment]) -> pl.DataFrame:
    """Return the frame `findings`, in the order of *assessments*."""
    rows = [
        (a.release.version, f.signal, f.family.value, f.severity.value, f.confidence.value, f.observed, f.expected,
         list(f.benign_if), f.note, f.knowable_at_publish, list(f.evidence))
        for a in assessments
        for f in a.findings
    ]  # fmt: skip
    return judged_frame("findings", rows)


def waves(analysis: Analysis) -> pl.DataFrame:
    """Return the frame `waves`."""
    rows = [
        (number, w.line, list(w.releases), w.last_good, w.last_good_not_checked if w.last_good else None,
         w.first_good, w.first_good_not_checked if w.first_good else None, w.exposure.start, w.exposure.end,
         w.exposure.start_source, w.exposure.end_source, w.exposure.end_reason)
        for number, w in enumerate(analysis.waves, 1)
    ]  # fmt: skip
    return judged_frame("waves", rows)


def not_checked(table: pl.DataFrame, assessments: Iterable[Assessment]) -> pl.DataFrame:
    """Return the table `not_checked` of a case, and below it each signal that could not be computed for a release."""
    import polars as pl

    rows: list[tuple[Any, ...]] = [
        (a.release.version, u.signal, u.outcome.reason, u.outcome.needs, list(u.outcome.evidence))
        for a in assessments
        for u in a.not_checked
    ]
    return pl.concat([table, frame_of(rows, SCHEMAS["not_checked"])])

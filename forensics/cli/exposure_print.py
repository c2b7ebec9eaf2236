"""What `forensics exposure` prints: for a person, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from forensics.model.text import visible
from forensics.model.times import to_iso, to_minute

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from forensics.investigation import Analysis
    from forensics.investigation.exposure import ExposureReport, Hit, Suspect
    from forensics.sources.lockfiles.history import Span

SHOWN_UNREAD = 20
SHOWN_REFS = 5


def exposure_json(report: ExposureReport, analyses: Sequence[Analysis]) -> dict[str, Any]:
    """Return the document of schema `forensics/exposure/1`."""
    from forensics.cli.exposure import exit_code

    numbers = {id(suspect): number for number, suspect in enumerate(report.suspects)}
    return {
        "schema": "forensics/exposure/1",
        "cases": [
            {"id": a.case.id, "project": str(a.project), "complete": a.case.complete, "verdict": a.verdict.value}
            for a in analyses
        ],
        "suspects": [_suspect_json(suspect) for suspect in report.suspects],
        "read": {
            "lockfiles": report.lockfiles,
            "manifests": report.manifests,
            "commits": report.commits,
            "versions_in_history": report.versions,
            "ranges_settled_by_lockfiles": report.settled,
        },
        "hits": [_hit_json(hit, numbers[id(hit.suspect)]) for hit in report.hits],
        "not_read": [{"file": file, "reason": reason} for file, reason in report.unread],
        "verdict": report.verdict.value if report.verdict else None,
        "exit_code": exit_code(report),
    }


def _suspect_json(suspect: Suspect) -> dict[str, Any]:
    window = suspect.window
    return {
        "project": str(suspect.project),
        "version": suspect.version,
        "verdict": suspect.verdict.value,
        "case": suspect.case,
        "window": {
            "start": _iso(window.start),
            "end": _iso(window.end),
            "start_source": window.start_source,
            "end_source": window.end_source,
            "end_reason": window.end_reason,
        },
        "files": [{"filename": name, "digest": digest} for name, digest in suspect.files],
        "evidence": list(suspect.evidence),
    }


def _hit_json(hit: Hit, number: int) -> dict[str, Any]:
    return {
        "file": hit.file,
        "kind": hit.kind,
        "where": hit.where,
        "match": hit.strength.value,
        "named": hit.named,
        "note": hit.note,
        "suspect": number,
        "project": str(hit.suspect.project),
        "version": hit.suspect.version,
        "verdict": hit.verdict.value,
        "history": _span_json(hit.span) if hit.span else None,
        "in_window": hit.overlap,
    }


def _span_json(span: Span) -> dict[str, Any]:
    return {
        "from": _iso(span.start),
        "from_commit": span.start_commit,
        "until": _iso(span.end),
        "until_commit": span.end_commit,
        "held_by": list(span.held_by),
        "source": "claimed by git",
    }


def _iso(at: datetime | None) -> str | None:
    return to_iso(at) if at else None


def print_exposure(report: ExposureReport, analyses: Sequence[Analysis]) -> None:
    """Print the suspects with their windows, the matches under each, and what was not read."""
    from forensics.cli.terminal import console

    out = console()
    _say(out, _headline(report))
    for analysis in analyses:
        if not any(suspect.project == analysis.project for suspect in report.suspects):
            _say(out, f"{analysis.project}: its case flags no release, so there is nothing to look for.")
        if not analysis.case.complete:
            _say(out, f"{analysis.project}: its case is not complete; it may not know every bad release.")
    for suspect in report.suspects:
        hits = [hit for hit in report.hits if hit.suspect is suspect]
        out.print()
        _say(out, f"{suspect.project} {suspect.version}: {suspect.verdict.value.replace('-', ' ')}", "bold")
        _say(out, f"  could be installed {_window(suspect)}")
        for hit in hits:
            _hit(out, hit)
        if not hits:
            _say(out, "  no file names it", "dim")
    _not_read(out, report)


def _headline(report: ExposureReport) -> str:
    read = [f"{report.lockfiles:,} lockfile{'' if report.lockfiles == 1 else 's'}"]
    if report.manifests:
        read.append(f"{report.manifests:,} manifest{'' if report.manifests == 1 else 's'}")
    if report.commits:
        read.append(f"{report.versions:,} versions in {report.commits:,} commits")
    files = len({hit.file for hit in report.hits})
    found = f"{files:,} name{'s' if files == 1 else ''} a suspect release" if files else "none names a suspect release"
    return f"Read {' and '.join(read) if len(read) < 3 else ', '.join(read)}: {found}."


def _window(suspect: Suspect) -> str:
    window = suspect.window
    start = f"from {to_minute(window.start)} UTC ({window.start_source})" if window.start else "from a time unknown"
    if window.end:
        return f"{start} until {to_minute(window.end)} UTC ({window.end_source})"
    return f"{start} until nobody knows when: {window.end_reason}"


def _hit(out: Console, hit: Hit) -> None:
    style = {"hash": "bold red", "version": "red", "range": "yellow"}.get(hit.strength.value, "yellow")
    note = f": {hit.note}" if hit.note else ""
    _say(out, f"  [{hit.strength.value}] {hit.file}, {hit.where}: {hit.named}{note}", style)
    if hit.span is None:
        return
    span, refs = hit.span, hit.span.held_by
    start = f"{to_minute(span.start)} UTC" if span.start else "a time unknown"
    words = f"    in git from {start} ({span.start_commit[:12]})"
    if span.end_commit:
        ended = f"{to_minute(span.end)} UTC" if span.end else "a time unknown"
        words += f" until {ended} ({span.end_commit[:12]})"
    elif refs:
        more = f" and {len(refs) - SHOWN_REFS} more" if len(refs) > SHOWN_REFS else ""
        words += f", still in {', '.join(refs[:SHOWN_REFS])}{more}"
    else:
        words += ", to the end of a branch that only a tag keeps"
    fits = {
        True: "inside the window",
        False: "outside the window; it was resolved before it was committed, so look nevertheless",
        None: "whether inside the window is not known",
    }[hit.overlap]
    _say(out, f"{words}, as git claims: {fits}")


def _not_read(out: Console, report: ExposureReport) -> None:
    if report.settled:
        _say(out, "")
        count = report.settled
        _say(out, f"{count:,} range{'' if count == 1 else 's'} left out: a lockfile says what was taken instead.")
    if not report.unread:
        return
    out.print()
    _say(out, "Could not check")
    for file, reason in report.unread[:SHOWN_UNREAD]:
        _say(out, f"  {file}: {reason}")
    if len(report.unread) > SHOWN_UNREAD:
        _say(out, f"  and {len(report.unread) - SHOWN_UNREAD:,} more; --json has them all")


def _say(out: Console, text: str, style: str = "") -> None:
    out.print(visible(text), style=style or None, soft_wrap=True)

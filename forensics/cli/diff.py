"""`forensics diff PROJECT OLD NEW`: two releases side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forensics.cli.common import Ask
from forensics.cli.options import (
    CaseOption,
    EndpointOption,
    OfflineOption,
    QuietOption,
    RefreshOption,
    TrustRootOption,
    VerboseOption,
)

if TYPE_CHECKING:
    from forensics.compare.releases import ReleaseComparison
    from forensics.evidence.case import Case
    from forensics.model.finding import Assessment
    from forensics.model.release import Artifact


def diff(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="NAME, pypi:NAME, npm:NAME or a purl.")],
    old: Annotated[str, typer.Argument(metavar="OLD", help="The earlier version.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The later version.")],
    case: CaseOption = None,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON (schema forensics/diff/1).")] = False,
    artifacts: Annotated[
        bool, typer.Option("--artifacts", help="Show the text of files that differ inside the artifacts, too.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show claims that are the same, too.")] = False,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare the identities and files of two releases, ids before names.

    A case that is collected by this command gets the bytes of both releases.
    """
    from forensics.cli.common import investigate
    from forensics.compare.releases import compare_releases

    ask = Ask(project, case, offline, refresh, trust_root, endpoint, 16, 60.0, None, quiet, verbose, also=(old, new))
    investigation, analysis = investigate(ask)
    before, after = analysis.assessment(old), analysis.assessment(new)
    comparison = compare_releases(before.release, after.release, analysis.history.repository)
    bytes_of = investigation.case if artifacts else None
    if json_output:
        import json

        typer.echo(json.dumps(_json(before, after, comparison, bytes_of), indent=2))
        return
    _print(before, after, comparison, bytes_of, everything=everything)


def _side(one: Assessment) -> dict[str, str | None]:
    from forensics.signals.profile import uploader_of

    uploader = uploader_of(one.release)
    return {
        "version": one.release.version,
        "verdict": one.verdict.value,
        "door": one.door.value,
        "published_by": str(uploader) if uploader else None,
    }


def _json(before: Assessment, after: Assessment, comparison: ReleaseComparison, case: Case | None) -> dict[str, object]:
    from forensics.cli.diff_contents import contents_json

    return {
        "schema": "forensics/diff/1",
        "before": _side(before),
        "after": _side(after),
        "identity": {
            "rows": [
                {"claim": r.claim, "label": r.label, "before": r.before, "after": r.after, "change": r.change.value}
                for r in comparison.identity.rows
            ],
            "reason": comparison.identity.reason,
            "evidence": list(comparison.identity.evidence),
        },
        "files": [{"kind": f.kind, "before": _file(f.before), "after": _file(f.after)} for f in comparison.files],
        "contents": contents_json(comparison, case),
        "source": _source(comparison),
        "not_checked": [
            {"what": what, "reason": outcome.reason, "needs": outcome.needs}
            for what, outcome in comparison.not_compared
        ],
    }


SHOWN_COMMITS = 20
"""Commits that are printed; the JSON has up to MAX_COMMITS."""
MAX_COMMITS = 1000


def _source(comparison: ReleaseComparison) -> dict[str, object] | None:
    from forensics.model.times import to_iso

    source = comparison.source
    if source is None:
        return None
    commits = [
        {"sha": c.sha, "committed": to_iso(c.committed) if c.committed else None, "subject": c.subject}
        for c in source.commits[:MAX_COMMITS]
    ]
    workflow = {"before": source.workflow[0], "after": source.workflow[1]} if source.workflow else None
    return {
        "before": source.before,
        "after": source.after,
        "count": len(source.commits),
        "commits": commits,
        "workflow": workflow,
        "workflow_text": list(source.workflow_text.lines) if source.workflow_text else None,
        "evidence": list(source.evidence),
    }


def _file(artifact: Artifact | None) -> dict[str, object] | None:
    if artifact is None:
        return None
    return {"filename": artifact.filename, "sha256": artifact.sha256, "size": artifact.size,
            "evidence": list(artifact.evidence)}  # fmt: skip


def _print(
    before: Assessment, after: Assessment, comparison: ReleaseComparison, case: Case | None, *, everything: bool
) -> None:
    from rich import box
    from rich.table import Table

    from forensics.cli.diff_contents import print_contents
    from forensics.cli.terminal import console
    from forensics.model.text import visible

    out = console()
    old, new = visible(before.release.version), visible(after.release.version)
    sides = [f"{name} ({a.verdict.value}, door {a.door.value})" for name, a in ((old, before), (new, after))]
    out.print(" → ".join(sides))
    publishers = [_side(one)["published_by"] for one in (before, after)]
    if any(publishers):
        out.print("Published by " + " → ".join(visible(one or "not known") for one in publishers))
    out.print()
    identity = comparison.identity
    if not identity.rows:
        out.print(f"Identities cannot be compared: {visible(identity.reason)}.")
    else:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in ("", "claim", old, new):
            table.add_column(column, overflow="fold")
        shown = [r for r in identity.rows if everything or r.change.value != "same"]
        for row in shown:
            style = "bold yellow" if row.change.value in {"changed", "added", "removed"} else "dim"
            table.add_row(
                row.change.value, row.label, visible(row.before or "—"), visible(row.after or "—"), style=style
            )
        out.print(table)
        out.print(
            f"{len(identity.rows) - len(shown)} further claims are the same. Evidence: {', '.join(identity.evidence)}"
        )
    out.print()
    for pair in comparison.files:
        for side, artifact in (("-", pair.before), ("+", pair.after)):
            if artifact is not None:
                size, digest = artifact.size or "?", artifact.sha256 or "unknown"
                out.print(f"{side} {visible(artifact.filename)}  {size} bytes  sha256 {digest}")
    print_contents(comparison, case)
    _print_source(comparison)
    if not comparison.not_compared:
        return
    out.print()
    out.print("Could not check")
    for what, outcome in comparison.not_compared:
        out.print(f"  {what}: {visible(outcome.reason)} [needs {outcome.needs}]", markup=False)


def _print_source(comparison: ReleaseComparison) -> None:
    from forensics.cli.diff_contents import print_text
    from forensics.cli.terminal import console
    from forensics.model.text import visible
    from forensics.model.times import to_minute

    out, source = console(), comparison.source
    if source is None:
        return
    out.print()
    count = len(source.commits)
    words = "1 commit" if count == 1 else f"{count} commits"
    out.print(f"{words} from {source.before[:12]} to {source.after[:12]}, dates as git claims")
    for commit in source.commits[:SHOWN_COMMITS]:
        at = to_minute(commit.committed) if commit.committed else "undated"
        out.print(f"  {commit.sha[:12]}  {at}  {visible(commit.subject)}")
    if count > SHOWN_COMMITS:
        out.print(f"  and {count - SHOWN_COMMITS} more")
    if source.workflow:
        old, new = source.workflow
        same = old == new
        out.print(f"The workflow file is {'the same' if same else f'another: git blob {old[:12]}, then {new[:12]}'}.")
    if source.workflow_text:
        print_text(source.workflow_text)
    out.print(f"Evidence: {', '.join(source.evidence)}")

"""`forensics exposure LOCKFILE…|DIR…`: which lockfiles could have pulled a suspect release, and in which window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.cli.common import Ask
from forensics.cli.options import EndpointOption, OfflineOption, QuietOption, TrustRootOption, VerboseOption
from forensics.model.errors import UsageError

if TYPE_CHECKING:
    from forensics.investigation import Analysis
    from forensics.investigation.exposure import ExposureReport


def exposure(
    places: Annotated[
        list[Path], typer.Argument(metavar="LOCKFILE|DIR…", help="Lockfiles, manifests, or directories that hold some.")
    ],
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="PATH|NAME", help="A case whose flagged releases are looked for. Repeatable."),
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option("--project", metavar="PROJECT", help="A project to collect a case of first. Repeatable."),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Read every version in the git history of each DIR, too.")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON (schema forensics/exposure/1).")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever is found, for pipelines.")] = False,
    offline: OfflineOption = False,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell which lockfiles name a flagged release, and whether it could be installed at that time.

    \b
    A match is, the surest first,
      hash                   the digest of a file of the release
      version                its name and version; no digest says otherwise
      version, another hash  its name and version with a digest of another file
      range                  a manifest allowed it, and no lockfile beside or
                             above it says what was taken

    Exit 0 when nothing matches, 10 or 11 by the verdict of the worst match; a range alone never gives more than 10.
    """
    from forensics.cli.exposure_print import exposure_json, print_exposure
    from forensics.cli.progress import Reporter
    from forensics.investigation.exposure import search, suspects_of

    if not case and not project:
        raise UsageError(
            "Nothing says which releases are suspect.", advice="Name a case with --case, or a project with --project."
        )
    asks = [Ask(None, one, offline, trust_root=trust_root, quiet=quiet, verbose=verbose) for one in case or ()]
    asks += [
        Ask(one, None, offline, False, trust_root, endpoint, quiet=quiet, verbose=verbose) for one in project or ()
    ]
    analyses = [_analysed(ask) for ask in asks]
    with Reporter(quiet=quiet, verbose=verbose) as reporter:
        report = search(suspects_of(analyses), places, history=history, progress=reporter.progress)
    if json_output:
        import json

        typer.echo(json.dumps(exposure_json(report, analyses), indent=2))
    else:
        print_exposure(report, analyses)
    raise typer.Exit(0 if exit_zero else exit_code(report))


def _analysed(ask: Ask) -> Analysis:
    from forensics.cli.common import investigate

    return investigate(ask)[1]


def exit_code(report: ExposureReport) -> int:
    """Return 0 without a match, else 10 or 11 by the verdict of the worst."""
    from forensics.model.finding import Verdict

    return {Verdict.SUSPICIOUS: 10, Verdict.LIKELY_COMPROMISED: 11}.get(report.verdict or Verdict.ORDINARY, 0)

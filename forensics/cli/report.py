"""`forensics report PROJECT|CASE -o FILE`: the report that goes with a post-mortem."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.common import Ask
from forensics.cli.options import (
    CacheOption,
    CaseOption,
    EndpointOption,
    ExitZeroOption,
    LineOption,
    OfflineOption,
    QuietOption,
    RefreshOption,
    TrustRootOption,
    VerboseOption,
)


def report(
    project: Annotated[
        str | None,
        typer.Argument(metavar="PROJECT|CASE", help="A project as for `timeline`, or a case by path or name."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; stdout when left out or '-'.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="html, md, json, csv, jsonl, iocs, stix, osv, graphml; by the suffix of FILE otherwise.",
        ),
    ] = None,
    case: CaseOption = None,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
    exit_zero: ExitZeroOption = False,
    line: LineOption = None,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    cache: CacheOption = True,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write the incident report: one self-contained HTML file, Markdown for an issue, or a form for programs.

    By suffix: .html, .md, .json (all there is), .csv (events), .jsonl (Timesketch), .iocs.csv (indicators),
    .stix.json (STIX 2.1), .osv.json (draft of an OSV record), .graphml (who is tied to whom). The same case gives the
    same report, byte for byte.
    """
    from forensics.cli.common import document_of, note
    from forensics.cli.timeline import exit_code
    from forensics.report import FORMATS, format_of
    from forensics.report.writing import write_out

    to_stdout = output is None or str(output) == "-"
    chosen = format_of(form or (str(output) if not to_stdout else "html"))
    name, case = _case_or_project(project, case)
    ask = Ask(name, case, offline, refresh, trust_root, endpoint, 16, 60.0, line, quiet, verbose, cache=cache)
    document, _ = document_of(ask)
    text = FORMATS[chosen](document)
    if to_stdout:
        typer.echo(text, nl=False)
    else:
        assert output is not None
        write_out(output, text)
        note(ask, f"Wrote {output}")
    raise typer.Exit(exit_code(document, strict=False, exit_zero=exit_zero))


def _case_or_project(text: str | None, case: str | None) -> tuple[str | None, str | None]:
    """An argument that names a case is one; everything else is a project."""
    if text is None or case is not None:
        return text, case
    from forensics.evidence.library import find_case
    from forensics.model.errors import CaseNotFound

    try:
        path = find_case(text)
    except CaseNotFound:
        return text, None
    # A checkout of the project in the current directory has its name, too.
    if str(path) == text and "/" not in text and path.is_dir() and not (path / "data" / "case.json").is_file():
        return text, None
    return None, text

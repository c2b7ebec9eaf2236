"""`forensics timeline PROJECT`: collect, verify, analyse, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.cli.common import Ask
from forensics.cli.options import (
    CacheOption,
    CaseOption,
    CompareOption,
    ConcurrencyOption,
    EndpointOption,
    ExitZeroOption,
    FilesOption,
    LineOption,
    MaxFileOption,
    MaxFilesOption,
    MaxWaitOption,
    OfflineOption,
    ProjectArgument,
    QuietOption,
    RefreshOption,
    RepositoryOption,
    TimeoutOption,
    TrustRootOption,
    VerboseOption,
)

if TYPE_CHECKING:
    from forensics.model.document import Document

INCOMPLETE_EXIT = 4
VERDICT_EXITS = {10, 11}


def timeline(
    project: ProjectArgument = None,
    case: CaseOption = None,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the document (schema forensics/timeline/1).")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every release, also unchanged stretches.")] = False,
    versions: Annotated[
        str | None, typer.Option("--versions", metavar="RANGE", help="Show only these, such as '>=8.3,<8.4' (PEP 440).")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Show releases from this UTC time on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Show releases up to this UTC time.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 4 when a source could not be asked.")] = False,
    exit_zero: ExitZeroOption = False,
    reconstruction: Annotated[
        str | None,
        typer.Option("--reconstruction", metavar="TEXT", help="Mark a new case as a reconstruction, and say of what."),
    ] = None,
    line: LineOption = None,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    repository: RepositoryOption = None,
    compare_with: CompareOption = None,
    files: FilesOption = "suspects",
    max_file: MaxFileOption = 64,
    max_files: MaxFilesOption = 512,
    cache: CacheOption = True,
    concurrency: ConcurrencyOption = 16,
    max_wait: MaxWaitOption = 60.0,
    timeout: TimeoutOption = 30.0,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Reconstruct the release timeline of a project and flag anomalous releases.

    All releases are analysed; --versions, --since and --until choose what is shown. The case is kept, and the same
    case gives the same output anywhere: forensics timeline --case CASE --offline.
    """
    from forensics.cli.common import document_of
    from forensics.cli.selection import select

    ask = Ask(
        project, case, offline, refresh, trust_root, endpoint, concurrency, max_wait, line, quiet, verbose,
        reconstruction=reconstruction, cache=cache, files=files, max_file=max_file, max_files=max_files,
        repository=repository, compare_with=tuple(compare_with or ()), timeout=timeout,
    )  # fmt: skip
    selection = select(versions, since, until, project)
    document, where = document_of(ask)
    options = {"versions": versions, "since": since, "until": until, "line": line or []}
    document = {**document, "options": {name: value for name, value in options.items() if value}}
    _print(document, selection.of(document), where, json_output=json_output, everything=everything)
    raise typer.Exit(exit_code(document, strict=strict, exit_zero=exit_zero))


def _print(document: Document, shown: Document, where: Path, *, json_output: bool, everything: bool) -> None:
    if json_output:
        from forensics.report.as_json import render_json

        typer.echo(render_json(shown), nl=False)
        return
    from forensics.cli.terminal import print_timeline

    print_timeline(document, everything=everything, shown=shown["releases"], where=str(where))


def exit_code(document: Document, *, strict: bool, exit_zero: bool) -> int:
    """Return the documented exit code of *document*: drift and, when strict, incompleteness come before verdicts.

    *exit_zero* silences verdicts, and only these.
    """
    incomplete = not document["case"]["complete"] or any(source["problem"] for source in document["sources"])
    if strict and incomplete:
        return INCOMPLETE_EXIT
    code = document["exit_code"]
    return 0 if exit_zero and code in VERDICT_EXITS else code

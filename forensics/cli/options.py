"""Options that several commands take, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProjectArgument = Annotated[
    str | None, typer.Argument(metavar="PROJECT", help="NAME, pypi:NAME, npm:NAME or a purl such as pkg:npm/NAME.")
]
CaseOption = Annotated[
    str | None,
    typer.Option(
        "--case", metavar="PATH|NAME", help="Case directory, zipped case, or the name of a case from `case list`."
    ),
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Ask nobody; use only what the case holds.")]
RefreshOption = Annotated[bool, typer.Option("--refresh", help="Ask again although the case is complete.")]
TrustRootOption = Annotated[
    Path | None,
    typer.Option(
        "--trust-root", metavar="FILE", help="Trusted root to check signatures against, and to vouch for a case's."
    ),
]
EndpointOption = Annotated[
    list[str] | None,
    typer.Option("--endpoint", metavar="KEY=URL", help="Override a service, such as pypi or rekor. Repeatable."),
]
ConcurrencyOption = Annotated[
    int, typer.Option("--concurrency", min=1, max=128, help="Requests in flight for one host.")
]
MaxWaitOption = Annotated[
    float, typer.Option("--max-wait", min=0, help="Seconds that retries of one request may wait in all.")
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", min=0.1, help="Seconds of silence after which an answer is not waited for.")
]
LineOption = Annotated[
    list[str] | None,
    typer.Option(
        "--line", metavar="PREFIX=LINE", help="Put versions of a prefix into a line of your choice. Repeatable."
    ),
]
CacheOption = Annotated[
    bool, typer.Option("--cache/--no-cache", help="Use what was computed before from the same case.")
]
ExitZeroOption = Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the verdict, for pipelines.")]
FilesOption = Annotated[
    str,
    typer.Option(
        "--files",
        metavar="none|suspects|all",
        help="Whose artifacts to fetch and keep: suspects and the latest releases, each with those before it.",
    ),
]
MaxFileOption = Annotated[int, typer.Option("--max-file", min=1, help="MiB that one artifact may have.")]
MaxFilesOption = Annotated[int, typer.Option("--max-files", min=1, help="MiB of artifacts fetched in one run.")]
RepositoryOption = Annotated[
    str | None,
    typer.Option(
        "--repository", metavar="URL|PATH", help="Collect this git repository, in place of the one that sources name."
    ),
]
CompareOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--compare-with",
        metavar="CASE",
        help="An earlier case of the project, added to this one as a snapshot: what is gone since is told.",
    ),
]
EngineOption = Annotated[
    str | None, typer.Option("--engine", metavar="pool|dask", help="Who does the work: processes here, or Dask.")
]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", metavar="URL", help="A running Dask scheduler, such as tcp://host:8786.")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, max=256, help="Tasks at a time; default: one a processor.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes on stderr.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr: waits, retries, each stage.")]

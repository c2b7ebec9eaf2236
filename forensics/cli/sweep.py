"""`forensics sweep LIST`: many projects, the campaigns among them, and how far attestations have spread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.cli.common import Ask, note
from forensics.cli.options import (
    ConcurrencyOption,
    EndpointOption,
    EngineOption,
    ExitZeroOption,
    FilesOption,
    MaxFileOption,
    MaxFilesOption,
    MaxWaitOption,
    OfflineOption,
    QuietOption,
    SchedulerOption,
    TrustRootOption,
    VerboseOption,
    WorkersOption,
)

if TYPE_CHECKING:
    from forensics.evidence.client import Limits
    from forensics.model.project import Project
    from forensics.sweep.dataset import Dataset
    from forensics.sweep.engine import Engine
    from forensics.sweep.run import Plan, SweepDoc
    from forensics.sweep.seeds import Seeds

INCOMPLETE_EXIT = 4


def sweep(
    lists: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="LIST",
            help="Names or purls (one a line), a lockfile, a CycloneDX or SPDX document, or a list of top packages; "
            "- for standard input.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where the sweep is kept.")] = Path("sweep"),
    publisher: Annotated[
        list[str] | None,
        typer.Option("--publisher", metavar="OWNER/REPO", help="The packages that this repository attests to."),
    ] = None,
    campaign: Annotated[
        list[str] | None,
        typer.Option(
            "--campaign",
            metavar="CASE",
            help="What shares run, commit, payload, account or identity with a flagged release of this case: sought in "
            "the LIST, and in the projects of the same accounts.",
        ),
    ] = None,
    engine: EngineOption = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
    per_second: Annotated[
        float, typer.Option("--per-second", min=0.1, help="Requests a second to one host, of all workers together.")
    ] = 20.0,
    thorough: Annotated[
        bool,
        typer.Option("--thorough", help="Ask the index's journal and the CI provider too, which give guests little."),
    ] = False,
    offline: OfflineOption = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON (schema forensics/sweep/1).")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 4 when a project is left or a source missed.")] = False,
    exit_zero: ExitZeroOption = False,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    files: FilesOption = "suspects",
    max_file: MaxFileOption = 64,
    max_files: MaxFilesOption = 128,
    concurrency: ConcurrencyOption = 16,
    max_wait: MaxWaitOption = 60.0,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Collect, verify and judge many projects; find the campaigns among them; show how far attestations have spread.

    The sweep is kept in DIR: one case for each project, Parquet tables partitioned by project, adoption.html and
    adoption.json. The same command goes on where it stopped.
    """
    from forensics.cli.common import crew_for, endpoints_from, file_options, trust_root_bytes
    from forensics.evidence.client import Limits
    from forensics.model.errors import UsageError
    from forensics.sweep.run import Plan, begin, conclude, finish

    ask = Ask(None, None, offline, trust_root=trust_root, endpoint=endpoint, concurrency=concurrency,
              max_wait=max_wait, quiet=quiet, verbose=verbose, files=files, max_file=max_file,
              max_files=max_files)  # fmt: skip
    chosen = file_options(ask)
    if not (lists or publisher or campaign):
        raise UsageError("Name a LIST, a --publisher or a --campaign.", advice="For instance: forensics sweep uv.lock")
    seeds = _seeds(campaign or [], ask)
    projects, downloads = _listed(lists or [], ask)
    projects |= dict.fromkeys(seeds.neighbours)
    dataset = begin(out, endpoints_from(ask), trust_root_bytes(ask), thorough=thorough)
    limits = Limits(concurrency=concurrency, max_wait_seconds=max_wait, per_second=per_second)
    for repository in publisher or []:
        projects |= dict.fromkeys(_published_by(dataset, repository, limits, ask))
    crew = crew_for(engine, scheduler, workers, default="pool")
    assert crew is not None  # a default was named
    try:
        interrupted = _work(dataset, list(projects), crew, Plan(limits, chosen, offline), ask)
    finally:
        crew.close()
    finish(dataset)
    document = conclude(dataset, list(projects), seeds.facts, downloads)
    _print(document, as_json=json_output)
    if interrupted:
        raise KeyboardInterrupt
    raise typer.Exit(_exit_code(document, strict=strict, exit_zero=exit_zero))


def _seeds(cases: list[str], ask: Ask) -> Seeds:
    """Return what the flagged releases of *cases* start from, together."""
    from forensics.cli.common import trust_root_bytes
    from forensics.sweep.seeds import Seeds, seeds_of

    each = [seeds_of(name, trust_root_bytes(ask)) for name in cases]
    return Seeds(tuple(f for one in each for f in one.facts), tuple(p for one in each for p in one.neighbours))


def _listed(lists: list[Path], ask: Ask) -> tuple[dict[Project, None], dict[Project, int]]:
    """Return the projects that the lists name, each once, and downloads where a list states them."""
    from forensics.report.words import plural
    from forensics.sweep.targets import read_targets

    projects: dict[Project, None] = {}
    downloads: dict[Project, int] = {}
    for path in lists:
        found = read_targets(path)
        note(ask, f"{path}: {found.form}, {plural(len(found.projects), 'project')}")
        if found.skipped:
            left = plural(found.skipped, "entry", "entries")
            note(ask, f"{path}: left out, of no index read here: {left}, such as {', '.join(found.examples[:5])}")
        projects |= found.projects
        downloads |= found.downloads
    return projects, downloads


def _published_by(dataset: Dataset, repository: str, limits: Limits, ask: Ask) -> tuple[Project, ...]:
    """Return what a repository publishes, and say how many that are."""
    from forensics.sweep.candidates import published_by

    found = published_by(dataset, repository, limits, offline=ask.offline)
    note(ask, f"{repository}: deps.dev knows {len(found):,} projects that it attests to")
    return found


def _work(dataset: Dataset, projects: list[Project], crew: Engine, plan: Plan, ask: Ask) -> bool:
    """Do what is left to do; return whether Ctrl-C ended it before."""
    from forensics.cli.progress import Reporter
    from forensics.sweep.run import sweep as run

    left = len(projects) - len(dataset.done().keys() & set(projects))
    if 0 < left < len(projects):
        note(ask, f"{len(projects) - left:,} of {len(projects):,} projects are done; going on with the others.")
    with Reporter(quiet=ask.quiet, verbose=ask.verbose) as reporter:
        try:
            for number, done in enumerate(run(dataset, projects, crew, plan), 1):
                reporter.progress("Projects", number, left)
                if done.flagged:
                    reporter.say(f"{done.project}: {done.verdict}: {', '.join(done.flagged)}")
                elif done.problem:
                    reporter.say(f"{done.project}: {done.outcome}: {done.problem}")
        except KeyboardInterrupt:
            return True
    return False


def _print(document: SweepDoc, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))
    else:
        from forensics.cli.sweep_terminal import print_sweep

        print_sweep(document)


def _exit_code(document: SweepDoc, *, strict: bool, exit_zero: bool) -> int:
    """Return 11 and 10 for the highest verdict, 4 when strict and something is missing, else 0."""
    from forensics.model.finding import Verdict
    from forensics.report.build import EXIT_CODES

    if strict and (document["remaining"] or document["missed"]):
        return INCOMPLETE_EXIT
    return 0 if exit_zero else EXIT_CODES.get(Verdict(document["verdict"]), 0)

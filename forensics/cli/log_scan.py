"""`forensics log scan`: search a log entry by entry, and say exactly what was covered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli.common import Ask, crew_for, note
from forensics.cli.log_sought import (
    ClaimOption,
    ConfigOption,
    DigestOption,
    EmailOption,
    FingerprintOption,
    FormOption,
    IdentityOption,
    IssuerOption,
    Options,
    RegexOption,
    Search,
    search_of,
)
from forensics.cli.options import (
    ConcurrencyOption,
    EndpointOption,
    EngineOption,
    MaxWaitOption,
    OfflineOption,
    QuietOption,
    SchedulerOption,
    TrustRootOption,
    WorkersOption,
)
from forensics.model.errors import UsageError

if TYPE_CHECKING:
    from forensics.cli.log_session import Logs
    from forensics.model.log import LogRecord
    from forensics.sources.rekor_tiles import TileShard
    from forensics.sources.tiles_scan import Scanned, Tick, Wanted
    from forensics.sweep.engine import Engine
    from forensics.transparency.scan import Hit

UNSOUND_EXIT = 4
UNASKED_EXIT = 1
SLOW = 45.0
"""Seconds of asking Rekor v1 beyond which the user is told what it costs."""


def scan(
    log: Annotated[
        str | None, typer.Option("--log", metavar="URL|NAME|v1", help="One log; default: all of Rekor v2.")
    ] = None,
    identity: IdentityOption = None,
    identity_regex: RegexOption = None,
    email: EmailOption = None,
    issuer: IssuerOption = None,
    claim: ClaimOption = None,
    digest: DigestOption = None,
    fingerprint: FingerprintOption = None,
    config: ConfigOption = None,
    from_index: Annotated[int | None, typer.Option("--from-index", metavar="N", min=0, help="First entry.")] = None,
    to_index: Annotated[int | None, typer.Option("--to-index", metavar="M", min=0, help="Last entry.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="T", help="From this time on (UTC).")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="T", help="Up to this time (UTC).")] = None,
    case: Annotated[
        str | None, typer.Option("--case", metavar="PATH|NAME", help="A case that keeps the answers, or holds them.")
    ] = None,
    offline: OfflineOption = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON (schema forensics/log-scan/1).")] = False,
    form: FormOption = None,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    engine: EngineOption = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
    concurrency: ConcurrencyOption = 8,
    max_wait: MaxWaitOption = 60.0,
    quiet: QuietOption = False,
) -> None:
    """Search every entry of a range for identities, digests or keys, each hashed to a signed checkpoint.

    Names are alternatives, issuers and claims narrow them. Exit 0 found or not, 4 when a proof of the log fails, 1 when
    a part could not be asked.
    """
    from forensics.cli.log_session import logs_of, settle

    ask = Ask(None, case, offline, trust_root=trust_root, endpoint=endpoint, concurrency=concurrency,
              max_wait=max_wait, quiet=quiet)  # fmt: skip
    search = search_of(Options(identity, identity_regex, email, issuer, claim, digest, fingerprint, config))
    form = output_form(form, json_output)
    for text in search.notes:
        note(ask, text)
    if case is None:
        note(ask, "The answers are not kept. Name a case with --case to keep them as evidence.")
    wanted = _wanted(search, from_index, to_index, since, until)
    logs = logs_of(ask)
    crew = crew_for(engine, scheduler, workers)
    if crew is None:
        scans = _run(ask, logs, log, search, wanted)
    else:
        scans = _run_in_pieces(ask, logs, log, search, wanted, crew)
    settle(logs.case, ask)
    if form == "json":
        _print_json(scans, search)
    elif form == "rekor-monitor":
        _print_monitor(ask, scans, search)
    else:
        _print_text(scans)
    raise typer.Exit(exit_code(scans))


def exit_code(scans: list[Scanned]) -> int:
    """Return 4 where a proof failed, 1 where something could not be asked, else 0."""
    if any(one.failed for one in scans):
        return UNSOUND_EXIT
    return UNASKED_EXIT if any(one.incomplete for one in scans) else 0


def output_form(form: str | None, json_output: bool) -> str:
    """Return the form of the output that the options ask for. Raises UsageError."""
    form = form or ("json" if json_output else "text")
    if form not in ("text", "json", "rekor-monitor"):
        raise UsageError(f"--format {form}: there are text, json and rekor-monitor.")
    if json_output and form != "json":
        raise UsageError("--json and --format say different things.")
    return form


def _wanted(search: Search, begin: int | None, last: int | None, since: str | None, until: str | None) -> Wanted:
    from forensics.cli.selection import select
    from forensics.sources.tiles_scan import Wanted

    if search.configuration is not None:
        begin = search.configuration.start_index if begin is None else begin
        last = search.configuration.end_index if last is None else last
    times = select(None, since, until)
    wanted = Wanted(begin, None if last is None else last + 1, times.since, times.until)
    if wanted.by_index and wanted.by_time:
        raise UsageError("Say where to begin and end by index or by time, not both.")
    if times.since and times.until and times.since > times.until:
        raise UsageError("--since is after --until.")
    return wanted


def _run(ask: Ask, logs: Logs, log: str | None, search: Search, wanted: Wanted) -> list[Scanned]:
    import asyncio

    from forensics.cli.progress import Reporter

    with Reporter(quiet=ask.quiet, verbose=ask.verbose) as reporter:

        def tick(done: int, total: int) -> None:

            reporter.progress("Searching the log", done, total)

        if log == "v1":
            return [asyncio.run(_scan_v1(ask, logs, search, wanted, tick))]
        return asyncio.run(_scan_tiles(ask, logs, log, search, wanted, tick))


def _run_in_pieces(
    ask: Ask, logs: Logs, log: str | None, search: Search, wanted: Wanted, crew: Engine
) -> list[Scanned]:
    """Let the workers of *crew* search, piece by piece. Raises UsageError where the answers are to be kept."""
    from forensics.cli.log_session import limits_of
    from forensics.cli.progress import Reporter
    from forensics.sources.rekor_tiles import courteous
    from forensics.sweep.log_ranges import scan_in_pieces

    try:
        if log == "v1" or logs.case is not None:
            raise UsageError(
                "Only logs of Rekor v2 are searched by several workers, and their answers are not kept in a case.",
                advice="Leave out --case and --log v1, or --engine, --scheduler and --workers.",
            )
        shards = _one_for_indices(logs.shards(log), wanted)
        limits = courteous(limits_of(ask), [shard.url for shard in shards], 10_000_000)
        with Reporter(quiet=ask.quiet, verbose=ask.verbose) as reporter:
            return [
                scan_in_pieces(
                    crew,
                    shard,
                    logs.root,
                    search.matcher,
                    wanted,
                    limits,
                    tick=lambda done, total: reporter.progress("Searching the log", done, total),
                )
                for shard in shards
            ]
    finally:
        crew.close()


def _one_for_indices(shards: tuple[TileShard, ...], wanted: Wanted) -> tuple[TileShard, ...]:
    """Return *shards*; raises UsageError where indices are wanted of several."""
    if wanted.by_index and len(shards) > 1:
        names = ", ".join(shard.name for shard in shards)
        raise UsageError("An index counts in one log.", advice=f"Choose one with --log: {names}, or v1.")
    return shards


async def _scan_tiles(
    ask: Ask, logs: Logs, log: str | None, search: Search, wanted: Wanted, tick: Tick
) -> list[Scanned]:
    from forensics.cli.log_session import limits_of
    from forensics.sources.rekor_tiles import courteous
    from forensics.sources.tiles_scan import scan_shard
    from forensics.sources.tiles_session import asking

    shards = _one_for_indices(logs.shards(log), wanted)
    limits = courteous(limits_of(ask), [shard.url for shard in shards], 10_000_000)
    async with asking(logs.case, limits, offline=ask.offline) as session:
        return [
            await scan_shard(session, shard, logs.root, search.matcher, wanted, concurrency=ask.concurrency, tick=tick)
            for shard in shards
        ]


async def _scan_v1(ask: Ask, logs: Logs, search: Search, wanted: Wanted, tick: Tick) -> Scanned:
    from forensics.cli.log_session import limits_of
    from forensics.sources.rekor import AT_ONCE
    from forensics.sources.rekor_range import patient, scan_range
    from forensics.sources.tiles_session import asking

    if not (wanted.by_index or wanted.by_time):
        raise UsageError(
            "Rekor v1 has billions of entries and gives ten at a time.",
            advice="Say which ones, with --from-index and --to-index or --since and --until; or use `log search`.",
        )
    count = wanted.end - (wanted.begin or 0) if wanted.end is not None else None
    limits = patient(limits_of(ask), logs.rekor, count)
    seconds = (count or 1000) / AT_ONCE / limits.per_second
    if seconds > SLOW:
        each = f"{count:,} entries take" if count else "A thousand entries take"
        note(ask, f"{each} about {seconds / 60:.0f} minutes at the rate of a guest. `log search` asks one question.")
    async with asking(logs.case, limits, offline=ask.offline) as session:
        return await scan_range(
            session, logs.rekor, logs.root, search.matcher, wanted, concurrency=limits.concurrency, tick=tick
        )


def _print_text(scans: list[Scanned]) -> None:
    from forensics.cli.entries import show

    for scanned in scans:
        for hit, record in scanned.found:
            show([*match_lines(hit, record), ""])
        show(_summary(scanned))


def match_lines(hit: Hit, record: LogRecord) -> list[str]:
    """Return an entry with its verification, and what of it was sought."""
    from forensics.cli.entries import record_lines
    from forensics.report.build_log import record_doc

    lines = record_lines(record_doc(record))
    if record.identity is not None and record.integrated_at is None:
        lines.insert(4, f"  certificate  valid from {record.identity.not_before} to {record.identity.not_after}")
    return lines + [
        f"  matches      {match.what}: {match.value} (sought: {match.sought.label})" for match in hit.matches
    ]


def _summary(scanned: Scanned) -> list[str]:
    """What was covered, and what went wrong."""
    from forensics.cli.entries import contradiction_lines

    count = len(scanned.found)
    words = f"{count} entries match" if count > 1 else "1 entry matches" if count else "no entry matches"
    if scanned.coverage is None:
        words = "nothing was searched"
    elif scanned.broken or scanned.unasked:
        words += ", of those that could be searched"
    lines = [f"{scanned.log}: {words}"]
    if scanned.coverage is not None:
        lines.append(f"  covered      {scanned.coverage.text()}")
    lines += [f"  range        {scanned.basis}"] if scanned.basis else []
    lines += [f"  note         {text}" for text in scanned.notes]
    lines += [f"  NOT PROVED   {gap.text}: {gap.reason}" for gap in scanned.broken]
    lines += [f"  not asked    {gap.text}: {gap.reason}" for gap in scanned.unasked]
    for one in scanned.disagreements:
        lines += contradiction_lines(one.found, one.notes)
    if scanned.problem:
        lines.append(f"  {'NOT PROVED ' if scanned.unsound else 'not asked  '}  {scanned.problem}")
    return lines


def _print_json(scans: list[Scanned], search: Search) -> None:
    import json

    document = {
        "schema": "forensics/log-scan/1",
        "sought": [sought.label for sought in search.matcher.sought],
        "logs": [scan_doc(scanned) for scanned in scans],
    }
    typer.echo(json.dumps(document, indent=2, ensure_ascii=True))


def scan_doc(scanned: Scanned) -> dict[str, Any]:
    """Return what came of one log, as it stands in the JSON."""
    from forensics.cli.entries import contradiction_doc
    from forensics.report.build_log import record_doc

    coverage, head = scanned.coverage, scanned.head
    return {
        "log": scanned.log,
        "url": scanned.url,
        "checkpoint": {"size": head.size, "root": head.checkpoint.root.hex(), "note": head.raw} if head else None,
        "entries": [
            {**record_doc(record), "matches": [match_doc(match) for match in hit.matches]}
            for hit, record in scanned.found
        ],
        "coverage": {
            "text": coverage.text(),
            "complete": coverage.complete,
            "asked": [coverage.asked.begin, coverage.asked.end],
            "ranges": [list(span) for span in coverage.ranges],
            "entries": coverage.entries,
            "unparsable": [{"index": one.index, "reason": one.reason} for one in coverage.unparsable],
            "unreadable": [{"index": one.index, "reason": one.reason} for one in coverage.unreadable],
        }
        if coverage
        else None,
        "range": scanned.basis or None,
        "not_proved": [{"begin": gap.begin, "end": gap.end, "reason": gap.reason} for gap in scanned.broken],
        "not_asked": [{"begin": gap.begin, "end": gap.end, "reason": gap.reason} for gap in scanned.unasked],
        "contradictions": [contradiction_doc(one.found, one.notes) for one in scanned.disagreements],
        "problem": {"reason": scanned.problem, "unsound": scanned.unsound} if scanned.problem else None,
        "notes": [*scanned.notes],
        "evidence": [*scanned.evidence],
    }


def match_doc(match: Any) -> dict[str, Any]:
    """Return one match, as it stands in the JSON."""
    return {"sought": match.sought.label, "what": match.what, "value": match.value}


def _print_monitor(ask: Ask, scans: list[Scanned], search: Search) -> None:
    """Print rekor-monitor's lines; what it has no line for goes to stderr."""
    from forensics.cli.entries import show

    for scanned in scans:
        for hit, record in scanned.found:
            show(monitor_lines(search, hit.matches, record.index, record.entry_id))
        for line in _summary(scanned):
            note(ask, line)


def monitor_lines(search: Search, matches: Any, index: int, uuid: str) -> list[str]:
    """Return the lines of rekor-monitor for the *matches* of one entry: one for each monitored value, as it does."""
    from forensics.transparency.monitor_files import found_identity, json_line, text_line

    as_json = search.configuration is not None and search.configuration.output_format == "json"
    found = [found_identity(match, search.value_of(match), index, uuid) for match in matches]
    return [json_line(one) if as_json else text_line(one) for one in found]

"""`forensics recover PROJECT VERSION`: everything that the log proves about a removed release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.cli.common import Ask
from forensics.cli.options import (
    CaseOption,
    ConcurrencyOption,
    EndpointOption,
    MaxWaitOption,
    OfflineOption,
    QuietOption,
    RefreshOption,
    TrustRootOption,
    VerboseOption,
)

if TYPE_CHECKING:
    from forensics.investigation import Investigation
    from forensics.report.recovery import RecoveredFileDoc, RecoveryDoc

_SOURCE = "command line of `forensics recover`"


def recover(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="NAME, pypi:NAME, npm:NAME or a purl.")],
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The release that the index no longer lists.")],
    digest: Annotated[
        list[str] | None,
        typer.Option(
            "--hash", metavar="FILE=DIGEST", help="A file of it and its SHA-256; for npm SHA-512. Repeatable."
        ),
    ] = None,
    digests: Annotated[
        Path | None,
        typer.Option("--hashes", metavar="FILE", help="A list of digests, with file names (sha256sum) or without."),
    ] = None,
    source: Annotated[str, typer.Option("--source", help="Who says so; kept with the digests.")] = _SOURCE,
    case: CaseOption = None,
    offline: OfflineOption = False,
    refresh: RefreshOption = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON (schema forensics/recover/1).")] = False,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    concurrency: ConcurrencyOption = 16,
    max_wait: MaxWaitOption = 60.0,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Rebuild from the transparency log what the index deleted with a release, and verify it.

    The log keeps who signed, when, and a hash of what; with a file's name and digest the statement itself is written
    again. Digests that are given are kept in the case. Exit 0 also when nothing is found, which is no absence; 4 when
    an answer of the log does not verify.
    """
    from forensics.cli.common import hash_facts, investigate
    from forensics.model.project import parse_project
    from forensics.report.recovery import never_asked, recovery_doc

    ask = Ask(
        project, case, offline, refresh, trust_root, endpoint, concurrency, max_wait, None, quiet, verbose
    )  # fmt: skip
    facts = hash_facts(digest, parse_project(project) if project else None)
    listing = _listing(digests)

    def prepare(investigation: Investigation) -> bool:
        for fact in facts:
            investigation.case.add_fact(fact, source=source)
        if listing is not None:
            investigation.case.add_import(listing[0], listing[1], kind="hashes", source=source)
        return bool(facts or listing)

    investigation, analysis = investigate(ask, prepare)
    if not offline and investigation.case.writable and never_asked(analysis, version):
        again = replace(ask, case=str(investigation.case.path), refresh=False)
        _, analysis = investigate(again, lambda _: True)
    document = recovery_doc(analysis, version)
    if json_output:
        import json

        typer.echo(json.dumps(document, indent=2, ensure_ascii=True))
    else:
        _print(document)
    raise typer.Exit(document["exit_code"])


def _listing(path: Path | None) -> tuple[str, bytes] | None:
    from forensics.model.errors import UsageError
    from forensics.sources.interface import hex_digest

    if path is None:
        return None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if not any(
        hex_digest(line.strip()[:64]) or hex_digest(line.strip()[:128], 128)
        for line in data.decode("utf-8", "replace").splitlines()
    ):
        raise UsageError(f"{path} names no digest.", advice="Write one on each line, a file name behind it or not.")
    return path.name, data


def _print(d: RecoveryDoc) -> None:
    from forensics.cli.entries import show

    show(_head(d))
    for file in d["files"]:
        show(_file(file))
    if not d["files"]:
        show(
            ["", f"No file of {d['version']} is named by anybody, so nothing of it can be rebuilt. That is no absence."]
        )
    if d["unattributed"]:
        show(["", "Digests of which no verified entry says which file they are:"])
        show(f"  {row['sha256']}  {row['reason']}" for row in d["unattributed"])
    if d["log_only"]:
        show(["", "Only the log knows: signed by the project, of no listed and no named release:"])
        show(f"  {one['record']['index']}: {one['text']}" for one in d["log_only"])
    if not any(f["outcome"] in {"recovered", "attested"} for f in d["files"]):
        show(
            ["", "Nothing was recovered. The log's search is best effort: this does not prove that nothing was signed."]
        )
    show(["", f"Trust root: {d['trust_root']}. Case: {d['case']}"])


def _head(d: RecoveryDoc) -> list[str]:
    from forensics.report.words import when

    state = "still listed" if d["listed"] else "not listed by the index"
    if d["listed"] is None:
        state = "the index could not be asked"
    if d["removed"]:
        state += f", removed {when(d['removed'])} UTC"
    published = f"{when(d['published'])} UTC" if d["published"] else "at an unknown time"
    lines = [f"{d['project']} {d['version']}: published {published}; {state}"]
    return [*lines, d["label"]] if d["label"] else lines


def _digest(f: RecoveredFileDoc) -> str:
    if f["sha512"]:
        return f"  sha512       {f['sha512']}"
    return f"  sha256       {f['sha256'] or 'not known'}"


def _file(f: RecoveredFileDoc) -> list[str]:
    from forensics.cli.entries import check_lines, identity_lines, record_lines
    from forensics.report.words import when

    words = {
        "recovered": "recovered: the statement was rebuilt, and its signature and its place in the log verify",
        "attested": "the index still serves its attestation",
        "invalid": "the log's answer does NOT verify",
        "absent": "no attestation found",
        "not known": "cannot be rebuilt",
    }[f["outcome"]]
    lines = ["", f["filename"], _digest(f), f"  {words}"]
    lines += [f"  why          {f['reason']}"] if f["reason"] else []
    for one in f["attestations"]:
        signed = f"{when(one['signed_at'])} UTC" if one["signed_at"] else "at an unknown time"
        size = next((e["tree_size"] for e in f["entries"] if e["index"] == one["log_index"]), None)
        log = f"index {one['log_index']} in {one['log_origin'] or one['log_id']}"
        log += f", proven in the tree of {size}" if size else ""
        lines += [
            f"  signed       {signed} ({one['signed_at_kind']})",
            *identity_lines(one["identity"]),
        ]
        lines += [f"  log          {log}", f"  statement    {one['predicate_type']}", *check_lines(one["checks"])]
    shown = {one["log_index"] for one in f["attestations"]}
    for record in (r for r in f["entries"] if r["index"] not in shown):
        lines += [f"  also in the log, not rebuilt: {line}" if not n else f"  {line}"
                  for n, line in enumerate(record_lines(record))]  # fmt: skip
    return lines

"""`forensics log check`: is the log of today the one that was shown to others then?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli.common import Ask, note, trust_root_bytes
from forensics.cli.options import EndpointOption, MaxWaitOption, OfflineOption, QuietOption, TrustRootOption
from forensics.model.errors import EvidenceError, ForensicsError, UsageError

if TYPE_CHECKING:
    from forensics.attestation.trust import TrustRoot
    from forensics.evidence.case import Case
    from forensics.sources.checkpoints import Seen, Sightings
    from forensics.sources.checkpoints_prove import Consistency
    from forensics.transparency.cosignature import Witness
    from forensics.transparency.history import Contradiction

CONTRADICTION_EXIT = 4
UNASKED_EXIT = 1
LISTED = 20


def check(
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="PATH|NAME", help="A case whose checkpoints count. Repeatable; default: yours."),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", metavar="FILE", help="A checkpoint, or a bundle that holds one. Repeatable."),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="NAME+HASH+KEY", help="Whose cosignatures are verified. Repeatable."),
    ] = None,
    offline: OfflineOption = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON (schema forensics/log-check/1).")] = False,
    max_proofs: Annotated[
        int, typer.Option("--max-proofs", metavar="N", min=1, help="Proofs to ask of one log; the rest next time.")
    ] = 1000,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    max_wait: MaxWaitOption = 60.0,
    quiet: QuietOption = False,
) -> None:
    """Prove every checkpoint ever seen consistent with the others and with the log of today.

    They stand in attestations, bundles and answers of logs. Exit 4 when two do not go together: both notes are printed;
    or when a line under one names a --witness whose key did not make it. Exit 1 when a log could not be asked for a
    proof.
    """
    ask = Ask(None, None, offline, trust_root=trust_root, endpoint=endpoint, max_wait=max_wait, quiet=quiet)
    witnesses = _witnesses(witness)
    cases = _cases(ask, case, checkpoint)
    seen = _read(ask, cases, checkpoint or [])
    if not seen.logs and not seen.uncounted:
        raise UsageError("There is no checkpoint in what was named.", advice="Name a case with --case, or a file.")
    results = _run(ask, [one for one, _ in cases], seen, witnesses, max_proofs)
    if json_output:
        import json

        typer.echo(json.dumps(_document(results, seen), indent=2, ensure_ascii=True))
    else:
        _print(results, seen, witnesses)
    if any(one.contradictions or one.wrong_cosignatures for one in results):
        raise typer.Exit(CONTRADICTION_EXIT)
    raise typer.Exit(UNASKED_EXIT if not offline and any(one.unproved for one in results) else 0)


def _witnesses(keys: list[str] | None) -> list[Witness]:
    """The witnesses that are named, each once. Raises UsageError for what is no key of a witness."""
    from forensics.transparency.cosignature import parse_witness

    try:
        return list(dict.fromkeys(parse_witness(one) for one in keys or ()))
    except EvidenceError as error:
        raise UsageError(
            f"--witness: {error.what}.",
            advice="Write NAME+HASH+KEY, the verifier key that the witness publishes (C2SP signed-note, Ed25519).",
        ) from None


def _cases(ask: Ask, names: list[str] | None, files: list[Path] | None) -> list[tuple[Case, TrustRoot]]:
    """The cases that are named, else the user's own; each with its trust root, which somebody must vouch for."""
    from forensics.attestation.trust import vouch
    from forensics.cli.log_session import open_case
    from forensics.evidence.library import list_cases

    named = trust_root_bytes(ask)
    found = []
    for name in names or ():
        opened = open_case(name)
        found.append((opened, vouch(opened.trust_root(), named=named)))
    if names or files:
        return found
    for summary in list_cases():
        if summary.builtin:
            continue
        try:
            opened = open_case(str(summary.path))
            found.append((opened, vouch(opened.trust_root(), named=named)))
        except ForensicsError as error:
            note(ask, f"passed over {summary.name}: {error.what}")
    return found


def _read(ask: Ask, cases: list[tuple[Case, TrustRoot]], files: list[Path]) -> Seen:
    from forensics.attestation.trust import default_root, vouch
    from forensics.sources.checkpoints import Seen, read_case, read_file

    seen = Seen()
    for case, root in cases:
        read_case(case, root, seen)
    named = trust_root_bytes(ask)
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"--checkpoint {path} cannot be read: {error.strerror}.") from None
        root = vouch(named, named=named) if named is not None else default_root()
        if not read_file(str(path), data, root, seen):
            raise UsageError(f"--checkpoint {path} holds no checkpoint.")
    return seen


def _run(ask: Ask, cases: list[Case], seen: Seen, witnesses: list[Witness], limit: int) -> list[Consistency]:
    import asyncio

    from forensics.cli.common import PER_SECOND, endpoints_from
    from forensics.cli.log_session import settle
    from forensics.cli.progress import Reporter
    from forensics.evidence.client import Limits
    from forensics.sources.checkpoints_prove import check_log
    from forensics.sources.rekor_gather import polite
    from forensics.sources.tiles_session import asking

    endpoints = endpoints_from(ask)
    tiles = endpoints["rekor_tiles"]
    keeper = next((one for one in cases if one.writable or ask.offline), None)
    logs = sorted(seen.logs.values(), key=lambda one: one.log)
    rekors = {one.log: _rekor(ask, one, endpoints["rekor"]) for one in logs}
    if keeper is None:
        note(ask, "The proofs are not kept: no case that can be added to was named.")
        if ask.offline:
            return [asyncio.run(check_log(None, one, "", "", witnesses=witnesses)) for one in logs]
    limits = Limits(per_second=PER_SECOND, max_wait_seconds=ask.max_wait)
    for url in [*rekors.values(), *tiles.split(",")]:
        limits = polite(limits, url) if url else limits

    async def all_of_them() -> list[Consistency]:
        with Reporter(quiet=ask.quiet, verbose=False) as reporter:
            async with asking(keeper, _roomy(limits, limit), offline=ask.offline) as session:
                return [
                    await check_log(
                        session, one, rekors[one.log], tiles, witnesses=witnesses, limit=limit,
                        tick=lambda done, total: reporter.progress("Proving checkpoints", done, total),
                    )
                    for one in logs
                ]  # fmt: skip

    results = asyncio.run(all_of_them())
    settle(keeper, ask)
    return results


def _roomy(limits: Any, proofs: int) -> Any:
    from dataclasses import replace

    return replace(limits, requests_per_host=max(limits.requests_per_host, proofs + 1000))


def _rekor(ask: Ask, sightings: Sightings, resolved: str) -> str:
    """Where Rekor v1 is asked: where the user says, else where the case says, else the public one."""
    from forensics.model.endpoints import SERVICES

    service = next(one for one in SERVICES if one.key == "rekor")
    chosen = resolved != service.default or bool(os.environ.get(service.variable))
    return sightings.urls[0] if sightings.urls and sightings.tree_id and not chosen else resolved


def _document(results: list[Consistency], seen: Seen) -> dict[str, Any]:
    return {
        "schema": "forensics/log-check/1",
        "logs": [_log_doc(one) for one in results],
        "not_counted": [
            {"reason": reason, "evidence": sorted(set(evidence))} for reason, evidence in sorted(seen.uncounted.items())
        ],
    }


def _log_doc(result: Consistency) -> dict[str, Any]:
    from forensics.cli.entries import contradiction_doc
    from forensics.cli.log_cosigned import cosigned_doc

    sightings = result.sightings
    seen = [one for chain in result.verdict.chains for one in chain]
    return {
        "log": sightings.log.origin,
        "key": sightings.log.key.hex(),
        "consistent": result.verdict.consistent and not result.contradictions,
        "head": {"size": result.head.size, "root": result.head.root.hex()} if result.head else None,
        "checkpoints": [{"size": one.size, "root": one.root.hex(), "evidence": [*one.evidence]} for one in seen],
        "chains": [[one.size for one in chain] for chain in result.verdict.chains],
        "contradictions": [contradiction_doc(one, _notes(one, sightings)) for one in result.contradictions],
        "cosignatures": [cosigned_doc(one) for one in result.cosigned],
        "not_proved": [*result.unproved],
        "needed": [[one.old_size, one.new_size] for one in result.verdict.needed],
        "evidence": sorted(set(result.evidence)),
    }


def _notes(found: Contradiction, sightings: Sightings) -> tuple[str, str]:
    old, new = ((one.size, one.root) for one in (found.old, found.new))
    return sightings.notes.get(old, ""), sightings.notes.get(new, "")


def _print(results: list[Consistency], seen: Seen, witnesses: list[Witness]) -> None:
    from forensics.cli.entries import show
    from forensics.cli.log_cosigned import cosigned_lines

    for result in results:
        show([*_log_lines(result), *cosigned_lines(result.cosigned, witnesses, LISTED), ""])
    for reason, evidence in sorted(seen.uncounted.items()):
        where = f" (in {', '.join(sorted(set(evidence))[:LISTED])})" if evidence else ""
        show([f"not counted: {reason}{where}"])


def _log_lines(result: Consistency) -> list[str]:
    from forensics.cli.entries import contradiction_lines

    sightings, verdict = result.sightings, result.verdict
    count = sum(len(chain) for chain in verdict.chains)
    sizes = [one.size for chain in verdict.chains for one in chain]
    lines = [
        f"{sightings.log.origin}",
        f"  key          {sightings.log.key.hex()}",
        f"  checkpoints  {count} different ones seen, of {min(sizes)} to {max(sizes)} entries",
    ]
    if result.head:
        lines.append(f"  today        {result.head.size} entries, root {result.head.root.hex()}")
    if verdict.consistent and not result.contradictions:
        lines.append("  consistent   every one is proved to be part of the history of the largest")
    elif not result.contradictions:
        lines.append(f"  NOT PROVED   they fall into {len(verdict.chains)} groups that no proof connects")
    lines += [f"  needed       a proof from {one.old_size} to {one.new_size}" for one in verdict.needed[:LISTED]]
    if len(verdict.needed) > LISTED:
        lines.append(f"  needed       and {len(verdict.needed) - LISTED} more proofs")
    lines += [f"  not asked    {reason}" for reason in result.unproved[:LISTED]]
    for one in result.contradictions:
        lines += contradiction_lines(one, _notes(one, sightings))
    return lines

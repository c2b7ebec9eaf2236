"""`forensics log search`: what the transparency log holds, each entry verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli import log_check, log_scan, log_watch
from forensics.cli.options import EndpointOption, MaxWaitOption, OfflineOption, QuietOption, TrustRootOption

if TYPE_CHECKING:
    from forensics.evidence.client import Client
    from forensics.model.checked import NotChecked
    from forensics.model.log import LogRecord

app = typer.Typer(help="Ask the transparency log.", no_args_is_help=True, rich_markup_mode=None)
UNSOUND_EXIT = 4
UNASKED_EXIT = 1
MAX_PEM = 1 << 20


@app.callback()
def log() -> None:
    """Ask the transparency log."""


app.command("scan")(log_scan.scan)
app.command("check")(log_check.check)
app.command("watch")(log_watch.watch)


@app.command("search")
def search(
    digest: Annotated[
        str | None, typer.Option("--hash", metavar="H", help="sha256:, sha512: or sha1: of an artifact or payload.")
    ] = None,
    index: Annotated[int | None, typer.Option("--index", metavar="N", min=0, help="The global index.")] = None,
    uuid: Annotated[str | None, typer.Option("--uuid", metavar="U", help="64 or 80 hex digits.")] = None,
    email: Annotated[str | None, typer.Option("--email", metavar="E", help="An e-mail address that signed.")] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key", metavar="FILE", help="A signer's public key or certificate in PEM (hashedrekord)."
        ),
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="SAN", help="A whole subject alternative name, with its ref.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Entries to fetch at most.")] = 50,
    case: Annotated[
        str | None, typer.Option("--case", metavar="PATH|NAME", help="A case that keeps the answers, or holds them.")
    ] = None,
    offline: OfflineOption = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON (schema forensics/log-search/1).")] = False,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    max_wait: MaxWaitOption = 60.0,
    quiet: QuietOption = False,
) -> None:
    """Search Rekor and verify every entry that is found, check by check.

    The search is best effort: an empty answer is no absence. Without --case nothing is kept. Exit 4 when an entry does
    not verify, 1 when the log could not be asked.
    """
    from forensics.cli.common import Ask, note

    question = _question(digest, index, uuid, email, _pem(public_key), subject)
    ask = Ask(None, case, offline, trust_root=trust_root, endpoint=endpoint, max_wait=max_wait, quiet=quiet)
    if case is None and not offline:
        note(ask, "The answers are not kept. Name a case with --case to keep them as evidence.")
    records, missed = _ask(ask, question, limit)
    if json_output:
        import json

        typer.echo(json.dumps(_document(question, records, missed), indent=2, ensure_ascii=True))
    else:
        _print(records, missed)
    raise typer.Exit(exit_code(records, missed))


def exit_code(records: list[LogRecord], missed: list[NotChecked]) -> int:
    """Return 4 when an entry does not verify, 1 when the log could not be asked, which our own limit is not."""
    from forensics.sources.rekor_search import HIGHER_LIMIT

    if any(record.failed() for record in records):
        return UNSOUND_EXIT
    return UNASKED_EXIT if any(one.needs != HIGHER_LIMIT for one in missed) else 0


def _question(*values: object) -> tuple[str, Any]:
    """The one thing that is asked; raises UsageError for none or several."""
    from forensics.model.errors import UsageError

    names = ("hash", "index", "uuid", "email", "public_key", "subject")
    given = [(name, value) for name, value in zip(names, values, strict=True) if value is not None]
    if len(given) != 1:
        raise UsageError(
            "Say one thing to search for.",
            advice="One of --hash, --index, --uuid, --email, --public-key and --subject.",
        )
    return given[0]


def _pem(path: Path | None) -> str | None:
    """The text of a key file; raises UsageError where it cannot be read."""
    from forensics.model.errors import UsageError

    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return file.read(MAX_PEM).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--public-key {path} cannot be read: {error}.") from None


def _ask(ask: Any, question: tuple[str, Any], limit: int) -> tuple[list[LogRecord], list[NotChecked]]:
    """Ask through the case that is named, or through nothing that keeps."""
    import asyncio

    from forensics.attestation.trust import default_root, vouch
    from forensics.cli.common import PER_SECOND, endpoints_from, tell_cut, trust_root_bytes
    from forensics.evidence.client import Limits
    from forensics.model.errors import UsageError
    from forensics.sources.rekor_search import answer, through_case, through_nothing

    named = trust_root_bytes(ask)
    limits = Limits(per_second=PER_SECOND, max_wait_seconds=ask.max_wait)
    if ask.case:
        from forensics.evidence.case import Case
        from forensics.evidence.library import find_case

        opened = Case.open(find_case(ask.case))
        root = vouch(opened.trust_root(), named=named)
        if "rekor" not in opened.meta.endpoints:
            raise UsageError(f"The case {opened.path} was begun without a transparency log.")
        url = opened.meta.endpoints["rekor"]

        async def ask_through(client: Client) -> tuple[list[LogRecord], list[NotChecked]]:
            return await answer(client, url, question, root, limit)

        result = asyncio.run(through_case(opened, limits, ask_through, offline=ask.offline))
        tell_cut(ask, opened)
        if not ask.offline and opened.meta.complete:
            from forensics.cli.case import renew_tables

            renew_tables(opened)
        return result
    if ask.offline:
        raise UsageError("--offline needs the case that holds the answers.", advice="Name it with --case.")
    root = vouch(named, named=named) if named is not None else default_root()
    url = endpoints_from(ask)["rekor"]
    return asyncio.run(through_nothing(url, limits, lambda client: answer(client, url, question, root, limit)))


def _document(question: tuple[str, Any], records: list[LogRecord], missed: list[NotChecked]) -> dict[str, Any]:
    from forensics.report.build_log import record_doc

    return {
        "schema": "forensics/log-search/1",
        "query": {question[0]: question[1]},
        "entries": [record_doc(record) for record in records],
        "not_checked": [{"reason": o.reason, "needs": o.needs, "evidence": [*o.evidence]} for o in missed],
    }


def _print(records: list[LogRecord], missed: list[NotChecked]) -> None:
    from forensics.cli.entries import record_lines, show
    from forensics.report.build_log import record_doc

    for number, record in enumerate(records):
        show([*([""] if number else []), *record_lines(record_doc(record))])
    show(f"could not check: {one.reason}" for one in missed)
    if not records and not missed:
        show(["The log's best-effort index finds nothing. That is no absence."])

"""A sweep in the terminal: what is flagged, what belongs together, how far attestations are, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from forensics.cli.terminal import console, say
from forensics.report.words import plural, verdict_words

if TYPE_CHECKING:
    from rich.console import Console

    from forensics.sweep.campaign import CampaignDoc
    from forensics.sweep.run import SweepDoc

T = TypeVar("T")

SHOWN = 40
"""Rows of one kind that are printed; the rest is counted, and stands in the tables."""


def print_sweep(document: SweepDoc) -> None:
    """Print *document*; nothing in it is obeyed by the terminal."""
    out = console()
    say(out, f"{plural(document['judged'], 'project')} of {document['listed']:,} judged: {_counts(document)}", "bold")
    if document["remaining"]:
        say(out, f"{plural(document['remaining'], 'project')} not done; the same command goes on with them.")
    _flagged(out, document)
    for number, campaign in enumerate(document["campaigns"], 1):
        _campaign(out, number, campaign)
    attested = ", ".join(f"{count:,} {state}" for state, count in document["attested"].items())
    out.print()
    say(out, f"Attestations of the latest release: {attested or 'none looked at'}.")
    _could_not(out, document)
    say(out, f"Kept in {document['path']}: cases, tables, campaigns.json, adoption.json, adoption.html")


def _counts(document: SweepDoc) -> str:
    found = [f"{count:,} {verdict_words(verdict)}" for verdict, count in document["verdicts"].items()]
    return ", ".join(found) or "none"


def _flagged(out: Console, document: SweepDoc) -> None:
    if not document["flagged"]:
        return
    out.print()
    for row in _first(out, document["flagged"]):
        mark = "!!" if row["verdict"] == "likely-compromised" else "! "
        versions = ", ".join(row["versions"][:10]) + (" …" if len(row["versions"]) > 10 else "")
        say(out, f"{mark} {row['project']}  {verdict_words(row['verdict'])}: {versions}  (case: {row['case']})")


def _campaign(out: Console, number: int, campaign: CampaignDoc) -> None:
    out.print()
    span = f"{campaign['first']} to {campaign['last']}" if campaign["first"] else "times not known"
    count = f"{plural(len(campaign['flagged']), 'flagged release')} of {plural(len(campaign['projects']), 'project')}"
    say(out, f"Campaign {number}: {count}, {span}", "bold")
    for purl in _first(out, campaign["flagged"]):
        say(out, f"  {purl}")
    for purl in _first(out, campaign["related"]):
        say(out, f"  {purl}  (not flagged, made by the same hand)")
    for thread in campaign["threads"][:SHOWN]:
        say(out, f"  = {thread['kind']}: {thread['about']}, shared by {plural(len(thread['releases']), 'release')}")


def _could_not(out: Console, document: SweepDoc) -> None:
    if not (document["missed"] or document["problems"]):
        return
    out.print()
    say(out, "Could not check", "bold")
    for row in document["missed"]:
        say(out, f"  {row['source']}: for {plural(row['projects'], 'project')}; that is not observed, never absent")
    for problem in _first(out, document["problems"]):
        say(out, f"  {problem['project']}: {problem['outcome']}: {problem['problem']}")


def _first(out: Console, rows: list[T]) -> Iterable[T]:
    yield from rows[:SHOWN]
    if len(rows) > SHOWN:
        say(out, f"  … and {len(rows) - SHOWN:,} more, in the tables")

"""A sweep in the terminal: what is flagged, what belongs together, how far attestations are, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from forensics.cli.terminal import console
from forensics.model.text import visible
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
    _line(out, f"{plural(document['judged'], 'project')} of {document['listed']:,} judged: {_counts(document)}", "bold")
    if document["remaining"]:
        _line(out, f"{plural(document['remaining'], 'project')} not done; the same command goes on with them.")
    _flagged(out, document)
    for number, campaign in enumerate(document["campaigns"], 1):
        _campaign(out, number, campaign)
    attested = ", ".join(f"{count:,} {state}" for state, count in document["attested"].items())
    out.print()
    _line(out, f"Attestations of the latest release: {attested or 'none looked at'}.")
    _could_not(out, document)
    _line(out, f"Kept in {document['path']}: cases, tables, campaigns.json, adoption.json, adoption.html")


def _line(out: Console, text: str, style: str = "") -> None:
    out.print(visible(text), style=style or None)


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
        _line(out, f"{mark} {row['project']}  {verdict_words(row['verdict'])}: {versions}  (case: {row['case']})")


def _campaign(out: Console, number: int, campaign: CampaignDoc) -> None:
    out.print()
    span = f"{campaign['first']} to {campaign['last']}" if campaign["first"] else "times not known"
    count = f"{plural(len(campaign['flagged']), 'flagged release')} of {plural(len(campaign['projects']), 'project')}"
    _line(out, f"Campaign {number}: {count}, {span}", "bold")
    for purl in _first(out, campaign["flagged"]):
        _line(out, f"  {purl}")
    for purl in _first(out, campaign["related"]):
        _line(out, f"  {purl}  (not flagged, made by the same hand)")
    for thread in campaign["threads"][:SHOWN]:
        _line(out, f"  = {thread['kind']}: {thread['about']}, shared by {plural(len(thread['releases']), 'release')}")


def _could_not(out: Console, document: SweepDoc) -> None:
    if not (document["missed"] or document["problems"]):
        return
    out.print()
    _line(out, "Could not check", "bold")
    for row in document["missed"]:
        _line(out, f"  {row['source']}: for {plural(row['projects'], 'project')}; that is not observed, never absent")
    for problem in _first(out, document["problems"]):
        _line(out, f"  {problem['project']}: {problem['outcome']}: {problem['problem']}")


def _first(out: Console, rows: list[T]) -> Iterable[T]:
    yield from rows[:SHOWN]
    if len(rows) > SHOWN:
        _line(out, f"  … and {len(rows) - SHOWN:,} more, in the tables")

"""`forensics signals [ID]`: the catalogue, explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from forensics.signals.registry import Signal


def signals(
    id: Annotated[str | None, typer.Argument(metavar="ID", help="A signal, such as provenance-lost.")] = None,  # noqa: A002
    json_output: Annotated[bool, typer.Option("--json", help="Print the catalogue as JSON.")] = False,
) -> None:
    """List the signals, or explain one: what it means, what it needs, what looks like it and is benign."""
    from forensics.signals.registry import catalogue

    entries = catalogue()
    if id is not None:
        typer.echo(_page(id, list(entries)), nl=False)
        return
    if json_output:
        import json

        rows = [
            {
                "id": s.id,
                "title": s.title,
                "family": s.family.value,
                "severities": [severity.value for severity in s.severities],
                "needs": list(s.needs),
                "collected": s.evaluate is not None,
                "missing": s.missing,
            }
            for s in entries.values()
        ]
        typer.echo(json.dumps({"schema": "forensics/signals/1", "signals": rows}, indent=2))
        return
    _print_list(list(entries.values()))


def _page(id: str, known: list[str]) -> str:  # noqa: A002 - the word of the catalogue
    """Return the page of a signal; raises UsageError for an unknown one, naming near ones."""
    from difflib import get_close_matches

    from forensics.model.errors import UsageError
    from forensics.signals.pages import page_of

    if id not in known:
        near = get_close_matches(id, known, 3)
        raise UsageError(
            f"There is no signal {id!r}.",
            advice=f"Near ones: {', '.join(near)}." if near else "`forensics signals` lists all.",
        )
    return page_of(id)


_COLUMNS: tuple[tuple[str, int], ...] = (("id", 0), ("family", 70), ("severity", 70), ("needs", 100), ("title", 0))
"""Columns of the list, and how wide a terminal must be to show each; the page of a signal has all."""


def _print_list(entries: list[Signal]) -> None:
    from rich import box
    from rich.table import Table

    from forensics.cli.terminal import console

    out = console()
    shown = [index for index, (_, width) in enumerate(_COLUMNS) if out.width >= width]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index in shown:
        table.add_column(_COLUMNS[index][0], no_wrap=index == 0)  # an id is there to be copied
    for entry in entries:
        severity = "/".join(s.value[0].upper() for s in entry.severities)
        title = entry.title if entry.evaluate else f"{entry.title} (not checked: {entry.missing})"
        cells = (entry.id, entry.family.value, severity, ", ".join(entry.needs), title)
        table.add_row(*(cells[index] for index in shown))
    out.print(table)
    typer.echo("\n`forensics signals ID` explains one.")

"""Sources that fail, through the installed command: bounded time, everything named, no outage read as an absence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lab.matrix import ALL, BEGIN, END, SOURCES, WAYS, Cell, matrix

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs/reliability.md"
EVERY = [*(source.name for source in SOURCES), ALL]
WHOLE = pytest.mark.skipif(
    os.environ.get("FORENSICS_MATRIX") != "1",
    reason="takes minutes: FORENSICS_MATRIX=1, or make faults",
)


def told() -> dict[tuple[str, str], str]:
    """The table of the page, by row and column."""
    lines = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    ways = [cell.strip() for cell in lines[0].strip("|").split("|")][1:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {(row[0], way): cell for row in rows for way, cell in zip(ways, row[1:], strict=True)}


def hold(cells: dict[tuple[str, str], Cell]) -> None:
    assert {key: cell.wrong for key, cell in cells.items() if cell.wrong} == {}
    page = told()
    assert {key: str(cell) for key, cell in cells.items()} == {key: page[key] for key in cells}


def test_the_page_tells_of_every_source_and_every_fault() -> None:
    assert list(told()) == [(row, way) for row in EVERY for way in WAYS]


def test_everything_down_at_once_and_everything_lying() -> None:
    hold(matrix([ALL], ["dead", "lying"]))


@pytest.mark.timeout(1800)
@WHOLE
def test_the_whole_matrix() -> None:
    hold(matrix(EVERY, WAYS))

"""The packages around a project: asked about last when a case is collected, and read from it ever after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from forensics.compare.archive_case import with_contents
from forensics.compare.questions import questions_of
from forensics.model.checked import NotChecked
from forensics.model.endpoints import Endpoints
from forensics.model.observation import Observation
from forensics.model.release import History
from forensics.sources.neighbours import Neighbours, ask_neighbours

if TYPE_CHECKING:
    from forensics.evidence.case import Case
    from forensics.evidence.client import Client


async def look_around(client: Client, case: Case, history: History, observations: Sequence[Observation]) -> None:
    """Ask about newly required packages and about those of the same accounts, and record what comes back.

    *observations* are those of the case so far: which packages are new follows from the bytes that they brought.
    """
    questions = questions_of(with_contents(history, observations, case))
    await ask_neighbours(client, Endpoints(dict(case.meta.endpoints)), history.project, questions)


def with_neighbours(history: History, case: Case) -> History:
    """Return *history*, its contents read, with what *case* holds about other packages."""
    from forensics.evidence.client import Client
    from forensics.evidence.transport import ReplayingTransport
    from forensics.investigation.core import run_to_end

    questions = questions_of(history)

    async def run() -> Neighbours:
        with case.reading_archive() as archive:
            async with Client(ReplayingTransport(archive)) as client:
                endpoints = Endpoints(dict(case.meta.endpoints))
                return await ask_neighbours(client, endpoints, history.project, questions)

    found = run_to_end(run)
    missed = [(s.source, NotChecked(s.problem, "index", s.evidence)) for s in found.sources if s.problem]
    return replace(
        history,
        dependency_ages=found.ages,
        fleet=found.fleet,
        sources=(*history.sources, *found.sources),
        not_checked=(*history.not_checked, *missed),
    )

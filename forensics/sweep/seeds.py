"""Where a campaign begins: what the flagged releases of a case have that releases of other projects could share."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.model.errors import UsageError
from forensics.model.project import Project
from forensics.sweep.candidates import neighbours_of
from forensics.sweep.shared import SharedFact, shared_facts


@dataclass(frozen=True, slots=True)
class Seeds:
    """What the flagged releases of a case have that others could share, and the projects that its accounts reach."""

    facts: tuple[tuple[Project, SharedFact], ...]
    neighbours: tuple[Project, ...]


def seeds_of(case: str, trust_root: bytes | None = None) -> Seeds:
    """Return the facts of the flagged releases of *case*, a path or a name, and whom to look at. Nobody is asked.

    Raises CaseNotFound and what opening a case raises, UsageError for a case without a flagged release.
    """
    from forensics.evidence.library import find_case
    from forensics.investigation import Investigation

    analysis = Investigation.reopen(find_case(case), trust_root=trust_root).analyse()
    found = tuple((analysis.project, fact) for fact in shared_facts(analysis) if fact.flagged)
    if not found:
        raise UsageError(
            f"No flagged release of the case {case} shares anything that another project could have.",
            advice="A campaign starts from a release that is suspicious or worse, of which a certificate, an account "
            "or the bytes are known.",
        )
    return Seeds(found, (analysis.project, *neighbours_of(analysis)))

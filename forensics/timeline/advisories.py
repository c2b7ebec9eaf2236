"""Advisories from all who tell of them: OSV, records that the responder brings, and deps.dev where OSV is silent."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model.checked import Checked, Outcome
from forensics.model.event import Event, Lane, TimeKind
from forensics.model.release import Advisory
from forensics.sources.gather import Gathered
from forensics.sources.osv_record import joined
from forensics.sources.supplements import Supplements

ONLY_SOME = "OSV could not be asked; the advisories are those that were imported and those that deps.dev names"


def advisories_of(gathered: Gathered, supplements: Supplements) -> Outcome[tuple[Advisory, ...]]:
    """Return every advisory, the newest record of each id, those of one alias group joined.

    Where OSV did not answer, what others name is not all there is: the outcome carries a caveat, and is not checked
    where nobody names any.
    """
    brought = [*supplements.advisories, *gathered.others.advisories]
    asked = gathered.advisories
    if not brought:
        return asked
    records = [*brought, *(asked.value if isinstance(asked, Checked) else ())]
    newest: dict[str, Advisory] = {}
    for one in records:
        known = newest.get(one.id)
        if known is None or (one.modified is not None and (known.modified is None or one.modified >= known.modified)):
            newest[one.id] = one
    evidence = tuple(dict.fromkeys((*asked.evidence, *(i for one in brought for i in one.evidence))))
    caveat = asked.caveat if isinstance(asked, Checked) else ONLY_SOME
    return Checked(joined(newest.values()), evidence, caveat)


def report_events(advisories: Outcome[tuple[Advisory, ...]]) -> Iterator[Event]:
    """Yield when each reporter told the collection of malicious packages of it."""
    for advisory in advisories.value if isinstance(advisories, Checked) else ():
        for source, at in advisory.reports:
            yield Event(
                at, TimeKind.ASSERTED_BY_REPORTER, Lane.ADVISORY, "reported", None, advisory.id,
                f"taken in from {source}", advisory.evidence,
            )  # fmt: skip

"""Ask the log what a plan says, and keep every answer apart: found, not found, not asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from forensics.attestation.entry import LoggedEntry
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.sources.interface import on_this_machine
from forensics.sources.rekor import Found, Rekor, by_hash, by_subject
from forensics.sources.rekor_plan import Control, Plan
from forensics.sources.rekor_shards import LogInfo, log_info

if TYPE_CHECKING:
    from forensics.evidence.client import Limits

MAX_FETCHED = 100
"""Entries that are fetched of one search by subject; a busy workflow has thousands."""
PER_SECOND = 4.0
CONCURRENCY = 2
BUDGET = 500
"""Requests in one run. The log publishes no numbers; these are those of a guest."""

T = TypeVar("T")
K = TypeVar("K")
Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class LogAnswers:
    """What the log answered. `found` is by digest searched for, `controls` by the control's, `subjects` by name."""

    plan: Plan
    info: Outcome[LogInfo]
    found: dict[str, Outcome[Found]] = field(default_factory=dict)
    controls: dict[str, Outcome[bool]] = field(default_factory=dict)
    indices: dict[int, Outcome[LoggedEntry | None]] = field(default_factory=dict)
    subjects_supported: Outcome[bool] = field(default_factory=lambda: NotChecked("nothing to search for", "log"))
    subjects: dict[str, Outcome[Found]] = field(default_factory=dict)
    ids: dict[str, Outcome[LoggedEntry | None]] = field(default_factory=dict)


def polite(limits: Limits, url: str) -> Limits:
    """Return *limits* lowered to what we allow ourselves at the log *url*; a log on this machine needs no sparing."""
    if on_this_machine(url):
        return limits
    # Half of the rate for each of the two clients, one for searches and one for entries.
    return replace(
        limits,
        per_second=min(limits.per_second, PER_SECOND / 2),
        concurrency=min(limits.concurrency, CONCURRENCY // 2),
        requests_per_host=min(limits.requests_per_host, BUDGET),
    )


async def ask_log(rekor: Rekor, plan: Plan, tick: Tick | None = None) -> LogAnswers | None:
    """Return what the log answers to *plan*, digests of lost files first; None when there is nothing to ask."""
    if plan.empty:
        return None
    info = await log_info(rekor)
    controls = {c.digest: c for some in plan.controls.values() for c in some}
    digests = list(dict.fromkeys(t.digest for t in plan.targets))
    total, done = len(digests) + len(controls) + len(plan.indices) + len(plan.ids) + len(plan.subjects), [0]

    async def each(keys: Iterable[K], ask: Callable[[K], Awaitable[T]]) -> dict[K, T]:
        async def one(key: K) -> T:
            result = await ask(key)
            done[0] += 1
            if tick:
                tick(done[0], total)
            return result

        wanted = list(keys)
        return dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))

    found = await each(digests, lambda digest: rekor.find(by_hash(digest)))
    checked = await each(controls, lambda digest: _control(rekor, controls[digest]))
    indices = await each(plan.indices, rekor.at_index)
    ids = await each(plan.ids, rekor.by_id)
    supported: Outcome[bool] = NotChecked("no signer of this project is known to search for", "log")
    subjects: dict[str, Outcome[Found]] = {}
    if plan.subjects:
        supported = await rekor.searches_subjects()
        if isinstance(supported, Checked) and supported.value:
            subjects = await each(plan.subjects, lambda name: _subject(rekor, name, plan.known))
    return LogAnswers(plan, info, found, checked, indices, supported, subjects, ids)


async def _control(rekor: Rekor, control: Control) -> Outcome[bool]:
    """Return whether the search finds what is known to be there."""
    ids = await rekor.search(by_hash(control.digest))
    if isinstance(ids, NotChecked):
        return ids
    return Checked(control.uuid in {one[-64:] for one in ids.value}, ids.evidence)


async def _subject(rekor: Rekor, name: str, known: frozenset[str]) -> Outcome[Found]:
    """Return the entries under *name* that the index's own objects do not hold, a bounded number of them."""
    ids = await rekor.search(by_subject(name))
    if isinstance(ids, NotChecked):
        return ids
    fresh = [one for one in ids.value if one[-64:] not in known]
    found = await rekor.entries(fresh[:MAX_FETCHED])
    left = len(fresh) - MAX_FETCHED
    if left > 0:
        reason = f"{left} more entries under {name[:200]} were not fetched: {MAX_FETCHED} are the limit of one search"
        found = replace(found, missed=(*found.missed, NotChecked(reason, "log", ids.evidence)))
    return Checked(found, ids.evidence)

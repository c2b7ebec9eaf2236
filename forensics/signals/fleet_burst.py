"""The account, or the run, behind the release published far more packages at once than it ever does."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.neighbours import Fleet, OtherPublication
from forensics.model.release import Release
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of, listed, too_few
from forensics.signals.profile import uploader_of
from forensics.signals.registry import Hit, Moment, Result, View, signal


@signal(
    "fleet-burst",
    title="One run or account published many packages at once",
    family=Family.TIME,
    severities=(Severity.MEDIUM,),
    needs=("index", "log"),
    benign_if=(
        "a change of licence, address or tooling touched every package of the account; their commits of the day say so",
        "a repository of several packages began to release them together, and goes on doing so",
    ),
    attack=("T1195.002", "T1078"),
    slsa="F",
)
def fleet_burst(view: View) -> Result:
    """Fire when far more other packages of the account came within the hour than with any release before.

    At publication only those published before it count; with hindsight those after it as well. A version whose account
    the index forgot, because it was removed, counts.
    """
    fleet = view.history.fleet
    if isinstance(fleet, NotChecked):
        return fleet
    published = view.release.published
    if published is None:
        return NotChecked("when it was published is not known", "index")
    after = view.moment is Moment.HINDSIGHT
    own = _beside(fleet.value, published, _account(view.release), after=after)
    if len(own) < t.FLEET_FLOOR:
        return _unread(fleet.value, published)
    earlier = [p.profile.release for p in view.baseline.for_rates[-t.COHORT_RELEASES :] if p.profile.published]
    if len(earlier) < t.RATE_SAMPLES:
        return too_few(len(earlier), t.RATE_SAMPLES, "earlier publications")
    usual = max(len(_beside(fleet.value, r.published, _account(r), after=after)) for r in earlier if r.published)
    if len(own) <= t.FLEET_FACTOR * usual:
        return _unread(fleet.value, published)
    who = _account(view.release) or listed(fleet.value.accounts)
    unread = f"{fleet.value.unread} more packages of these accounts were not read." if fleet.value.unread else ""
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"{len(own)} other packages of {who} within the hour: {listed(own)}",
        expected=f"at most {usual} other package{'s' * (usual != 1)}, as with {len(earlier)} earlier releases",
        evidence=(
            *evidence_of(view.release),
            *fleet.evidence,
            *(i for other in list(own.values())[: t.BURST_NAMED] for i in other.evidence),
        ),
        note=unread,
    )


def _unread(fleet: Fleet, published: datetime) -> NotChecked | None:
    """Return why too few packages were found to tell, or None where those that were not read cannot have been there."""
    if not fleet.unread or (fleet.unread_until and fleet.unread_until < published - t.BURST_WINDOW):
        return None
    reason = f"{fleet.unread} more packages of the accounts were not read, and may have been published with it"
    return NotChecked(reason, "the packuments of all packages of the accounts", fleet.evidence)


def _account(release: Release) -> str | None:
    """Return the account that published *release*, None where its index does not say."""
    uploader = uploader_of(release)
    return uploader.account.name if uploader else None


def _beside(fleet: Fleet, at: datetime, account: str | None, *, after: bool) -> dict[str, OtherPublication]:
    """Return the packages of *fleet* published by *account* within BURST_WINDOW before *at*, or around it."""
    until = at + t.BURST_WINDOW if after else at
    first = bisect_left(fleet.publications, at - t.BURST_WINDOW, key=_time)
    last = bisect_right(fleet.publications, until, key=_time)
    found: dict[str, OtherPublication] = {}
    for other in fleet.publications[first:last]:
        if account is None or other.account is None or other.account == account:
            found.setdefault(other.package, other)
    return found


def _time(publication: OtherPublication) -> datetime:
    return publication.at

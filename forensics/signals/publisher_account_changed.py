"""Published from an account, or under an e-mail address, that did not publish before."""

from __future__ import annotations

from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.publication import Account, Uploader
from forensics.model.release import Release
from forensics.signals.comparing import evidence_of, listed
from forensics.signals.profile import unstated, uploader_of
from forensics.signals.registry import Hit, Result, View, signal

_NEEDS = "packument or journal"
_ROBOT = "trusted publisher "


@signal(
    "publisher-account-changed",
    title="Another publishing account",
    family=Family.PEOPLE,
    severities=(Severity.MEDIUM, Severity.LOW),
    needs=("packument", "journal"),
    benign_if=(
        "a new maintainer joined; the repository and the other maintainers say so",
        "a maintainer changed the address of the account, and says so through another channel",
        "a robot published before, and one of the same maintainers does now",
    ),
    attack=("T1195.002", "T1078", "T1098"),
    slsa="F",
)
def publisher_account_changed(view: View) -> Result:
    """Fire when the account or its e-mail address is not one of the baseline's.

    From an account to a trusted publisher is an upgrade and no signal. From a robot to an account that the latest
    baseline release names among its maintainers, under the same address, weighs low.
    """
    own = uploader_of(view.release)
    if own is None:
        return unstated(view.release)
    known, addresses = view.baseline.values("accounts"), view.baseline.values("emails")
    if not known:
        if not view.baseline.cohort:
            return NotChecked("no earlier release to compare its account with", _NEEDS)
        return NotChecked("the accounts of the earlier releases are not known", _NEEDS, evidence_of(view.release))
    if own.trusted_publisher is not None:
        kinds = {name for name in known if name.startswith(_ROBOT)}
        return None if not kinds or _ROBOT + own.trusted_publisher in kinds else _hit(view, own, kinds, new=True)
    new = own.account.name not in known
    if not new and not (addresses and view.profile.emails - addresses):
        return None
    return _hit(view, own, {name for name in known if not name.startswith(_ROBOT)}, new=new)


def _hit(view: View, own: Uploader, usual: set[str], *, new: bool) -> Hit:
    """Return the finding: a *new* account or kind of publisher, else only a new address of a known account."""
    latest = view.baseline.cohort[-1].profile
    past = [uploader_of(member.profile.release) for member in view.baseline.cohort]
    from_robot = all(one.trusted_publisher for one in past if one)
    familiar = new and from_robot and not own.trusted_publisher and _is_maintainer(own.account, latest.release)
    changed = {("accounts", name) for name in view.profile.accounts - view.baseline.values("accounts")}
    changed |= {("emails", address) for address in view.profile.emails - view.baseline.values("emails")}
    who = f"the trusted publisher {own.trusted_publisher}" if own.trusted_publisher else str(own.account)
    named = listed(sorted(usual))
    expected = named if new else f"the address that {own.account.name} published under before"
    return Hit(
        severity=Severity.LOW if familiar else Severity.MEDIUM,
        observed=f"published by {who}",
        expected=f"{expected}, as on {latest.version} and its cohort",
        evidence=(*evidence_of(view.release), *latest.evidence, *evidence_of(latest.release)),
        note=f"{own.account.name} is named among the maintainers of {latest.version}." if familiar else "",
        fact="accounts" if new else "emails",
        changed=frozenset(changed),
    )


def _is_maintainer(account: Account, release: Release) -> bool:
    """Whether the index names the account, under the same address, among those who may publish."""
    publication = release.publication
    if not isinstance(publication, Checked) or not account.email:
        return False
    wanted = (account.name.lower(), account.email.lower())
    return any((one.name.lower(), (one.email or "").lower()) == wanted for one in publication.value.maintainers)

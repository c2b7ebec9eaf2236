"""Attested to be built from a commit that no branch and no tag leads to."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Confidence, Family, Severity
from forensics.model.source import Reachability
from forensics.signals.comparing import unknown_identity
from forensics.signals.no_source_release import as_collected
from forensics.signals.registry import Hit, Result, View, signal

_WHERE = {
    Reachability.PULL_REQUEST: "leads to it only from a pull request",
    Reachability.UNREFERENCED: "gives it out by its id, but no branch, tag or pull request leads to it",
    Reachability.MISSING: "does not have it",
}


@signal(
    "commit-unreachable",
    title="Attested commit on no branch or tag",
    family=Family.SOURCE,
    severities=(Severity.DECISIVE, Severity.MEDIUM),
    needs=("git",),
    benign_if=(
        "the release branch was deleted after the tag was moved or removed; the maintainers can name it",
        "history was rewritten after the release, for instance to drop a large file",
    ),
    attack=("T1195.002",),
    slsa="B, C",
)
def commit_unreachable(view: View) -> Result:
    """Fire when the attested commit is reachable from no branch and no tag.

    Decisive when only a pull request leads to it: that is somebody else's commit. Otherwise medium, because a deleted
    branch looks the same.
    """
    commits = [i.commit for i in view.profile.identities if i.commit]
    if not commits:
        return unknown_identity(view.profile)
    facts = view.release.source
    if isinstance(facts, NotChecked):
        return facts
    reachable = facts.value.reachability
    if isinstance(reachable, NotChecked):
        return reachable
    where = _WHERE.get(reachable.value)
    if where is None:
        return None
    decisive = reachable.value is Reachability.PULL_REQUEST
    named = f" ({facts.value.ref})" if facts.value.ref else ""
    return Hit(
        severity=Severity.DECISIVE if decisive else Severity.MEDIUM,
        observed=f"attested to be built from commit {(facts.value.commit or '')[:12]}; the repository {where}{named}",
        expected="a commit on a branch or under a tag",
        evidence=(*view.profile.evidence, *reachable.evidence, *facts.value.evidence),
        confidence=Confidence.LOW if reachable.caveat else Confidence.HIGH,
        note=" ".join(filter(None, (f"{reachable.caveat}." if reachable.caveat else "",
                                    as_collected(view.release, facts.value)))),
    )  # fmt: skip

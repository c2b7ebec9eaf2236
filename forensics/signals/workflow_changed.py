"""Signed by another workflow file than the releases before."""

from __future__ import annotations

from forensics.model.checked import NotChecked, Outcome
from forensics.model.finding import Family, Severity
from forensics.signals.comparing import Change, compare, listed
from forensics.signals.profile import Profile
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "workflow-changed",
    title="Workflow changed",
    family=Family.TRUST,
    severities=(Severity.LOW,),
    needs=("certificate", "git"),
    benign_if=(
        "the release workflow was renamed, split or moved into a reusable one; the commit that did it is on the "
        "default branch and was reviewed",
        "the project has several release workflows, for instance one for hot-fixes; look for it in the older history",
    ),
    attack=("T1195.002", "T1199"),
    slsa="D",
)
def workflow_changed(view: View) -> Result:
    """Fire when the path of the top-level or of the signing workflow is none of the baseline's, or its content differs.

    The content is compared with the predecessor's, by the blob of the workflow's path at the attested workflow commit.
    """
    change = compare(view, "workflows", "workflow")
    content = _content(view)
    if isinstance(change, Change):
        edited = f", and {content.observed}" if isinstance(content, Hit) else ""
        return Hit(
            severity=Severity.LOW,
            observed=f"built by the workflow {listed(change.new)}{edited}",
            expected=f"{listed(change.usual)}, as up to {change.since}",
            evidence=(*change.evidence, *(content.evidence if isinstance(content, Hit) else ())),
            fact=change.attribute,
            changed=change.changed,
        )
    return content if change is None or isinstance(content, Hit) else change


def _content(view: View) -> Result:
    """Compare the workflow file with that of the latest attested release of the baseline."""
    before = next((p.profile for p in reversed(view.baseline.cohort) if p.profile.identities), None)
    if before is None or not view.profile.identities:
        return None
    own, usual = _blob(view.profile), _blob(before)
    if isinstance(own, NotChecked):
        return own
    if isinstance(usual, NotChecked):
        return usual
    paths = {i.workflow for i in (*view.profile.identities, *before.identities)}
    if own.value is None or usual.value is None or own.value == usual.value or len(paths) != 1:
        return None
    return Hit(
        severity=Severity.LOW,
        observed=f"the content of its workflow file changed (git blob {own.value[:12]})",
        expected=f"the file that built {before.version} (git blob {usual.value[:12]})",
        evidence=(*view.profile.evidence, *own.evidence, *before.evidence, *usual.evidence),
        fact="workflow content",
    )


def _blob(profile: Profile) -> Outcome[str | None]:
    source = profile.release.source
    return source if isinstance(source, NotChecked) else source.value.workflow_blob

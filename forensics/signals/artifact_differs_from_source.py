"""Files that the commit of the release does not have, or has in another form."""

from __future__ import annotations

from forensics.model.checked import Checked
from forensics.model.finding import Confidence, Family, Severity
from forensics.signals.held import compare_release, explained_by_tree, named
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "artifact-differs-from-source",
    title="Files differ from the attested commit",
    family=Family.SOURCE,
    severities=(Severity.HIGH, Severity.LOW),
    needs=("artifact", "git"),
    benign_if=(
        "the build began to generate these files, and building the commit anew gives the same bytes",
        "it was built from a working directory with changes that were committed soon after; look for them there",
        "the tag was moved after the release, so that it names another commit than the one that was built",
    ),
    attack=("T1195.002", "T1554"),
    slsa="E",
)
def artifact_differs_from_source(view: View) -> Result:
    """Fire when a file of an artifact is not that of the attested or tagged commit, and was no earlier release's habit.

    High when a file that can run differs, low when only others do.
    """
    found = compare_release(view, explained_by_tree)
    if not found.new:
        return found.unseen()
    source = view.release.source
    assert isinstance(source, Checked)
    facts = source.value
    code = [(artifact, one) for artifact, one in found.new if one.member.executable]
    shown = code or found.new
    paths = list(dict.fromkeys(one.path for _, one in shown))
    how = "differ from" if any(one.differs for _, one in shown) else "are not in"
    if len(paths) == 1:
        how = "differs from" if how == "differ from" else "is not in"
    files = ", ".join(dict.fromkeys(artifact.filename for artifact, _ in shown))
    which = "the attested commit" if facts.attested else f"the commit of tag {facts.tag}" if facts.tag else "its commit"
    tree = facts.tree.evidence
    return Hit(
        severity=Severity.HIGH if code else Severity.LOW,
        observed=f"{named(paths)} in {files} {how} {which} {(facts.commit or '')[:12]}".rstrip(),
        expected=f"files equal to the commit's, save those that builds make, as learnt from {found.learnt} earlier "
        f"release{'s' * (found.learnt != 1)}",
        evidence=(*found.evidence, *source.evidence, *facts.evidence, *tree),
        confidence=Confidence.HIGH if facts.attested else Confidence.MEDIUM,
        note="" if facts.attested else "No attestation names the commit; the tag's was taken, and tags can be moved.",
    )

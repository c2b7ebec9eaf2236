"""A wheel that holds code which the sdist of the same release does not have."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.signals.held import compare_release, explained_by_sdist, held_evidence, named
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "wheel-differs-from-sdist",
    title="The wheel holds files that the sdist does not explain",
    family=Family.SOURCE,
    severities=(Severity.HIGH,),
    needs=("artifact",),
    benign_if=(
        "the build began to generate these files; building a wheel from the sdist gives the same bytes",
        "the sdist began to leave out files that only wheels need; the commit has them",
    ),
    attack=("T1195.002", "T1554"),
    slsa="E",
)
def wheel_differs_from_sdist(view: View) -> Result:
    """Fire when a wheel has files that can run, that the sdist does not explain, and that were no habit before."""
    if not any(artifact.kind == "wheel" for artifact in view.release.artifacts):
        return None
    found = compare_release(view, explained_by_sdist)
    if not found.new:
        return found.unseen()
    wheels = list(dict.fromkeys(artifact.filename for artifact, _ in found.new))
    sdists = [a for a in view.release.artifacts if a.kind == "sdist"]
    return Hit(
        severity=Severity.HIGH,
        observed=f"{named(list(dict.fromkeys(one.path for _, one in found.new)))} in {named(wheels)} can run and "
        "cannot come from the sdist of the same release",
        expected="code that the sdist holds too, save what builds make, as learnt from "
        f"{found.learnt} earlier release{'s' * (found.learnt != 1)}",
        evidence=(*found.evidence, *(i for a in sdists for i in held_evidence(a))),
    )

"""New code that runs without anyone having asked for it, or what such code newly touches."""

from __future__ import annotations

from forensics.compare.artifacts import compare_contents
from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.signals.held import held_evidence, last_counterpart, named, read_artifacts, why_unread
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "exec-surface-added",
    title="New code that runs at import or install",
    family=Family.CONTENT,
    severities=(Severity.HIGH, Severity.MEDIUM),
    needs=("artifact",),
    benign_if=(
        "the release notes or the commit say what the new hook, import or dependency is for, and it does only that",
        "the build backend changed, and with it what an sdist runs at install",
    ),
    attack=("T1195.002", "T1059.006", "T1059.007", "T1546.018"),
    slsa="E",
)
def exec_surface_added(view: View) -> Result:
    """Fire when, against the baseline's latest file of its kind, more runs unasked or what does touches more.

    That is: a new file that the interpreter runs at start, a new install hook, code run at import or install that newly
    touches processes, the network or decoded code, and a dependency newly taken from a URL or a repository.
    """
    read = read_artifacts(view.release)
    if not read:
        return why_unread(view.release)
    surface: dict[str, None] = {}
    evidence: list[str] = []
    young: dict[str, None] = {}
    compared: list[str] = []
    for artifact, contents in read:
        found = last_counterpart(view, artifact)
        before = found[1].contents if found else None
        if found is None or before is None or isinstance(before, NotChecked):
            continue
        diff = compare_contents(before.value, contents)
        compared.append(found[0].version)
        young.update(dict.fromkeys(diff.dependencies))
        if diff.surface:
            surface.update(dict.fromkeys(one.what for one in diff.surface))
            evidence += (*held_evidence(artifact), *held_evidence(found[1]))
    if surface:
        return Hit(
            severity=Severity.HIGH,
            observed=named(list(surface)),
            expected=f"what runs at start, install and import as in {compared[0]}, touching no more",
            evidence=tuple(evidence),
        )
    if not compared:
        return NotChecked("the contents of no earlier release are known to compare with", "artifact")
    if young:
        reason = f"the age of newly required packages is not known: {named(list(young))}"
        return NotChecked(reason, "their indexes", tuple(i for a, _ in read for i in held_evidence(a)))
    return why_unread(view.release)

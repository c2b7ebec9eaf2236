"""A version number that is no plausible successor in its line."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of, too_few
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "version-jump",
    title="Version jump",
    family=Family.TIME,
    severities=(Severity.LOW,),
    needs=("index",),
    benign_if=(
        "the project changed how it counts, for instance to dates or build numbers; later releases go on from here",
        "numbers were used up by releases that were never published, such as failed builds",
    ),
    attack=("T1195.002",),
    slsa="F",
)
def version_jump(view: View) -> Result:
    """Fire when a component moves far beyond the steps that the project has taken so far.

    Compared with the highest earlier version below it in its line, flagged and removed ones included. A number
    that was there before (pre-, post- and development releases) is plausible, and so is the first of its line.
    """
    rules = view.numbering.rules
    if rules.parse(view.release.version) is None:
        reason = f"its number does not follow {rules.name}, so there is no order to judge it by"
        return NotChecked(reason, "index")
    step = view.numbering.step_to(view.release.version, view.line)
    if step is None:
        return None
    far = [(component, size) for component, size in step.sizes if size > t.JUMP_FLOOR]
    if not far:
        return None
    if view.numbering.steps < t.RATE_SAMPLES:
        return too_few(view.numbering.steps, t.RATE_SAMPLES, "earlier steps between versions")
    for component, size in far:
        largest = view.numbering.largest.get(component, 0)
        if size > t.JUMP_FACTOR * largest:
            return Hit(
                severity=Severity.LOW,
                observed=f"component {component + 1} of its number moves by {size} from {step.below.version}",
                expected=f"a step of at most {max(t.JUMP_FLOOR, t.JUMP_FACTOR * largest)}, by "
                f"{view.numbering.steps} earlier steps (largest {largest})",
                evidence=(*evidence_of(view.release), *evidence_of(step.below)),
            )
    return None

"""Known from another source, no longer in the index."""

from __future__ import annotations

from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.times import to_minute
from forensics.signals.comparing import evidence_of, listed
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "release-removed",
    title="Removed from the index",
    family=Family.HINDSIGHT,
    severities=(Severity.MEDIUM,),
    needs=("any two sources",),
    benign_if=(
        "the maintainers deleted a broken or mistaken upload and say so; ask them, and look for a replacement within "
        "hours",
        "the source that names it is mistaken or means another project; read its words",
    ),
    attack=("T1195.002",),
    slsa="F",
)
def release_removed(view: View) -> Result:
    """Fire when the index no longer shows the release and another source names it. Yanked is still listed."""
    release = view.release
    if release.listed:
        return None
    if release.listed is None:
        return NotChecked("the index could not be asked whether it still lists it", "index")
    when = ""
    if isinstance(release.removed, Checked) and release.removed.value is not None:
        when = f" since {to_minute(release.removed.value)} UTC"
    named = listed(dict.fromkeys(m.source for m in release.mentions))
    evidence = (*(i for m in release.mentions for i in m.evidence), *release.removed.evidence, *release.evidence)
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"not in the index{when}" + (f", but named by {named}" if release.mentions else ""),
        expected="a listed release: the index keeps what nobody takes away",
        evidence=evidence or evidence_of(release),
        fact="removed",
    )

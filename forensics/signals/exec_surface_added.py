"""New code that runs without anyone having asked for it, or what such code newly touches."""

from __future__ import annotations

from dataclasses import dataclass, field

from forensics.compare.artifacts import compare_contents
from forensics.compare.declared import compare_declared
from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.neighbours import NO_AGE
from forensics.model.release import Release
from forensics.model.times import duration
from forensics.signals import thresholds as t
from forensics.signals.held import held_evidence, last_counterpart, named, read_artifacts, why_unread
from forensics.signals.registry import Hit, Result, View, signal

_FACT = "surface"


@dataclass(slots=True)
class _New:
    """What is new against earlier releases: surface in words, names newly required, with which releases compared."""

    surface: dict[str, None] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)


@signal(
    "exec-surface-added",
    title="New code that runs at import or install",
    family=Family.CONTENT,
    severities=(Severity.HIGH, Severity.MEDIUM),
    needs=("artifact", "packument"),
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
    touches processes, the network or decoded code, and a dependency newly taken from a URL or a repository; and, medium
    by itself, a newly required package that was younger than DEPENDENCY_AGE. What the index states of a version counts
    as well as what is in its files.
    """
    new = _New()
    _by_contents(view, new)
    _by_declaration(view, new)
    young, unknown = _young(view, new)
    # A value that has held is usual, as with every other change: a hook that was added a year ago accuses nobody.
    new.surface = {what: None for what in new.surface if (_FACT, what) not in view.baseline.joined}
    if new.surface or young:
        return Hit(
            severity=Severity.HIGH if new.surface else Severity.MEDIUM,
            observed=named([*new.surface, *young]),
            expected=f"what runs at start, install and import as in {new.compared[0]}, touching no more"
            if new.surface
            else f"packages that were there for {duration(t.DEPENDENCY_AGE)} before they were required",
            evidence=tuple(dict.fromkeys(new.evidence)),
            fact=_FACT,
            changed=frozenset((_FACT, what) for what in new.surface),
        )
    if not new.compared:
        missing = why_unread(view.release)
        return missing or NotChecked("the contents of no earlier release are known to compare with", "artifact")
    return unknown or why_unread(view.release)


def _by_contents(view: View, new: _New) -> None:
    for artifact, contents in read_artifacts(view.release):
        found = last_counterpart(view, artifact)
        if found is None or isinstance(found[1].contents, NotChecked):
            continue
        diff = compare_contents(found[1].contents.value, contents)
        new.compared.append(found[0].version)
        new.names.update(dict.fromkeys(diff.dependencies))
        new.surface.update(dict.fromkeys(one.what for one in diff.surface))
        if diff.surface or diff.dependencies:
            new.evidence += (*held_evidence(artifact), *held_evidence(found[1]))


def _by_declaration(view: View, new: _New) -> None:
    """Compare what the index states of the release with what it states of the latest of the baseline."""
    own = view.release.publication
    before = next((p.profile.release for p in reversed(view.baseline.cohort) if _declares(p.profile.release)), None)
    if isinstance(own, NotChecked) or before is None or isinstance(before.publication, NotChecked):
        return
    surface, names = compare_declared(before.publication.value, own.value)
    new.compared.append(before.version)
    new.names.update(dict.fromkeys(names))
    new.surface.update(dict.fromkeys(one.what for one in surface))
    if surface or names:
        new.evidence += (*own.evidence, *before.publication.evidence)


def _declares(release: Release) -> bool:
    return isinstance(release.publication, Checked)


def _young(view: View, new: _New) -> tuple[list[str], NotChecked | None]:
    """Return in words the newly required packages that were young then, and why others' age is not known."""
    published = view.release.published
    young: list[str] = []
    unknown: dict[str, NotChecked] = {}
    for name in new.names:
        age = view.history.dependency_ages.get(name, NO_AGE)
        if isinstance(age, NotChecked) or published is None:
            unknown[name] = age if isinstance(age, NotChecked) else NO_AGE
        elif age.value > published - t.DEPENDENCY_AGE:
            how = "was not there yet" if age.value > published else f"was {duration(published - age.value)} old"
            young.append(f"the dependency {name} {how}")
            new.evidence += age.evidence
    if not unknown:
        return young, None
    why = next(iter(unknown.values()))
    reason = f"the age of newly required packages is not known: {named(list(unknown))} ({why.reason})"
    return young, NotChecked(reason, why.needs, (*new.evidence, *why.evidence))

"""An advisory names this release."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Advisory, History
from forensics.model.versions import rules_of
from forensics.signals import thresholds as t
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "advisory-match",
    title="Named by an advisory",
    family=Family.HINDSIGHT,
    severities=(Severity.DECISIVE, Severity.LOW),
    needs=("OSV", "deps.dev"),
    benign_if=(
        "the advisory is about an ordinary vulnerability, not about who made the release; read its summary",
        "the advisory covers more versions than it means; compare its list with the incident's own report",
    ),
    attack=("T1195.002",),
    slsa="F",
)
def advisory_match(view: View) -> Result:
    """Fire when an unwithdrawn advisory names the version, or all versions.

    Decisive when it says malicious, or lists versions one by one of which the index removed at least one; where the
    list is spelt out from a range, most of it must be gone (ADVISORY_REMOVED_SHARE). Otherwise low.
    """
    if isinstance(view.history.advisories, NotChecked):
        return view.history.advisories
    index = _index(_Same(view.history))
    canonical = rules_of(view.history.project.ecosystem).canonical
    matches = [*index.everything, *index.by_version.get(canonical(view.release.version), ())]
    if not matches:
        caveat = view.history.advisories.caveat
        return NotChecked(caveat, "OSV", view.history.advisories.evidence) if caveat else None
    ranked = sorted(matches, key=lambda a: (a.id not in index.decisive, a.id))
    first = ranked[0]
    decisive = first.id in index.decisive
    others = [a.id for a in ranked[1:] if a.id not in first.aliases]
    return Hit(
        severity=Severity.DECISIVE if decisive else Severity.LOW,
        observed=f"{first.id} names it: {first.summary or 'no summary'}"
        + (f" (also {', '.join(others)})" if others else ""),
        expected="no advisory",
        evidence=tuple(i for a in ranked for i in a.evidence) or view.history.advisories.evidence,
        note=index.decisive.get(first.id, ""),
        fact="advisory " + min(first.id, *first.aliases) if first.aliases else "advisory " + first.id,
    )


@dataclass(frozen=True, slots=True)
class _Index:
    """Advisories by canonical version, those that mean every version, and why which are decisive."""

    by_version: dict[str, tuple[Advisory, ...]]
    everything: tuple[Advisory, ...]
    decisive: dict[str, str]


class _Same:
    """A history compared by identity, so that its index is built once and not once per release."""

    __slots__ = ("history",)

    def __init__(self, history: History) -> None:
        self.history = history

    def __hash__(self) -> int:
        return id(self.history)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.history is self.history


@lru_cache(maxsize=1)
def _index(same: _Same) -> _Index:
    history = same.history
    canonical = rules_of(history.project.ecosystem).canonical
    there = {canonical(release.version) for release in history.releases if release.listed is not False}
    by_version: dict[str, list[Advisory]] = defaultdict(list)
    everything: list[Advisory] = []
    decisive: dict[str, str] = {}
    advisories = () if isinstance(history.advisories, NotChecked) else history.advisories.value
    for advisory in advisories:
        if advisory.withdrawn is not None:
            continue
        named = {canonical(version) for version in advisory.versions}
        if advisory.affects_all:
            everything.append(advisory)
        else:
            for version in sorted(named):
                by_version[version].append(advisory)
        gone = len(named - there)
        if advisory.malicious:
            decisive[advisory.id] = "The advisory says that the release is malicious."
        elif gone and (not advisory.ranged or gone >= t.ADVISORY_REMOVED_SHARE * len(named)):
            decisive[advisory.id] = f"The index removed {gone} of the {len(named)} versions that the advisory lists."
    return _Index({v: tuple(found) for v, found in by_version.items()}, tuple(everything), decisive)

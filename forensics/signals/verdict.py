"""From signals to a verdict, by the rule of the catalogue, and the sentences that say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from forensics.model.finding import Family, Finding, Severity, Verdict


def verdict_of(findings: Sequence[Finding], *, anything_checked: bool) -> Verdict:
    """Return the verdict on one release.

    - likely-compromised: a decisive signal; or signals of at least medium in two families; or one high and at least
      two low of two other families.
    - suspicious: at least one medium or high.
    - notable: only low.
    - ordinary: none, and provenance or artifact was checked; undetermined: none, and neither could be.

    Decisive is a flag and no family. Findings that share a `fact` count once, as the heaviest of them.
    """
    counted = distinct(findings)
    if any(f.severity is Severity.DECISIVE for f in counted):
        return Verdict.LIKELY_COMPROMISED
    heavy = [f for f in counted if f.severity.rank >= Severity.MEDIUM.rank]
    if len({f.family for f in heavy}) >= 2:
        return Verdict.LIKELY_COMPROMISED
    for finding in heavy:
        others = {f.family for f in counted if f.severity is Severity.LOW and f.family is not finding.family}
        if finding.severity is Severity.HIGH and len(others) >= 2:
            return Verdict.LIKELY_COMPROMISED
    if heavy:
        return Verdict.SUSPICIOUS
    if counted:
        return Verdict.NOTABLE
    return Verdict.ORDINARY if anything_checked else Verdict.UNDETERMINED


def distinct(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with those drawn from one fact folded into the heaviest, first come on a tie.

    A decisive finding outside its family counts in the family it was found in.
    """
    chosen: dict[str, Finding] = {}
    for finding in findings:
        key = finding.fact or finding.signal
        known = chosen.get(key)
        if known is None or finding.severity.rank > known.severity.rank:
            chosen[key] = finding
    return list(chosen.values())


_WORDS = {
    Severity.DECISIVE: "decisive by itself",
    Severity.HIGH: "weighs high",
    Severity.MEDIUM: "weighs medium",
    Severity.LOW: "weighs low",
}


def reasons_for(findings: Sequence[Finding], verdict: Verdict) -> tuple[str, ...]:
    """Return the sentences that lead from the findings to the verdict, heaviest first."""
    counted = sorted(distinct(findings), key=lambda f: -f.severity.rank)
    lines = [f"{f.observed} ({f.signal}, {f.family.value}, {_WORDS[f.severity]})." for f in counted]
    folded = len(findings) - len(counted)
    if folded:
        lines.append(f"{folded} further signal{'s' * (folded > 1)} drawn from the same facts counted once.")
    lines.append(_rule(counted, verdict))
    return tuple(lines)


def _rule(counted: Sequence[Finding], verdict: Verdict) -> str:
    heavy = [f for f in counted if f.severity.rank >= Severity.MEDIUM.rank]
    families = sorted({f.family.value for f in heavy})
    match verdict:
        case Verdict.LIKELY_COMPROMISED if any(f.severity is Severity.DECISIVE for f in counted):
            return "One decisive signal is enough for likely-compromised."
        case Verdict.LIKELY_COMPROMISED if len(families) >= 2:
            return f"Independent reasons in {len(families)} families ({', '.join(families)}) make likely-compromised."
        case Verdict.LIKELY_COMPROMISED:
            return "One heavy reason and light ones in two other families make likely-compromised."
        case Verdict.SUSPICIOUS:
            return "Reasons of one family make suspicious."
        case Verdict.NOTABLE:
            return "Only light reasons: notable."
        case Verdict.ORDINARY:
            return "No signal fired among those that could be checked."
        case Verdict.UNDETERMINED:
            return "No signal fired, but neither provenance nor artifact could be checked."


def capped(finding: Finding, reason: str) -> Finding:
    """Return the finding at low, with the reason beside it; a decisive or low one as it is."""
    if finding.severity in {Severity.LOW, Severity.DECISIVE}:
        return finding
    note = f"{finding.note} {reason}".strip()
    return replace(finding, severity=Severity.LOW, note=note)


EXCULPABLE = frozenset({"provenance-lost", "door-changed", "unattested-trusted-publish", "provenance-partial"})
"""What corroboration (tag or release, commit on a branch, files equal to it) can lower; nothing else."""

__all__ = ["EXCULPABLE", "Family", "capped", "distinct", "reasons_for", "verdict_of"]

"""What a scenario came to: the documents of its moments beside its expectations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.lab.scenario import Expect, Scenario

RANKS = {"undetermined": 0, "ordinary": 1, "notable": 2, "suspicious": 3, "likely-compromised": 4}
COUNTS = ("required", "fired", "silent_required", "fired_silent", "fired_benign", "false_alarms")

Document = dict[str, Any]


@dataclass
class Outcome:
    """What one scenario came to. ``signals``: by id, how often each of ``COUNTS`` happened."""

    scenario: Scenario
    misses: list[str] = field(default_factory=list)
    malicious: int = 0
    found: int = 0
    found_at_publish: int = 0
    benign: int = 0
    false_alarms: list[str] = field(default_factory=list)
    signals: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every expectation held."""
        return not self.misses

    def count(self, signal: str, *what: str) -> None:
        """Count events of a signal."""
        row = self.signals.setdefault(signal, dict.fromkeys(COUNTS, 0))
        for name in what:
            row[name] += 1


@dataclass(frozen=True)
class _Seen:
    """One release as the documents show it, with the moment of each; the last one has hindsight."""

    rows: tuple[tuple[str, Document], ...]

    @property
    def fired(self) -> set[str]:
        """Signals that fired at any moment."""
        return {signal["id"] for _, row in self.rows for signal in row["signals"]}

    @property
    def unchecked(self) -> dict[str, str]:
        """What could not be checked, with the reason that was given last."""
        return {item["what"]: item["reason"] for _, row in self.rows for item in row["not_checked"]}

    def alarms(self) -> list[str]:
        """The moments at which the verdict is above `notable`, with the verdict."""
        return [f"{row['verdict']} {moment}" for moment, row in self.rows if RANKS[row["verdict"]] > RANKS["notable"]]


def compare(outcome: Outcome, early: dict[str, Document], late: Document) -> None:
    """Compare the documents of all moments with the expectations, and every other version with ``notable``."""
    scenario = outcome.scenario
    malicious = {release.version for release in scenario.release if release.malicious}
    for expect in scenario.expect:
        first, last = _row(early[expect.version], expect.version), _row(late, expect.version)
        _expected(outcome, expect, first, last, bad=expect.version in malicious)
    documents = [*((f"at {version}", document) for version, document in early.items()), ("as of", late)]
    named = {release["version"] for _, document in documents for release in document["releases"]}
    for version in sorted(named - {expect.version for expect in scenario.expect} - malicious):
        rows = ((moment, _row(document, version)) for moment, document in documents)
        seen = _Seen(tuple((moment, row) for moment, row in rows if row is not None))
        if _benign(outcome, version, seen):
            outcome.misses.append(f"{version}: {seen.alarms()[0]}, expected at most notable ({_reasons(seen)})")


def _row(document: Document, version: str) -> Document | None:
    found: Document | None = next((row for row in document["releases"] if row["version"] == version), None)
    return found


def _expected(outcome: Outcome, expect: Expect, first: Document | None, last: Document | None, *, bad: bool) -> None:
    rows = (("at publication", first), ("as of", last))
    seen = _Seen(tuple((moment, row) for moment, row in rows if row is not None))
    verdict = last["verdict"] if last else "undetermined"
    early = first["at_publish"] if first else "undetermined"
    held = _bound(verdict, expect.verdict, lower=bad)
    why = _reasons(seen)
    side = "at least" if bad else "at most"
    if not held:
        outcome.misses.append(f"{expect.version}: {verdict}, expected {side} {expect.verdict} ({why})")
    if expect.at_publish is not None and not _bound(early, expect.at_publish, lower=bad):
        outcome.misses.append(f"{expect.version}: {early} at publication, expected {side} {expect.at_publish} ({why})")
    if bad:
        outcome.malicious += 1
        outcome.found += held
        outcome.found_at_publish += _bound(early, expect.at_publish or "suspicious", lower=True)
    else:
        _benign(outcome, expect.version, seen)
    _signals(outcome, expect, seen)


def _signals(outcome: Outcome, expect: Expect, seen: _Seen) -> None:
    for signal in expect.signals:
        outcome.count(signal, "required")
        if signal in seen.fired:
            outcome.count(signal, "fired")
        else:
            reason = seen.unchecked.get(signal)
            why = f" (not checked: {reason})" if reason else ""
            outcome.misses.append(f"{expect.version}: {signal} did not fire{why}")
    for signal in expect.silent:
        outcome.count(signal, "silent_required")
        if signal in seen.fired:
            outcome.count(signal, "fired_silent")
            outcome.misses.append(f"{expect.version}: {signal} fired and had to be silent")


def _benign(outcome: Outcome, version: str, seen: _Seen) -> bool:
    """Count a release that is not malicious; returns whether it was a false alarm at any moment."""
    outcome.benign += 1
    alarm = bool(seen.alarms())
    if alarm:
        outcome.false_alarms.append(version)
    for signal in sorted(seen.fired):
        outcome.count(signal, "fired_benign", *(["false_alarms"] if alarm else []))
    return alarm


def _reasons(seen: _Seen) -> str:
    """What fired, as a miss names it."""
    return ", ".join(sorted(seen.fired)) or "nothing fired"


def _bound(verdict: str, expected: str, *, lower: bool) -> bool:
    return RANKS[verdict] >= RANKS[expected] if lower else RANKS[verdict] <= RANKS[expected]

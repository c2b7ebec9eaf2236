"""Signals of the catalogue whose source this version does not collect: listed, explained, and always not checked."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.signals.registry import Signal

_L, _M, _H, _D = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.DECISIVE


def _planned(
    id: str,  # noqa: A002 - the word of the catalogue
    title: str,
    family: Family,
    severities: tuple[Severity, ...],
    needs: tuple[str, ...],
    missing: str,
) -> Signal:
    return Signal(id, title, family, severities, needs, (), missing=missing)


SIGNALS: tuple[Signal, ...] = (
    _planned(
        "run-not-successful",
        "The publishing job did not succeed, yet the file is there",
        Family.SOURCE,
        (_D, _L),
        ("CI",),
        "CI runs are not collected by this version",
    ),
)

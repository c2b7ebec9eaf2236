"""Release lines and version order: PEP 440 on PyPI; which numbers are missing between two that exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise

from packaging.version import Version

from forensics.model.finding import Gap

MAX_GAP = 20
"""More missing numbers in a row than this are a numbering habit, not a handful of removed releases."""


def parse_version(text: str) -> Version | None:
    """Return the PEP 440 version, or None for what is not one (old uploads)."""
    try:
        return Version(text)
    except ValueError:  # InvalidVersion, and Python's own for a number of thousands of digits
        return None


def line_of(version: str, mapping: Mapping[str, str] | None = None) -> str:
    """Return the release line: the major version, for 0.x the minor; a user's *mapping* of prefixes wins.

    What is not a PEP 440 version forms the line `other`; epochs are part of the line.
    """
    for prefix, line in (mapping or {}).items():
        if version == prefix or version.startswith(prefix + "."):
            return line
    parsed = parse_version(version)
    if parsed is None:
        return "other"
    epoch = f"{parsed.epoch}!" if parsed.epoch else ""
    return f"{epoch}{parsed.major}" if parsed.major else f"{epoch}0.{parsed.minor}"


def version_key(text: str) -> tuple[int, Version | str]:
    """Return a sort key: what is not a version first, by text; then versions in PEP 440 order."""
    parsed = parse_version(text)
    return (0, text) if parsed is None else (1, parsed)


def find_gaps(versions: Iterable[str]) -> tuple[Gap, ...]:
    """Return the patch numbers missing between existing final releases of the same minor, in version order.

    *versions* are those the index lists. Runs of more than MAX_GAP are left out: they are habits.
    """
    series: dict[tuple[int, ...], dict[int, str]] = defaultdict(dict)
    for text in versions:
        parsed = parse_version(text)
        if parsed is None or len(parsed.release) != 3 or parsed.epoch or parsed.is_prerelease:
            continue
        series[parsed.release[:2]].setdefault(parsed.release[2], text)
    gaps: list[Gap] = []
    for (major, minor), patches in sorted(series.items()):
        numbers = sorted(patches)
        for low, high in pairwise(numbers):
            if 1 < high - low <= MAX_GAP + 1:
                missing = tuple(f"{major}.{minor}.{n}" for n in range(low + 1, high))
                gaps.append(Gap(line_of(missing[0]), missing, patches[low], patches[high]))
    return tuple(gaps)

"""Release lines by the rules of the project's ecosystem; which numbers are missing between two that exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise

from forensics.model.finding import Gap
from forensics.model.versions import PEP440, VersionRules

MAX_GAP = 20
"""More missing numbers in a row than this are a numbering habit, not a handful of removed releases."""


def line_of(version: str, mapping: Mapping[str, str] | None = None, rules: VersionRules = PEP440) -> str:
    """Return the release line: the major version, for 0.x the minor; a user's *mapping* of prefixes wins.

    The longest prefix counts; `1.2` is one of 1.2.7 and 1.2rc1, and none of 1.20. What is no version by
    *rules* forms the line `other`; epochs of PEP 440 are part of the line.
    """
    if mapping:
        prefixes = [prefix for prefix in mapping if _begins(version, prefix)]
        if prefixes:
            return mapping[max(prefixes, key=len)]
    return rules.line(version)


def _begins(version: str, prefix: str) -> bool:
    """Whether *prefix* ends in *version* where a number does; what it leaves is no rest of it and no epoch's mark."""
    rest = version[len(prefix) :]
    return bool(prefix) and version.startswith(prefix) and not (rest[:1].isdigit() or rest.startswith("!"))


def find_gaps(versions: Iterable[str], rules: VersionRules = PEP440) -> tuple[Gap, ...]:
    """Return the patch numbers missing between existing final releases of the same minor, in version order.

    *versions* are those the index lists. Runs of more than MAX_GAP are left out: they are habits.
    """
    series: dict[tuple[int, ...], dict[int, str]] = defaultdict(dict)
    for text in versions:
        numbers = rules.numbers(text)
        if numbers is not None and len(numbers) == 3 and rules.final(text):
            series[numbers[:2]].setdefault(numbers[2], text)
    gaps: list[Gap] = []
    for (major, minor), patches in sorted(series.items()):
        for low, high in pairwise(sorted(patches)):
            if 1 < high - low <= MAX_GAP + 1:
                missing = tuple(f"{major}.{minor}.{n}" for n in range(low + 1, high))
                gaps.append(Gap(line_of(missing[0], rules=rules), missing, patches[low], patches[high]))
    return tuple(gaps)

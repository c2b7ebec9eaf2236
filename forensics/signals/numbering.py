"""How a project counts: its version numbers by line, and the steps between them. Grown one release at a time."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

from forensics.model.release import Release
from forensics.model.versions import PEP440, VersionRules

Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """From the highest earlier version below in the line: by how much each moved component (from 0) moved.

    Components below the first that moved start over, so they count from zero.
    """

    below: Release
    sizes: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Numbering:
    """The release numbers seen so far, sorted by line, and the largest step of each component over all lines."""

    rules: VersionRules = PEP440
    lines: dict[str, list[Numbers]] = field(default_factory=dict)
    releases: dict[tuple[str, Numbers], Release] = field(default_factory=dict)
    largest: dict[int, int] = field(default_factory=dict)
    steps: int = 0

    def step_to(self, version: str, line: str) -> Step | None:
        """Return the step to *version*; None for a first number, one seen before, one below all, or no version."""
        numbers = numbers_of(version, self.rules)
        seen = self.lines.get(line, [])
        if numbers is None or (line, numbers) in self.releases:
            return None
        at = bisect_left(seen, numbers)
        return None if at == 0 else Step(self.releases[line, seen[at - 1]], _sizes(seen[at - 1], numbers))

    def add(self, release: Release, line: str, *, usual: bool) -> None:
        """Take in one release. Its step is learnt when the release is *usual*, that is, not itself a suspect."""
        numbers = numbers_of(release.version, self.rules)
        if numbers is None or (line, numbers) in self.releases:
            return
        step = self.step_to(release.version, line)
        if step is not None and usual:
            self.steps += 1
            for component, size in step.sizes:
                self.largest[component] = max(size, self.largest.get(component, 0))
        insort(self.lines.setdefault(line, []), numbers)
        self.releases[line, numbers] = release


def numbers_of(version: str, rules: VersionRules = PEP440) -> Numbers | None:
    """Return the release number without trailing zeros (1.0 and 1.0.0 are one), or None for what is no version.

    Pre-, post- and development releases have the number of the release that they belong to.
    """
    numbers = rules.numbers(version)
    if numbers is None:
        return None
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers


def _sizes(below: Numbers, numbers: Numbers) -> tuple[tuple[int, int], ...]:
    width = max(len(below), len(numbers))
    old, new = (n + (0,) * (width - len(n)) for n in (below, numbers))
    first = next(i for i in range(width) if old[i] != new[i])
    return ((first, new[first] - old[first]), *((i, new[i]) for i in range(first + 1, width)))

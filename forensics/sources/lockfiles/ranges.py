"""Whether a range of a manifest admits a version: PEP 440 on PyPI, node-semver's ranges on npm.

Source: packaging.specifiers; the grammar of ranges in npm/node-semver's README. No library that is kept reads npm's
ranges; the order of versions under them is `semver`'s.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from forensics.model.project import Ecosystem

if TYPE_CHECKING:
    from semver import Version

_PARTIAL = re.compile(
    r"v?=?\s*(\d{1,9}|[xX*])?(?:\.(\d{1,9}|[xX*]))?(?:\.(\d{1,9}|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+\S*)?", re.ASCII
)
_HYPHEN = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*")
_COMPARATOR = re.compile(r"(>=|<=|>|<|=|\^|~>?|)(.*)", re.DOTALL)
Bound = tuple[str, tuple[int, int, int], str]
"""A comparator: operator, numbers, prerelease."""


def admits(ecosystem: Ecosystem, specifier: str, version: str) -> bool | None:
    """Return whether *specifier* allows *version*; None where either cannot be read, or the word is a dist-tag."""
    if ecosystem is Ecosystem.PYPI:
        return _pep440(specifier, version)
    return _npm(specifier, version)


def _pep440(specifier: str, version: str) -> bool | None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import Version

    try:
        wanted, parsed = SpecifierSet(specifier), Version(version)
    except (InvalidSpecifier, ValueError):
        return None
    # A prerelease is resolved only by who asks for one; pip's fallback to them when nothing else fits is left out.
    return wanted.contains(parsed)


def _npm(specifier: str, version: str) -> bool | None:
    from semver import Version

    try:
        parsed = Version.parse(version.removeprefix("v"))
    except (ValueError, TypeError):
        return None
    unread = False
    for alternative in specifier.split("||")[:100]:
        bounds = _bounds(alternative.strip())
        if bounds is None:
            unread = True
        elif _within(parsed, bounds):
            return True
    return None if unread else False


def _within(version: Version, bounds: list[Bound]) -> bool:
    """A prerelease counts only beside a bound that is a prerelease of the same three numbers, as npm has it."""
    core = (version.major, version.minor, version.patch)
    if version.prerelease and not any(numbers == core and pre for _, numbers, pre in bounds):
        return False
    return all(_holds(version, *bound) for bound in bounds)


def _holds(version: Version, operator: str, numbers: tuple[int, int, int], prerelease: str) -> bool:
    from semver import Version

    try:
        order = version.compare(Version(*numbers, prerelease=prerelease or None))
    except (ValueError, TypeError):
        return False
    return {">": order > 0, ">=": order >= 0, "<": order < 0, "<=": order <= 0, "=": order == 0}[operator]


def _bounds(text: str) -> list[Bound] | None:
    """Return the comparators of one alternative, None where it cannot be read; an empty one admits everything."""
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        low, high = _partial(hyphen.group(1)), _partial(hyphen.group(2))
        if low is None or high is None:
            return None
        upper = _upper(high, "<=") if high[1] < 3 else [("<=", high[0], high[2])]
        return [(">=", low[0], low[2]), *upper]
    found: list[Bound] = []
    for comparator in re.sub(r"([<>=^~])\s+", r"\1", text).split():
        operator, word = _COMPARATOR.fullmatch(comparator).groups()  # type: ignore[union-attr] # it matches anything
        partial = _partial(word)
        if partial is None:
            return None
        found += _expanded(operator, partial)
    return found


def _partial(word: str) -> tuple[tuple[int, int, int], int, str] | None:
    """Return the three numbers, how many of them were stated, and the prerelease of `1`, `1.2.x`, `1.2.3-beta`."""
    match = _PARTIAL.fullmatch(word)
    if match is None or not word:
        return None
    numbers: list[int] = []
    for part in match.groups()[:3]:
        if part is None or part in "xX*":
            break
        numbers.append(int(part))
    stated = len(numbers)
    padded = (*numbers, 0, 0, 0)
    return (padded[0], padded[1], padded[2]), stated, (match.group(4) or "") if stated == 3 else ""


def _expanded(operator: str, partial: tuple[tuple[int, int, int], int, str]) -> list[Bound]:
    numbers, stated, prerelease = partial
    if stated == 0:
        return [("<", (0, 0, 0), "0")] if operator in {"<", ">"} else []
    low: Bound = (">=", numbers, prerelease)
    if operator == "^":
        first = next((n for n in range(stated) if numbers[n]), stated - 1)
        return [low, ("<", _raised(numbers, first), "0")]
    if operator.startswith("~"):
        return [low, ("<", _raised(numbers, min(1, stated - 1)), "0")]
    if stated == 3:
        return [(operator or "=", numbers, prerelease)]
    if operator in {"", "="}:
        return [low, *_upper(partial, "<=")]
    if operator == ">":  # above all that the partial version stands for
        return [(">=", _raised(numbers, stated - 1), "")]
    return _upper(partial, operator) if operator == "<=" else [(operator, numbers, "0" if operator == "<" else "")]


def _upper(partial: tuple[tuple[int, int, int], int, str], operator: str) -> list[Bound]:
    """Return the bound that `<=` a partial version means: below the next one of its length."""
    numbers, stated, _ = partial
    return [("<", _raised(numbers, stated - 1), "0")] if stated and operator == "<=" else []


def _raised(numbers: tuple[int, int, int], at: int) -> tuple[int, int, int]:
    raised = [*numbers[:at], numbers[at] + 1, 0, 0, 0]
    return raised[0], raised[1], raised[2]

"""What version numbers mean, by ecosystem: PEP 440 on PyPI, Semantic Versioning 2.0.0 on npm.

Everything that orders, compares or groups versions asks the `VersionRules` of the project's ecosystem.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from forensics.model.project import Ecosystem

MAX_VERSION = 256
"""Longest text that is read as a version of npm, as npm has it; the numbers in it may be as long."""


class VersionRules(ABC):
    """How one ecosystem reads versions. Nothing here raises for a text that is no version."""

    name: str

    @abstractmethod
    def parse(self, text: str) -> Any | None:
        """Return something that compares in the ecosystem's order, None for what is not a version there."""

    @abstractmethod
    def spelled(self, text: str) -> str:
        """Return the one text that all spellings of exactly this version share; *text* itself for no version."""

    @abstractmethod
    def canonical(self, text: str) -> str:
        """Return the one text that all versions which count as equal share; *text* itself for no version."""

    @abstractmethod
    def numbers(self, text: str) -> tuple[int, ...] | None:
        """Return the release number, without what marks pre-releases and builds; None for no version."""

    @abstractmethod
    def final(self, text: str) -> bool:
        """Return whether it is a version, no pre-release of one, and of the plain numbering."""

    @abstractmethod
    def matcher(self, wanted: str) -> Callable[[str], bool]:
        """Return what tells whether a version lies in the range *wanted*; raises ValueError for what is no range.

        Pre-releases count: whoever names a range here wants to see everything in it.
        """

    def key(self, text: str) -> tuple[int, Any]:
        """Return a sort key: what is not a version first, by text; then versions in their order."""
        parsed = self.parse(text)
        return (0, text) if parsed is None else (1, parsed)

    def line(self, text: str) -> str:
        """Return the release line: the major version, for 0.x the minor; `other` for what is no version."""
        numbers = self.numbers(text)
        if numbers is None:
            return "other"
        return str(numbers[0]) if numbers[0] else f"0.{numbers[1] if len(numbers) > 1 else 0}"


class Pep440(VersionRules):
    """PyPI's versions. Source: PEP 440."""

    name = "PEP 440"

    def parse(self, text: str) -> Any | None:
        """Return the `packaging` version."""
        return _pep440(text)

    def spelled(self, text: str) -> str:
        """Return the normalised version with its trailing zeros."""
        parsed = _pep440(text)
        return text if parsed is None else str(parsed)

    def canonical(self, text: str) -> str:
        """Return the normalised version without trailing zeros: 1.0 and 1.0.0 are equal."""
        from packaging.utils import canonicalize_version

        try:
            return str(canonicalize_version(text))
        except ValueError:  # a number of thousands of digits
            return text

    def numbers(self, text: str) -> tuple[int, ...] | None:
        """Return the release segment."""
        parsed = _pep440(text)
        return None if parsed is None else parsed.release

    def final(self, text: str) -> bool:
        """Epochs are a numbering of their own."""
        parsed = _pep440(text)
        return parsed is not None and not (parsed.epoch or parsed.is_prerelease)

    def matcher(self, wanted: str) -> Callable[[str], bool]:
        """Read *wanted* as a PEP 440 specifier."""
        from packaging.specifiers import SpecifierSet

        chosen = SpecifierSet(wanted)

        def holds(text: str) -> bool:
            parsed = _pep440(text)
            return parsed is not None and chosen.contains(parsed, prereleases=True)

        return holds

    def line(self, text: str) -> str:
        """Epochs are part of the line."""
        parsed = _pep440(text)
        epoch = f"{parsed.epoch}!" if parsed is not None and parsed.epoch else ""
        return epoch + super().line(text)


class Semver(VersionRules):
    """npm's versions. A leading `v` or `=` is tolerated as npm does. Source: semver.org 2.0.0; node-semver."""

    name = "Semantic Versioning"

    def parse(self, text: str) -> Any | None:
        """Return the `semver` version; build metadata does not count in comparisons."""
        return _semver(text)

    def spelled(self, text: str) -> str:
        """Return the version without a leading `v`; the registry drops build metadata, and so does this."""
        parsed = _semver(text)
        return text if parsed is None else str(parsed.replace(build=None))

    def canonical(self, text: str) -> str:
        """Return the same as `spelled`: no two different texts count as equal."""
        return self.spelled(text)

    def numbers(self, text: str) -> tuple[int, ...] | None:
        """Return major, minor and patch."""
        parsed = _semver(text)
        return None if parsed is None else (parsed.major, parsed.minor, parsed.patch)

    def final(self, text: str) -> bool:
        """Return whether it is no pre-release."""
        parsed = _semver(text)
        return parsed is not None and not parsed.prerelease

    def matcher(self, wanted: str) -> Callable[[str], bool]:
        """Read *wanted* as a range of npm: comparators side by side or parted by commas, `^`, `~`, `x`, `||`."""
        choices = [_comparators(part) for part in wanted.split("||")]

        def holds(text: str) -> bool:
            parsed = _semver(text)
            return parsed is not None and any(all(one(parsed) for one in some) for some in choices)

        return holds


_COMPARATOR = re.compile(
    r"(\^|~>?|>=|<=|==?|!=|>|<)?\s*v?(\d{1,15}|[xX*])(?:\.(\d{1,15}|[xX*]))?(?:\.(\d{1,15}|[xX*]))?"
    r"(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)


def _comparators(text: str) -> list[Callable[[Any], bool]]:
    """Return the conditions of one alternative of a range. Source: node-semver, *Ranges*, without hyphen ranges."""
    found: list[Callable[[Any], bool]] = []
    rest = text.strip()
    while rest:
        match = _COMPARATOR.match(rest)
        if match is None:
            raise ValueError(f"{text.strip()!r} is no range of versions")
        found += _conditions(match)
        rest = rest[match.end() :].lstrip(" ,")
    return found


def _conditions(match: re.Match[str]) -> list[Callable[[Any], bool]]:
    sign, pre = match.group(1) or "=", match.group(5) or ""
    parts = [int(p) for p in match.groups()[1:4] if p is not None and p.isdigit()]
    low, high = _semver(_padded(parts) + pre), _semver(_padded(_next(parts, sign)))
    if not parts:
        return []
    whole = len(parts) == 3
    conditions: dict[str, list[Callable[[Any], bool]]] = {
        ">=": [lambda v: v >= low],
        "<": [lambda v: v < low],
        ">": [(lambda v: v > low) if whole else (lambda v: v >= high)],
        "<=": [(lambda v: v <= low) if whole else (lambda v: v < high)],
        "!=": [(lambda v: v != low) if whole else (lambda v: not low <= v < high)],
    }
    exactly: list[Callable[[Any], bool]] = [lambda v: v == low]
    between: list[Callable[[Any], bool]] = [lambda v: v >= low, lambda v: v < high]
    return conditions.get(sign, exactly if whole and sign in {"=", "=="} else between)


def _padded(parts: list[int]) -> str:
    return ".".join(str(n) for n in (*parts, 0, 0, 0)[:3])


def _next(parts: list[int], sign: str) -> list[int]:
    """Return the first version above what the operator and the given parts allow."""
    if not parts:
        return [0]
    if sign == "^":
        at = next((i for i, n in enumerate(parts) if n), len(parts) - 1)
    elif sign.startswith("~"):
        at = min(1, len(parts) - 1)
    else:
        at = len(parts) - 1
    return [*parts[:at], parts[at] + 1]


@lru_cache(maxsize=65536)
def _pep440(text: str) -> Any | None:
    from packaging.version import Version

    try:
        return Version(text)
    except ValueError:  # InvalidVersion, and Python's own for a number of thousands of digits
        return None


@lru_cache(maxsize=65536)
def _semver(text: str) -> Any | None:
    from semver import Version

    if len(text) > MAX_VERSION:
        return None
    try:
        return Version.parse(text.strip().removeprefix("=").removeprefix("v"))
    except ValueError:
        return None


PEP440, SEMVER = Pep440(), Semver()
_RULES: dict[Ecosystem, VersionRules] = {Ecosystem.PYPI: PEP440, Ecosystem.NPM: SEMVER}


def rules_of(ecosystem: Ecosystem) -> VersionRules:
    """Return how *ecosystem* reads versions."""
    return _RULES[ecosystem]

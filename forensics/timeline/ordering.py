"""The order of releases, and which of them an advisory's ranges mean: both by the rules of the ecosystem's versions."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from forensics.model.checked import NotChecked, Outcome
from forensics.model.release import Advisory, Release
from forensics.model.versions import PEP440, VersionRules


def with_ranges(
    advisories: Outcome[tuple[Advisory, ...]], versions: Iterable[str], rules: VersionRules
) -> Outcome[tuple[Advisory, ...]]:
    """Return *advisories*, those that state only ranges with the *versions* that lie in them spelt out."""
    if isinstance(advisories, NotChecked):
        return advisories
    known = sorted(set(versions), key=rules.key)
    spelt = tuple(
        a if a.versions or a.affects_all else replace(a, versions=tuple(v for v in known if a.covers(v, rules)))
        for a in advisories.value
    )
    return replace(advisories, value=spelt)


def order_releases(releases: list[Release], rules: VersionRules = PEP440) -> list[Release]:
    """Return *releases* by publication; one without a time directly after the highest version below it.

    Ties go by version, as *rules* order them. What has neither time nor predecessor comes first.
    """
    dated = sorted(
        (r for r in releases if r.published is not None),
        key=lambda r: (r.published or datetime.min, rules.key(r.version)),
    )
    by_version = sorted(dated, key=lambda r: rules.key(r.version))
    keys = [rules.key(r.version) for r in by_version]
    after: dict[str | None, list[Release]] = defaultdict(list)
    for release in sorted((r for r in releases if r.published is None), key=lambda r: rules.key(r.version)):
        below = bisect_left(keys, rules.key(release.version)) - 1
        after[by_version[below].version if below >= 0 else None].append(release)
    ordered = after[None]
    for release in dated:
        ordered += [release, *after[release.version]]
    return ordered

"""What deps.dev adds to a history: versions that it still lists, an opinion of each, advisories where OSV is silent."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.opinion import Opinion
from forensics.model.release import Release
from forensics.model.versions import VersionRules
from forensics.sources.depsdev import Opinions
from forensics.sources.index import Index
from forensics.sources.supplements import Supplements

SOURCE = "deps.dev"


def opinion_supplements(opinions: Outcome[Opinions], index: Index | None, rules: VersionRules) -> Supplements:
    """Return the versions that deps.dev lists and an index that vouches for its own list does not.

    A mirror states no serial and may lag behind, so what it lacks says nothing.
    """
    found = Supplements()
    if not isinstance(opinions, Checked) or index is None or (index.serial is None and not index.versions):
        return found
    listed = {rules.spelled(file.version) for file in index.files} | {rules.spelled(v) for v in index.versions}
    for version in opinions.value.published:
        if rules.spelled(version) not in listed:
            opinion = opinions.value.opinions.get(version)
            ids = tuple(dict.fromkeys((*opinions.value.evidence[:1], *(opinion.evidence if opinion else ()))))
            found.mention(version, SOURCE, "lists this version", ids)
    for digest, holders in opinions.value.by_hash.items():
        for holder in holders.value:
            version = holder.rpartition(" ")[2]
            if rules.spelled(version) not in listed:
                words = f"knows this version by the file with SHA-256 {digest}"
                found.mention(version, SOURCE, words, holders.evidence)
    return found


def with_opinions(
    releases: tuple[Release, ...], opinions: Outcome[Opinions], rules: VersionRules
) -> tuple[Release, ...]:
    """Return *releases* with what deps.dev says of each, or why it says nothing."""
    if isinstance(opinions, NotChecked):
        return tuple(replace(release, opinion=opinions) for release in releases)
    by_version = {rules.spelled(version): one for version, one in opinions.value.opinions.items()}
    unknown = opinions.value.unknown if opinions.value.known else NotChecked("deps.dev knows no such package", SOURCE)
    unknown = replace(unknown, evidence=opinions.value.evidence)

    def opinion(release: Release) -> Outcome[Opinion]:
        found = by_version.get(rules.spelled(release.version))
        return Checked(found, found.evidence) if found else unknown

    return tuple(replace(release, opinion=opinion(release)) for release in releases)

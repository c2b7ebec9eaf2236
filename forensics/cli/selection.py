"""Which releases to show: by version range and by time. What is judged is never narrowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from forensics.model.document import Document, ReleaseDoc
from forensics.model.errors import UsageError
from forensics.model.times import parse_time

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


@dataclass(frozen=True, slots=True)
class Selection:
    """Bounds on what is shown; None is no bound."""

    versions: SpecifierSet | None
    since: datetime | None
    until: datetime | None

    def of(self, document: Document) -> Document:
        """Return *document* with only the chosen releases; everything else stays."""
        if self.versions is None and self.since is None and self.until is None:
            return document
        return {**document, "releases": [r for r in document["releases"] if self._chosen(r)]}

    def _chosen(self, release: ReleaseDoc) -> bool:
        published = parse_time(release["published"]) if release["published"] else None
        if self.since is not None and (published is None or published < self.since):
            return False
        if self.until is not None and (published is None or published > self.until):
            return False
        if self.versions is None:
            return True
        from forensics.timeline.lines import parse_version

        version = parse_version(release["version"])
        return version is not None and self.versions.contains(version, prereleases=True)


def select(versions: str | None, since: str | None, until: str | None) -> Selection:
    """Return the selection that the options state; raises UsageError for a range or a time that cannot be read."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        wanted = SpecifierSet(versions) if versions else None
    except InvalidSpecifier as error:
        raise UsageError(f"--versions: {error}.", advice="Write it as in '>=8.3.38,<8.3.50' (PEP 440).") from None
    return Selection(wanted, _time(since, "--since"), _time(until, "--until"))


def _time(text: str | None, option: str) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is not a time.", advice="Write it as 2024-12-04 or 2024-12-04T20:51:00Z."
        ) from None

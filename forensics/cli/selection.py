"""Which releases to show: by version range and by time. What is judged is never narrowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from forensics.model.document import Document, ReleaseDoc
from forensics.model.errors import UsageError
from forensics.model.project import Ecosystem, parse_project
from forensics.model.times import parse_time
from forensics.model.versions import rules_of


@dataclass(frozen=True, slots=True)
class Selection:
    """Bounds on what is shown; None is no bound."""

    versions: str | None
    since: datetime | None
    until: datetime | None

    def of(self, document: Document) -> Document:
        """Return *document* with only the chosen releases; everything else stays."""
        if self.versions is None and self.since is None and self.until is None:
            return document
        holds = _matcher(self.versions, [_ecosystem(document)]) if self.versions else None
        return {**document, "releases": [r for r in document["releases"] if self._chosen(r, holds)]}

    def _chosen(self, release: ReleaseDoc, holds: Callable[[str], bool] | None) -> bool:
        published = parse_time(release["published"]) if release["published"] else None
        if self.since is not None and (published is None or published < self.since):
            return False
        if self.until is not None and (published is None or published > self.until):
            return False
        return holds is None or holds(release["version"])


def select(versions: str | None, since: str | None, until: str | None, project: str | None = None) -> Selection:
    """Return the selection that the options state; raises UsageError for a range or a time that cannot be read.

    A range is read by the rules of *project*'s index; where none is named, by those of any.
    """
    if versions:
        _matcher(versions, [parse_project(project).ecosystem] if project else list(Ecosystem))
    return Selection(versions or None, _time(since, "--since"), _time(until, "--until"))


def _ecosystem(document: Document) -> Ecosystem:
    return Ecosystem(document["project"]["ecosystem"])


def _matcher(versions: str, ecosystems: list[Ecosystem]) -> Callable[[str], bool]:
    """Return what tells whether a version is meant, by the first of *ecosystems* that can read the range."""
    problem = ""
    for ecosystem in ecosystems:
        try:
            return rules_of(ecosystem).matcher(versions)
        except ValueError as error:
            problem = problem or str(error)
    raise UsageError(
        f"--versions: {problem}.", advice="Write it as in '>=8.3.38,<8.3.50' (PEP 440), for npm also as in '^1.2.3'."
    )


def _time(text: str | None, option: str) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is not a time.", advice="Write it as 2024-12-04 or 2024-12-04T20:51:00Z."
        ) from None

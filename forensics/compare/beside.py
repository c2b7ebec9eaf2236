"""A suspect beside the release it is measured against, with the text of what differs. Bytes come from the case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from forensics.compare.archive_pool import Job
from forensics.compare.artifact_text import Pair, TextDiff, text_diffs
from forensics.compare.releases import ReleaseComparison, compare_releases
from forensics.model.checked import Checked, Outcome
from forensics.model.release import Artifact, Release
from forensics.model.source import SourceHistory

MOST_SPELT_OUT = 24
"""Suspects whose differing files are spelt out; of further ones the names are kept, and `forensics diff` has the text.
A reader has the pattern by then."""

Load = Callable[[str], bytes | None]
"""Gives the bytes of an artifact by SHA-256, or None."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A comparison, and for each pair of files whose contents are known the text of what differs.

    `texts` is None where it was not spelt out.
    """

    comparison: ReleaseComparison
    texts: tuple[tuple[TextDiff, ...], ...] | None


def texts_of(comparison: ReleaseComparison, load: Load) -> list[tuple[TextDiff, ...]]:
    """Return the text of what differs for each pair of files whose contents were compared, in their order."""
    return text_diffs(_pairs(comparison, load))


def beside(
    pairs: Iterable[tuple[Release, Release]], repository: Outcome[SourceHistory], load: Load
) -> dict[str, Beside]:
    """Return the comparison of every pair (before, after) by the later version; all archives are read in one go."""
    compared = {after.version: compare_releases(before, after, repository) for before, after in pairs}
    spelt = list(compared.items())[:MOST_SPELT_OUT]
    requests = [(version, _pairs(comparison, load)) for version, comparison in spelt]
    texts = iter(text_diffs([pair for _, found in requests for pair in found]))
    known = {version: tuple(next(texts) for _ in found) for version, found in requests}
    return {version: Beside(comparison, known.get(version)) for version, comparison in compared.items()}


def _pairs(comparison: ReleaseComparison, load: Load) -> list[Pair]:
    return [
        Pair(pair.contents.value, _job(pair.before, load), _job(pair.after, load))
        for pair in comparison.files
        if isinstance(pair.contents, Checked)
    ]


def _job(artifact: Artifact | None, load: Load) -> Job | None:
    return Job(artifact.filename, partial(load, artifact.sha256)) if artifact and artifact.sha256 else None

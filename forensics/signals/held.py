"""What the signals about artifact contents have in common: who can be compared with whom, and what was learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from forensics.compare.artifact_source import Learnt, Mismatch, against_sdist, against_tree
from forensics.compare.artifacts import comparable, counterpart
from forensics.model.checked import Checked, NotChecked
from forensics.model.contents import NO_CONTENTS, Contents
from forensics.model.release import Artifact, Release
from forensics.model.source import SourceTree
from forensics.signals import thresholds as t
from forensics.signals.registry import View

READ_KINDS = frozenset({"sdist", "wheel", "tarball"})
"""The kinds of artifacts whose contents are read; the kind of npm is `tarball`."""
Explain = Callable[[Release, Artifact], tuple[Mismatch, ...] | NotChecked]
"""Return what of one file of a release is not explained, or why that cannot be told."""


@dataclass(slots=True)
class Compared:
    """What of a release is explained by nothing: new mismatches with the files they are in, and what was not checked.

    `learnt` counts the earlier releases that taught which mismatches are usual.
    """

    new: list[tuple[Artifact, Mismatch]] = field(default_factory=list)
    checked: int = 0
    learnt: int = 0
    missed: list[NotChecked] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)

    def unseen(self) -> NotChecked | None:
        """Return why not everything was compared, or None when it was."""
        return self.missed[0] if self.missed else None


def contents_of(artifact: Artifact) -> Contents | None:
    """Return the contents of an artifact, None where they are not known."""
    return artifact.contents.value if isinstance(artifact.contents, Checked) else None


def read_artifacts(release: Release) -> list[tuple[Artifact, Contents]]:
    """Return the files of a release of which the contents are known."""
    return [(a, contents) for a in release.artifacts if (contents := contents_of(a)) is not None]


def why_unread(release: Release) -> NotChecked | None:
    """Return why the contents of a file of *release* are not known, or None when those of all are."""
    for artifact in release.artifacts:
        if isinstance(artifact.contents, NotChecked) and artifact.kind in READ_KINDS:
            return artifact.contents
    return None if release.artifacts else NO_CONTENTS


def held_evidence(artifact: Artifact) -> tuple[str, ...]:
    """Return the observations that the contents of a file rest on."""
    return (*artifact.contents.evidence, *artifact.evidence)


def earlier(view: View, *, rates: bool = False) -> Iterator[Release]:
    """Yield the releases of the baseline of which some contents are known, latest first.

    With *rates* those that rates are learnt from: the project's where the line has too few.
    """
    cohort = view.baseline.for_rates if rates else view.baseline.cohort
    for past in reversed(cohort[-t.COHORT_RELEASES :]):
        if read_artifacts(past.profile.release):
            yield past.profile.release


def last_counterpart(view: View, artifact: Artifact) -> tuple[Release, Artifact] | None:
    """Return the latest file of the baseline that *artifact* can be compared with."""
    for release in earlier(view):
        found = counterpart(artifact, release)
        if found is not None:
            return release, found
    return None


def compare_release(view: View, explain: Explain) -> Compared:
    """Compare every file of the release of *view* with what should explain it, and leave out what is usual."""
    result = Compared()
    own: list[tuple[Artifact, tuple[Mismatch, ...]]] = []
    for artifact in view.release.artifacts:
        outcome = explain(view.release, artifact)
        if isinstance(outcome, NotChecked):
            result.missed.append(outcome)
        else:
            result.checked += 1
            own.append((artifact, outcome))
            result.evidence += held_evidence(artifact)
    if not any(mismatches for _, mismatches in own):
        return result
    sorts: dict[str, list[tuple[Artifact, tuple[Mismatch, ...]]]] = {}
    for artifact, mismatches in own:
        if mismatches:
            sorts.setdefault(artifact.sort, []).append((artifact, mismatches))
    for alike in sorts.values():
        learnt = _learn(view, alike[0][0], explain)
        result.learnt = max(result.learnt, learnt.releases)
        found = [(a, learnt.new(mismatches)) for a, mismatches in alike]
        if learnt.releases:
            result.new += [(artifact, one) for artifact, some in found for one in some]
        elif any(some for _, some in found):
            named = ", ".join(sorted({one.path for _, some in found for one in some})[: t.NAMED_VALUES])
            reason = f"no earlier release could be compared to learn what builds always change; here {named}"
            result.missed.insert(0, NotChecked(reason, "artifact", tuple(dict.fromkeys(result.evidence))))
    return result


def _learn(view: View, artifact: Artifact, explain: Explain) -> Learnt:
    """Learn what is usual for files like *artifact*."""
    learnt = Learnt()
    for release in earlier(view):
        found = [explain(release, a) for a in comparable(artifact, release)]
        told = [one for one in found if not isinstance(one, NotChecked)]
        if told:
            learnt.take(mismatch for some in told for mismatch in some)
    return learnt


def explained_by_tree(release: Release, artifact: Artifact) -> tuple[Mismatch, ...] | NotChecked:
    """Return what of *artifact* the commit of its release does not explain."""
    contents = artifact.contents
    if isinstance(contents, NotChecked):
        return contents
    tree = source_tree(release)
    return tree if isinstance(tree, NotChecked) else against_tree(contents.value, tree)


def source_tree(release: Release) -> SourceTree | NotChecked:
    """Return the files of the commit of *release*, or why they are not known."""
    source = release.source
    if isinstance(source, NotChecked):
        return source
    tree = source.value.tree
    return tree if isinstance(tree, NotChecked) else tree.value


def explained_by_sdist(release: Release, artifact: Artifact) -> tuple[Mismatch, ...] | NotChecked:
    """Return what of a wheel the sdist of the same release does not explain; nothing for an sdist."""
    if artifact.kind != "wheel":
        return ()
    if isinstance(artifact.contents, NotChecked):
        return artifact.contents
    sdists = [a for a in release.artifacts if a.kind == "sdist"]
    if not sdists:
        return NotChecked("the release has no sdist to compare its wheels with", "artifact", artifact.evidence)
    known = next((contents for a in sdists if (contents := contents_of(a)) is not None), None)
    if known is None:
        assert isinstance(sdists[0].contents, NotChecked)
        return sdists[0].contents
    return against_sdist(artifact.contents.value, known)


def named(paths: list[str]) -> str:
    """Return paths for a sentence: the first few, and how many more."""
    shown = ", ".join(paths[: t.NAMED_VALUES])
    more = len(paths) - t.NAMED_VALUES
    return f"{shown} and {more} more" if more > 0 else shown

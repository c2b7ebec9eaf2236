"""Evidence that speaks for a release: its source is in the repository, and its files are those of the source."""

from __future__ import annotations

import re

from forensics.model.checked import Checked
from forensics.model.contents import Contents, Member, Runs
from forensics.model.release import Artifact
from forensics.model.source import Reachability, SourceFacts
from forensics.signals.registry import View

CORROBORATED = (
    "Lowered: its source is tagged or sets the version, its commit is on the default branch or a release branch, and "
    "every executable file of its artifacts equals that commit."
)
_RELEASE_BRANCH = re.compile(
    r"refs/heads/(.*[/_-])?(v?\d+([._-](\d+|x))*|releases?|stable|maint\w*|hot-?fix\w*|lts)([/_.-].*)?", re.I
)


def corroborated(view: View) -> tuple[str, ...]:
    """Return the observations that speak for the release of *view*; empty when it is not corroborated.

    What could not be checked corroborates nothing: an artifact that was not read, a tree that was not collected.
    """
    source = view.release.source
    if not isinstance(source, Checked) or not _on_a_branch(source.value):
        return ()
    facts = source.value
    if not (facts.tag or facts.bump) or not isinstance(facts.tree, Checked) or not view.release.artifacts:
        return ()
    tree: dict[str, set[str]] = {}
    for path, _, blob in facts.tree.value.files:
        tree.setdefault(blob, set()).add(path)
    if not all(_explained(artifact, tree) for artifact in view.release.artifacts):
        return ()
    read = [i for a in view.release.artifacts for i in (*a.evidence, *getattr(a.contents, "evidence", ()))]
    return tuple(dict.fromkeys((*source.evidence, *facts.evidence, *facts.tree.evidence, *read)))


def _on_a_branch(facts: SourceFacts) -> bool:
    if not isinstance(facts.reachability, Checked):
        return False
    place = facts.reachability.value
    if place is Reachability.BRANCH:
        return bool(facts.ref and _RELEASE_BRANCH.fullmatch(facts.ref[:200]))
    return place is Reachability.DEFAULT_BRANCH


def _explained(artifact: Artifact, tree: dict[str, set[str]]) -> bool:
    """Whether every executable file of *artifact* is a file of the commit, at its place or with directories before."""
    if not isinstance(artifact.contents, Checked):
        return False
    contents: Contents = artifact.contents.value
    return not contents.problems and all(
        _at_its_place(member, tree.get(member.blob, set()))
        for member in contents.members
        if member.runs is not Runs.NEVER
    )


def _at_its_place(member: Member, paths: set[str]) -> bool:
    """An sdist has one directory on top, a wheel may lack the `src/` that the repository has."""
    tail = member.path.partition("/")[2]
    return any(path in (member.path, tail) or path.endswith("/" + member.path) for path in paths)

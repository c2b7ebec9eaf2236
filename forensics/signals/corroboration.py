"""Evidence that speaks for a release: its source is in the repository, and its files are those of the source."""

from __future__ import annotations

import re

from forensics.model.checked import Checked
from forensics.model.source import Reachability, SourceFacts
from forensics.signals.held import compare_release, explained_by_tree
from forensics.signals.registry import View

CORROBORATED = (
    "Lowered: its source is tagged or sets the version, its commit is on the default branch or a release branch, and "
    "every executable file of its artifacts equals that commit or was always made by the build."
)
_RELEASE_BRANCH = re.compile(
    r"refs/heads/(?:"
    r"(?:.*[/_-])?(?:releases?|stable|maint\w*|backports?|hot-?fix\w*|lts)(?:[/_.-].*)?"
    r"|(?:(?:branch|series|line)[/_-])?v?\d+(?:[._-](?:\d+|x))*"
    r"|v?\d+(?:[._-]\d+)*[._-]x[/_.-].*)",
    re.I,
)
"""Names of release lines: by their word, or a version and nothing else. A number beside other words is an issue's, a
dependency's or that of `patch-1`, which an editor in a browser makes up."""


def corroborated(view: View) -> tuple[str, ...]:
    """Return the observations that speak for the release of *view*; empty when it is not corroborated.

    What could not be checked corroborates nothing: an artifact that was not read, a tree that was not collected.
    """
    source = view.release.source
    if not isinstance(source, Checked) or not _on_a_branch(source.value):
        return ()
    facts = source.value
    if not (facts.tag or facts.bump) or not view.release.artifacts:
        return ()
    odd = any(isinstance(a.contents, Checked) and a.contents.value.problems for a in view.release.artifacts)
    compared = compare_release(view, explained_by_tree)
    if odd or compared.missed or any(one.member.executable for _, one in compared.new):
        return ()
    return tuple(dict.fromkeys((*source.evidence, *facts.evidence, *facts.tree.evidence, *compared.evidence)))


def _on_a_branch(facts: SourceFacts) -> bool:
    if not isinstance(facts.reachability, Checked):
        return False
    place = facts.reachability.value
    if place is Reachability.BRANCH:
        return bool(facts.ref and _RELEASE_BRANCH.fullmatch(facts.ref[:200]))
    return place is Reachability.DEFAULT_BRANCH

"""Small, real, reproducible artifacts of both ecosystems.

The commit of a release is a function of project and version; artifacts hold the commit's files, except where
``[release.content]`` says otherwise. What is changed or added is inert marked text: it imports a process and a
network module, which the content rules can recognise, and runs nothing.
"""

from __future__ import annotations

from tests.lab import tarballs, wheels
from tests.lab.contents import Artifact, Tree, normalized
from tests.lab.plan import PlannedRelease
from tests.lab.scenario import Scenario

__all__ = ["Artifact", "Tree", "artifact_tree", "build_artifacts", "normalized", "source_tree"]


def source_tree(scenario: Scenario, release: PlannedRelease) -> Tree:
    """The files of the release's commit, by path from the repository's top."""
    if release.row.content.matches_source:
        return artifact_tree(scenario, release)
    ordinary = tarballs.ordinary_tree if scenario.ecosystem == "npm" else wheels.ordinary_tree
    return ordinary(scenario, release.version)


def artifact_tree(scenario: Scenario, release: PlannedRelease) -> Tree:
    """The files that went into the artifacts, with those that packing leaves out."""
    if scenario.ecosystem == "npm":
        return tarballs.with_content(tarballs.ordinary_tree(scenario, release.version), scenario, release)
    return wheels.with_content(wheels.ordinary_tree(scenario, release.version), scenario, release)


def build_artifacts(scenario: Scenario, release: PlannedRelease) -> list[Artifact]:
    """The release's files in the order of its ``files``."""
    tree = artifact_tree(scenario, release)
    if scenario.ecosystem == "npm":
        return [tarballs.tarball(scenario, release, tree) for _ in release.row.files]
    makers = {"wheel": wheels.wheel, "sdist": wheels.sdist}
    return [makers[kind](scenario, release, tree) for kind in release.row.files]

"""Which version of a project a file name or a digest belongs to."""

from __future__ import annotations

from forensics.model.project import Ecosystem, Project
from forensics.sources import npm
from forensics.sources.lockfiles.python import identity_of_file


def version_in(filename: str, project: Project) -> str | None:
    """Return the version of *project* that a file of this name is of; None for files of others and other names."""
    if project.ecosystem is Ecosystem.NPM:
        return npm.version_of(filename, project)
    identity = identity_of_file(filename)
    return identity[1] if identity and identity[0] == project.name else None


def only_file_of(version: str, project: Project) -> str | None:
    """Return the name of the one file that a version has on npm; None where versions have several files."""
    return npm.tarball_name(project.name, version) if project.ecosystem is Ecosystem.NPM else None


def hexes(digest: str) -> tuple[str | None, str | None]:
    """Return SHA-256 and SHA-512 (hex) of `algorithm:hex`; None for those that it is not."""
    algorithm, _, value = digest.partition(":")
    return (value if algorithm == "sha256" else None), (value if algorithm == "sha512" else None)

"""Projects and package URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from forensics.model.errors import BadProject

# PEP 508 names; npm names after the registry's rules (lower case today, mixed case in old packages).
_PYPI_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,212}[A-Za-z0-9])?")
_NPM_NAME = re.compile(r"(?:@[A-Za-z0-9~_-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]*")


class Ecosystem(StrEnum):
    """A package index's world, by its purl type."""

    PYPI = "pypi"
    NPM = "npm"

    @property
    def osv_name(self) -> str:
        """The ecosystem as OSV spells it (case-sensitive)."""
        return {"pypi": "PyPI", "npm": "npm"}[self.value]


@dataclass(frozen=True, slots=True, order=True)
class Project:
    """A project of an index; `name` is normalised (PEP 503 on PyPI, as it is on npm)."""

    ecosystem: Ecosystem
    name: str

    @property
    def purl(self) -> str:
        """The package URL, without version (purl specification, types pypi and npm)."""
        return f"pkg:{self.ecosystem.value}/{self.name.replace('@', '%40')}"

    def purl_of(self, version: str) -> str:
        """Return the package URL of *version*, its reserved characters percent-encoded."""
        from urllib.parse import quote

        return f"{self.purl}@{quote(version, safe='.-_~')}"

    def __str__(self) -> str:
        return f"{self.ecosystem.value}:{self.name}"


def parse_project(text: str) -> Project:
    """Return the project that `name`, `pypi:name`, `npm:name` or a purl names. A version in a purl is ignored.

    Raises BadProject when it is none of these. Source: purl specification; PEP 503; PEP 508.
    """
    if text.startswith("pkg:"):
        return _from_purl(text)
    kind, colon, name = text.partition(":")
    if not colon:
        kind, name = Ecosystem.PYPI.value, text
    return _project(kind, name, text)


def _from_purl(text: str) -> Project:
    """The name as it is written: the specification has names of npm in lower case, and the registry does not.

    There `JSONStream` and `jsonstream` are two packages, of which folding would take the wrong one.
    """
    from urllib.parse import unquote

    from packageurl import PackageURL

    try:
        purl = PackageURL.from_string(text, normalize_purl=False)
    except ValueError as error:
        raise BadProject(f"{text!r} is not a package URL: {error}.") from None
    name = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
    return _project(purl.type, unquote(name), text)


def _project(kind: str, name: str, text: str) -> Project:
    try:
        ecosystem = Ecosystem(kind)
    except ValueError:
        raise BadProject(f"{text!r} names the ecosystem {kind!r}, which is not one of pypi, npm.") from None
    pattern = _PYPI_NAME if ecosystem is Ecosystem.PYPI else _NPM_NAME
    if not pattern.fullmatch(name) or len(name) > 214:
        raise BadProject(f"{text!r} is not a valid {ecosystem.osv_name} project name.")
    if ecosystem is Ecosystem.PYPI:
        name = re.sub(r"[-_.]+", "-", name).lower()  # PEP 503
    return Project(ecosystem, name)

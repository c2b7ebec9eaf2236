"""deps.dev: which packages a repository publishes, by the attestations that it has verified itself.

Source: deps.dev API v3, `GetProjectPackageVersions`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import BadAnswer, HostileInput, UsageError
from forensics.model.project import Ecosystem, Project, parse_project
from forensics.sources.interface import Witness, items, mapping, text

if TYPE_CHECKING:
    from forensics.evidence.client import Client

NEEDS = "deps.dev"
ATTESTED = frozenset({"SLSA_ATTESTATION", "PYPI_PUBLISH_ATTESTATION"})
"""Relations that rest on an attestation; any package may name any repository in its metadata."""
_SYSTEMS = {"PYPI": Ecosystem.PYPI, "NPM": Ecosystem.NPM}
_REPOSITORY = re.compile(r"(?:([A-Za-z0-9.-]+\.[a-z]+)/)?([A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+)")


def repository_key(name: str) -> str:
    """Return `host/owner/name` for `owner/name` (on GitHub), `host/owner/name` or a URL. Raises UsageError."""
    match = _REPOSITORY.fullmatch(re.sub(r"^https?://", "", name).removesuffix(".git").strip("/"))
    if match is None:
        raise UsageError(f"--publisher {name!r} names no repository.", advice="Write it as OWNER/REPO.")
    return f"{match.group(1) or 'github.com'}/{match.group(2)}".lower()


async def read_packages_of(
    client: Client, base: str, repository: str, witness: Witness
) -> Outcome[tuple[Project, ...]]:
    """Return the projects of PyPI and npm of which a version is attested by *repository* (`host/owner/name`), sorted.

    An empty answer is deps.dev's word: it knows no such version. At most 1,500 versions are in one answer.
    """
    outcome = await witness.ask(client.get(f"{base}/v3/projects/{quote(repository, safe='')}:packageversions"), NEEDS)
    if isinstance(outcome, NotChecked):
        return outcome
    if outcome.value.status == 404:
        return Checked((), outcome.evidence)
    if outcome.value.status != 200:
        return witness.miss(f"deps.dev answered HTTP {outcome.value.status}", NEEDS, outcome.evidence)
    try:
        body = mapping(outcome.value.json())
    except (BadAnswer, HostileInput) as error:
        return witness.miss(error.what, NEEDS, outcome.evidence)
    found: set[Project] = set()
    for row in map(mapping, items(body.get("versions"))):
        key = mapping(row.get("versionKey"))
        system, name = _SYSTEMS.get(text(key.get("system")) or ""), text(key.get("name"), 300)
        if system is not None and name and row.get("relationProvenance") in ATTESTED:
            try:
                found.add(parse_project(f"{system.value}:{name}"))
            except UsageError:  # a name that no index would give
                continue
    return Checked(tuple(sorted(found)), outcome.evidence)

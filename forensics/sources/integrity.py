"""PyPI's Integrity API (PEP 740): the provenance of each file, and when its silence is believed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.project import Project
from forensics.sources.index import IndexFile, Provenance, ProvenanceAnswer, Tick, ask_provenance
from forensics.sources.interface import Witness, mapping, text

if TYPE_CHECKING:
    from forensics.evidence.client import Answer, Client

INTEGRITY = "application/vnd.pypi.integrity.v1+json"
NEEDS = "the Integrity API"


async def read_provenance(
    client: Client,
    endpoints: Endpoints,
    project: Project,
    files: tuple[IndexFile, ...],
    witness: Witness,
    progress: Tick | None = None,
) -> Provenance:
    """Return the provenance of each file, by name; see `ask_provenance`."""

    async def ask(file: IndexFile) -> Outcome[ProvenanceAnswer]:
        return await _integrity(client, endpoints, project, file, witness)

    return await ask_provenance(files, ask, NEEDS, progress)


async def _integrity(
    client: Client, endpoints: Endpoints, project: Project, file: IndexFile, witness: Witness
) -> Outcome[ProvenanceAnswer]:
    """Ask for one file. The URL is built here and not taken from the index. Source: PyPI Integrity API."""
    url = "/".join(
        (
            endpoints["pypi"],
            "integrity",
            quote(project.name, safe=""),
            quote(file.version, safe=""),
            quote(file.filename, safe=""),
            "provenance",
        )
    )
    outcome = await witness.ask(client.get(url, accept=INTEGRITY), NEEDS)
    if isinstance(outcome, NotChecked):
        return outcome
    answer, evidence = outcome.value, outcome.evidence
    if answer.status == 403:
        return witness.miss("attestations are temporarily disabled on the index (HTTP 403)", NEEDS, evidence)
    if answer.status == 404:
        return _no_provenance(answer, file, witness, evidence)
    if answer.status != 200:
        return witness.miss(f"the Integrity API answered HTTP {answer.status}", NEEDS, evidence)
    try:
        data = mapping(answer.json())
    except (BadAnswer, HostileInput) as error:
        return witness.miss(error.what, NEEDS, evidence)
    if not isinstance(data.get("attestation_bundles"), list):
        return witness.miss("the Integrity API's answer is not a provenance object", NEEDS, evidence)
    digest = hashlib.sha256(answer.body).hexdigest()
    return Checked(ProvenanceAnswer(file.filename, data, digest), evidence)


def _no_provenance(
    answer: Answer, file: IndexFile, witness: Witness, evidence: tuple[str, ...]
) -> Outcome[ProvenanceAnswer]:
    """Only the API's own message means *none*; a bare 404 also comes from proxies, mirrors and removed files."""
    try:
        message = text(mapping(answer.json()).get("message")) or ""
    except (BadAnswer, HostileInput):
        message = ""
    if message.startswith("No provenance available"):
        return Checked(ProvenanceAnswer(file.filename, None, None), evidence)
    reason = "HTTP 404 without the Integrity API's own message, for a file that the index lists"
    return witness.miss(reason, NEEDS, evidence)

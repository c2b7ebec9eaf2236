"""npm's attestations endpoint: the bundles of each version, and the keys that the registry signs with.

Source: npm/attestation; npm/cli, `pacote`, `lib/registry.js`; npm's documentation of registry signatures.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from forensics.attestation.registry_keys import RegistryKeys, parse_registry_keys
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, HostileInput, MalformedEvidence
from forensics.model.project import Project
from forensics.sources.index import IndexFile, Provenance, ProvenanceAnswer, Tick, ask_provenance
from forensics.sources.interface import Witness, mapping
from forensics.sources.npm_names import registry_name

if TYPE_CHECKING:
    from forensics.evidence.client import Client

NEEDS = "the attestations endpoint"
KEYS = "the registry's keys"


async def read_attestations(
    client: Client,
    endpoints: Endpoints,
    project: Project,
    files: tuple[IndexFile, ...],
    witness: Witness,
    progress: Tick | None = None,
) -> Provenance:
    """Return the attestations of each tarball, by name; see `ask_provenance`."""

    async def ask(file: IndexFile) -> Outcome[ProvenanceAnswer]:
        return await _attestations(client, endpoints, project, file, witness)

    return await ask_provenance(files, ask, NEEDS, progress)


async def read_keys(client: Client, endpoints: Endpoints, witness: Witness) -> Outcome[RegistryKeys]:
    """Return the keys that the registry says it signs with; its own word, which vouches for nothing by itself."""
    outcome = await witness.ask(client.get(f"{endpoints['npm']}/-/npm/v1/keys", accept="application/json"), KEYS)
    if isinstance(outcome, NotChecked):
        return outcome
    answer, evidence = outcome.value, outcome.evidence
    if answer.status != 200:
        return witness.miss(f"the registry answered HTTP {answer.status} when asked for its keys", KEYS, evidence)
    try:
        return Checked(parse_registry_keys(answer.json()), evidence)
    except (BadAnswer, HostileInput, MalformedEvidence) as error:
        return witness.miss(error.what, KEYS, evidence)


async def _attestations(
    client: Client, endpoints: Endpoints, project: Project, file: IndexFile, witness: Witness
) -> Outcome[ProvenanceAnswer]:
    """Ask for one version. The address is built here and not taken from the packument.

    404 never means *none*: asked are versions of which the registry states attestations, or of which nothing is known,
    and mirrors answer 404 to whatever they do not carry.
    """
    name = registry_name(f"{project.name}@{file.version}")
    outcome = await witness.ask(client.get(f"{endpoints['npm']}/-/npm/v1/attestations/{name}"), NEEDS)
    if isinstance(outcome, NotChecked):
        return outcome
    answer, evidence = outcome.value, outcome.evidence
    if answer.status == 404:
        stated = isinstance(file.provenance, Checked)
        what = "of which the registry states attestations" if stated else "of which nothing is known"
        return witness.miss(f"the attestations endpoint answered HTTP 404 for a version {what}", NEEDS, evidence)
    if answer.status != 200:
        return witness.miss(f"the attestations endpoint answered HTTP {answer.status}", NEEDS, evidence)
    try:
        data = mapping(answer.json())
    except (BadAnswer, HostileInput) as error:
        return witness.miss(error.what, NEEDS, evidence)
    if not isinstance(data.get("attestations"), list):
        return witness.miss("the attestations endpoint's answer holds no list of attestations", NEEDS, evidence)
    digest = hashlib.sha256(answer.body).hexdigest()
    return Checked(ProvenanceAnswer(file.filename, data, digest), evidence)

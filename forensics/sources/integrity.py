"""PyPI's Integrity API (PEP 740): the provenance of each file, and when its silence is believed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.project import Project
from forensics.sources.interface import Witness, mapping, text
from forensics.sources.pypi import IndexFile

if TYPE_CHECKING:
    from forensics.evidence.client import Answer, Client

INTEGRITY = "application/vnd.pypi.integrity.v1+json"
NEEDS = "the Integrity API"
PROBES = 3
"""Files asked of the Integrity API before its silence is believed, where the index does not vouch for provenance."""


@dataclass(frozen=True, slots=True)
class ProvenanceAnswer:
    """The provenance object of one file as the Integrity API gave it; `data` None: it says that there is none."""

    filename: str
    data: dict[str, Any] | None
    digest: str | None


Ask = Callable[[IndexFile], Any]


async def read_provenance(
    client: Client,
    endpoints: Endpoints,
    project: Project,
    files: tuple[IndexFile, ...],
    witness: Witness,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Outcome[ProvenanceAnswer]]:
    """Return the provenance of each file, by name; asked newest first, those with a stated URL before the unknown.

    Files whose absence the index vouches for are not asked. Where the index says nothing, PROBES files are asked
    first; if none gets an answer that the Integrity API could have given, the rest is not asked, and says so.
    """

    async def ask(file: IndexFile) -> Outcome[ProvenanceAnswer]:
        return await _integrity(client, endpoints, project, file, witness)

    stated = [f for f in files if isinstance(f.provenance, Checked) and f.provenance.value]
    unknown = [f for f in files if isinstance(f.provenance, NotChecked)]
    results: dict[str, Outcome[ProvenanceAnswer]] = {
        f.filename: Checked(ProvenanceAnswer(f.filename, None, None), f.provenance.evidence)
        for f in files
        if isinstance(f.provenance, Checked) and f.provenance.value is None
    }
    silent = await _probe(ask, unknown, results)
    rest = [f for f in unknown if f.filename not in results]
    if silent is not None:
        results |= {f.filename: silent for f in rest}
        results |= {f.filename: _neither(f, results[f.filename]) for f in unknown}
        rest = []
    await _ask_all(ask, [*stated, *rest], results, progress)
    return results


async def _probe(
    ask: Ask, unknown: Sequence[IndexFile], results: dict[str, Outcome[ProvenanceAnswer]]
) -> NotChecked | None:
    """Ask for the first few; return the last failure if none was answered, None as soon as one is."""
    silent: NotChecked | None = None
    for file in unknown[:PROBES]:
        results[file.filename] = outcome = await ask(file)
        if isinstance(outcome, Checked):
            return None
        silent = outcome
    return silent


def _neither(file: IndexFile, outcome: Outcome[ProvenanceAnswer]) -> Outcome[ProvenanceAnswer]:
    """Join the two reasons: why the index does not tell, and why the Integrity API did not either."""
    if isinstance(outcome, Checked) or isinstance(file.provenance, Checked):
        return outcome
    reason = f"{file.provenance.reason}; the Integrity API did not tell either ({outcome.reason})"
    return NotChecked(reason, outcome.needs, (*file.provenance.evidence, *outcome.evidence))


async def _ask_all(
    ask: Ask,
    queue: Sequence[IndexFile],
    results: dict[str, Outcome[ProvenanceAnswer]],
    progress: Callable[[int, int], None] | None,
) -> None:
    done = 0

    async def one(file: IndexFile) -> None:
        nonlocal done
        results[file.filename] = await ask(file)
        done += 1
        if progress:
            progress(done, len(queue))

    await asyncio.gather(*(one(file) for file in queue))


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

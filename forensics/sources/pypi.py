"""PyPI: Simple API (PEP 691, 700, 740, 792), legacy JSON API, Integrity API.

The three disagree on what is missing, and the difference is evidence: a deleted release vanishes from both lists, a
release without files keeps its key in the legacy answer, a quarantined project answers in the Simple API only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.project import Project
from forensics.model.release import ProjectStatus
from forensics.model.times import time_of
from forensics.sources.index import Index, IndexFile, PackageIndex
from forensics.sources.integrity import read_provenance
from forensics.sources.interface import Witness, hex_digest, items, mapping, text

if TYPE_CHECKING:
    from forensics.evidence.client import Client

SIMPLE = "application/vnd.pypi.simple.v1+json"
PROVENANCE_API = (1, 3)
"""Below this api-version of the Simple API a missing or null `provenance` says nothing (PEP 740)."""

MAX_NAME = 1000
"""Longest file name or version that is read; the index itself allows far less."""


async def read_index(client: Client, endpoints: Endpoints, project: Project, witness: Witness) -> Outcome[Index]:
    """Ask the Simple and the legacy JSON API for *project* and join their answers.

    Returns NotChecked when the Simple API gives no usable answer, an index with `exists` False when both say 404.
    Source: PyPI's API documentation; PEP 691, 700, 740, 792.
    """
    base, name = endpoints["pypi"], quote(project.name, safe="")
    simple = await _json(witness, client, f"{base}/simple/{name}/", SIMPLE)
    legacy = await _json(witness, client, f"{base}/pypi/{name}/json", "application/json")
    if isinstance(simple, NotChecked):
        return simple
    status_code, body = simple.value
    legacy_status, legacy_body = legacy.value if isinstance(legacy, Checked) else (None, {})
    evidence = (*simple.evidence, *legacy.evidence)
    if status_code == 404:
        if legacy_status != 404:
            state = "knows the project" if legacy_status == 200 else "could not be asked"
            return witness.miss(f"the Simple API answers 404 and the legacy API {state}", "index", evidence)
        return Checked(Index(False, ProjectStatus.UNKNOWN, (), (), None, (), evidence), evidence)
    if status_code != 200:
        return witness.miss(f"the Simple API answered HTTP {status_code}", "index", evidence)
    if not isinstance(body.get("files"), list):
        return witness.miss("the Simple API's answer is not a project page: it lists no files", "index", evidence)
    if legacy_status not in {200, 404, None}:
        witness.miss(f"the legacy API answered HTTP {legacy_status}", "index", legacy.evidence)
    return Checked(_join(body, legacy_body, simple.evidence, legacy.evidence), evidence)


async def _json(witness: Witness, client: Client, url: str, accept: str) -> Outcome[tuple[int, dict[str, Any]]]:
    outcome = await witness.ask(client.get(url, accept=accept), "index")
    if isinstance(outcome, NotChecked):
        return outcome
    answer = outcome.value
    if answer.status != 200:
        return Checked((answer.status, {}), outcome.evidence)
    try:
        body = answer.json()
    except (BadAnswer, HostileInput) as error:
        return witness.miss(error.what, "index", outcome.evidence)
    if not isinstance(body, dict):
        return witness.miss(f"{url} answered with something that is not a JSON object", "index", outcome.evidence)
    return Checked((200, body), outcome.evidence)


def _join(
    simple: dict[str, Any], legacy: dict[str, Any], simple_ids: tuple[str, ...], legacy_ids: tuple[str, ...]
) -> Index:
    """Join the two answers: the Simple API leads, the legacy one adds versions, yank reasons and empty releases."""
    releases = mapping(legacy.get("releases"))
    by_name = {
        name: (version, mapping(entry))
        for version, entries in releases.items()
        for entry in items(entries)
        if (name := text(mapping(entry).get("filename"))) is not None and max(len(name), len(version)) <= MAX_NAME
    }
    vouched = _vouches_for_provenance(mapping(simple.get("meta")))
    files: list[IndexFile] = []
    differences: list[tuple[str, str, str, str]] = []
    unplaced = [version[:80] + "…" for version in releases if len(version) > MAX_NAME]
    for raw in items(simple.get("files")):
        entry = mapping(raw)
        filename = text(entry.get("filename"), MAX_NAME + 1)
        if filename is None or len(filename) > MAX_NAME:
            unplaced.append(f"{filename[:80]}…" if filename else "a file without a name")
            continue
        version, twin = by_name.get(filename, (version_of(filename), {}))
        if version is None:
            unplaced.append(filename)
            continue
        file = _file(entry, twin, filename, version, vouched, simple_ids, legacy_ids)
        files.append(file)
        theirs = hex_digest(mapping(twin.get("digests")).get("sha256"))
        if theirs and file.sha256 and theirs != file.sha256:
            differences.append((version, f"SHA-256 of {filename}", file.sha256, theirs))
    listed = {file.filename for file in files}
    for filename, (version, _) in by_name.items():
        if filename not in listed:
            differences.append((version, f"listing of {filename}", "not in the Simple API", "in the legacy API"))
    info = mapping(legacy.get("info"))
    return Index(
        exists=True,
        status=_status(simple),
        files=tuple(files),
        empty_versions=tuple(
            v for v, entries in releases.items() if isinstance(entries, list) and not entries and len(v) <= MAX_NAME
        ),
        latest=text(info.get("version"), 200),
        contradictions=tuple(differences),
        evidence=(*simple_ids, *legacy_ids),
        unplaced=tuple(dict.fromkeys(unplaced)),
        links=links_of(info.get("project_urls"), info.get("home_page")),
        serial=_serial(mapping(simple.get("meta"))),
    )


MAX_SERIAL = 2**53
"""No serial of the journal is as large; a number beyond it is no serial."""
_SOURCE_WORDS = ("source", "repository", "repo", "code", "github", "gitlab", "homepage", "home")


def links_of(project_urls: Any, home_page: Any) -> tuple[str, ...]:
    """Return the links of a project page, those labelled as source first; what is no text is left out."""
    labelled = [(label.lower(), text(url, 1000)) for label, url in mapping(project_urls).items()]
    found = [*labelled, ("homepage", text(home_page, 1000))]
    found.sort(key=lambda pair: next((n for n, word in enumerate(_SOURCE_WORDS) if word in pair[0]), 99))
    return tuple(dict.fromkeys(url for _, url in found[:50] if url))


def _file(
    entry: dict[str, Any],
    twin: dict[str, Any],
    filename: str,
    version: str,
    vouched: NotChecked | None,
    simple_ids: tuple[str, ...],
    legacy_ids: tuple[str, ...],
) -> IndexFile:
    yanked = entry.get("yanked", False)
    size = entry.get("size")
    return IndexFile(
        filename=filename,
        version=version,
        kind=kind_of(filename),
        sha256=hex_digest(mapping(entry.get("hashes")).get("sha256")),
        size=size if isinstance(size, int) and size >= 0 else None,
        uploaded_at=time_of(entry.get("upload-time")) or time_of(twin.get("upload_time_iso_8601")),
        yanked=bool(yanked),
        yanked_reason=(text(yanked) or text(twin.get("yanked_reason"))) if yanked else None,
        path=_path(entry.get("url"), filename),
        provenance=_provenance(entry, vouched, simple_ids),
        evidence=(*simple_ids, *legacy_ids) if twin else simple_ids,
    )


def _provenance(entry: dict[str, Any], vouched: NotChecked | None, ids: tuple[str, ...]) -> Outcome[str | None]:
    """A URL is believed from anyone, for it is followed and verified; a null only from an index that vouches."""
    value = entry.get("provenance", ...)
    if isinstance(value, str):
        return Checked(value, ids)
    if vouched is not None:
        return NotChecked(vouched.reason, vouched.needs, ids)
    if value is None:
        return Checked(None, ids)
    return NotChecked("the index lists this file without a provenance key", "index", ids)


def _serial(meta: dict[str, Any]) -> int | None:
    value = meta.get("_last-serial")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < MAX_SERIAL else None


def _vouches_for_provenance(meta: dict[str, Any]) -> NotChecked | None:
    """Return None if a null means *none*: api-version 1.3 or newer, and a serial that only PyPI itself gives out."""
    version = text(meta.get("api-version"), 20) or ""
    try:
        numbers = tuple(int(part) for part in version.split(".")[:2])
    except ValueError:
        numbers = ()
    if numbers < PROVENANCE_API:
        return NotChecked(
            f"the index answered with api-version {version or 'unstated'}, below 1.3: it does not carry provenance "
            "(a mirror or cache)",
            "the Integrity API, or an index that carries provenance",
        )
    if "_last-serial" not in meta:
        return NotChecked("the index gave no serial: a mirror, whose nulls mean nothing", "the Integrity API")
    return None


def _status(simple: dict[str, Any]) -> ProjectStatus:
    """PEP 792; the specification's key is `state`, PyPI serves `status`."""
    block = mapping(simple.get("project-status"))
    word = text(block.get("status"), 40) or text(block.get("state"), 40)
    if word is None:
        return ProjectStatus.UNKNOWN
    try:
        return ProjectStatus(word)
    except ValueError:
        return ProjectStatus.UNKNOWN


def _path(url: Any, filename: str) -> str | None:
    """Return the store path `/packages/aa/bb/<60 hex>/name`, if the URL ends in one; the host is never believed."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url[:4000]).path.split("/")[-4:]
    except ValueError:  # a host that is none, such as `http://[`
        return None
    if len(parts) == 4 and hex_digest("".join(parts[:3])):
        return "/packages/" + "/".join(parts[:3]) + "/" + filename
    return None


def version_of(filename: str) -> str | None:
    """Return the version that a wheel's or sdist's name states, normalised; None for other names (eggs, installers)."""
    from packaging.utils import parse_sdist_filename, parse_wheel_filename

    try:
        if filename.endswith(".whl"):
            return str(parse_wheel_filename(filename)[1])
        return str(parse_sdist_filename(filename)[1])
    except ValueError:  # the two of packaging, and Python's own for a number of thousands of digits
        return None


def kind_of(filename: str) -> str:
    """Return `wheel`, `sdist` or `other` by the name's ending."""
    if filename.endswith(".whl"):
        return "wheel"
    return "sdist" if filename.endswith((".tar.gz", ".zip", ".tar.bz2", ".tgz")) else "other"


PYPI = PackageIndex(
    name="PyPI index",
    provenance_name="PyPI Integrity API",
    service="pypi",
    read=read_index,
    read_provenance=read_provenance,
    version_of=lambda filename, _: version_of(filename),
    kind_of=kind_of,
)
"""What PyPI contributes to a collection."""

"""The npm registry: one document for a project, with every version's publisher, scripts, digests and time.

`time` keeps the versions that were taken away, `versions` does not: the difference is evidence. Mirrors serve shorter
documents; what they leave out was not observed. Source: npm/registry docs, `package-metadata.md` and `responses`;
npm/cli, `pacote`; facts of trusted publishing after npm's documentation of 2025 and 2026.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from forensics.attestation.registry_signature import sha512_of_integrity
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.project import Project
from forensics.model.publication import NO_PUBLICATION
from forensics.model.release import ProjectStatus
from forensics.model.times import time_of
from forensics.sources.index import Index, IndexFile, PackageIndex, VersionRecord
from forensics.sources.interface import Witness, items, mapping, text
from forensics.sources.npm_attestations import read_attestations, read_keys
from forensics.sources.npm_names import registry_name
from forensics.sources.npm_publication import publication_of

if TYPE_CHECKING:
    from forensics.evidence.client import Client

NEEDS = "the registry's own packument"
MAX_NAME = 1000
MAX_VERSIONS = 100_000
_STANDARD = {"created", "modified", "unpublished"}
_FILE = re.compile(r"[A-Za-z0-9@~_][A-Za-z0-9._~+-]{0,299}\.tgz")
_PLACEHOLDERS = ("0.0.1-security", "0.0.0-stage")
"""Versions that the registry itself puts in: in place of what its security team took away, and before a first staged
publication."""


async def read_index(client: Client, endpoints: Endpoints, project: Project, witness: Witness) -> Outcome[Index]:
    """Ask the registry for the full document of *project*.

    Returns NotChecked when it gives no usable answer, an index with `exists` False when it answers 404.
    """
    url = f"{endpoints['npm']}/{registry_name(project.name)}"
    outcome = await witness.ask(client.get(url, accept="application/json"), "index")
    if isinstance(outcome, NotChecked):
        return outcome
    answer, evidence = outcome.value, outcome.evidence
    if answer.status == 404:
        return Checked(Index(False, ProjectStatus.UNKNOWN, (), (), None, (), evidence), evidence)
    if answer.status != 200:
        return witness.miss(f"the registry answered HTTP {answer.status}", "index", evidence)
    try:
        body = answer.json()
    except (BadAnswer, HostileInput) as error:
        return witness.miss(error.what, "index", evidence)
    if not isinstance(body, dict) or not (isinstance(body.get("versions"), dict) or "time" in body):
        return witness.miss("the registry's answer is not a packument: it lists no versions", "index", evidence)
    if body.get("name") != project.name:
        named = (text(body.get("name"), 100) or "nothing")[:100]
        return witness.miss(f"the registry's answer is about {named}, not {project.name}", "index", evidence)
    return Checked(_Packument(body, project, evidence).index(), evidence)


class _Packument:
    """One document, and what it can be believed about."""

    def __init__(self, body: dict[str, Any], project: Project, evidence: tuple[str, ...]) -> None:
        self.project = project
        self.evidence = evidence
        self.body = body
        self.versions = mapping(body.get("versions"))
        self.time = mapping(body.get("time"))
        self.gone = mapping(self.time.get("unpublished"))
        self.own_times = isinstance(self.time.get("created"), str)
        self.not_checked: list[tuple[str, NotChecked]] = []
        self.unplaced: list[str] = []

    def index(self) -> Index:
        """Return the document as an index."""
        records: dict[str, VersionRecord] = {}
        files: list[IndexFile] = []
        placeholders: list[str] = []
        names: set[str] = set()
        for version, raw in list(self.versions.items())[:MAX_VERSIONS]:
            if len(version) > MAX_NAME:
                self.unplaced.append(version[:80] + "…")
            elif version in _PLACEHOLDERS:
                placeholders.append(version)
            else:
                records[version] = self._record(version, mapping(raw))
                files.append(self._file(version, mapping(raw), records[version], names))
        note = f"the registry put the placeholder {placeholders[0]} in the project's place" if placeholders else ""
        for version in self._forgotten(records, placeholders):
            records[version] = VersionRecord(version, False, self._published(version), NO_PUBLICATION, note)
        self._say_what_is_missing(records)
        return Index(
            exists=True,
            status=self._status(records, placeholders),
            files=tuple(files),
            empty_versions=(),
            latest=text(mapping(self.body.get("dist-tags")).get("latest"), 200),
            contradictions=(),
            evidence=self.evidence,
            unplaced=tuple(dict.fromkeys(self.unplaced)),
            links=self._links(),
            versions=records,
            tags=self._tags(),
            removed_at=time_of(self.gone.get("time")),
            not_checked=tuple(self.not_checked),
        )

    def _record(self, version: str, raw: dict[str, Any]) -> VersionRecord:
        publication = publication_of(raw, own=self.own_times, evidence=self.evidence)
        return VersionRecord(version, True, self._published(version), publication)

    def _published(self, version: str) -> datetime | None:
        """The registry's own time; a mirror's `time` says when the mirror heard of it."""
        return time_of(self.time.get(version)) if self.own_times or self.gone else None

    def _file(self, version: str, raw: dict[str, Any], record: VersionRecord, names: set[str]) -> IndexFile:
        dist = mapping(raw.get("dist"))
        filename = _filename(dist.get("tarball"))
        if filename is None or filename in names:
            filename = tarball_name(self.project.name, version)
        names.add(filename)
        publication = record.publication
        provenance: Outcome[str | None] = (
            publication.value.provenance if isinstance(publication, Checked) else publication
        )
        return IndexFile(
            filename=filename,
            version=version,
            kind="tarball",
            sha256=None,
            size=None,
            uploaded_at=record.published,
            yanked=False,
            yanked_reason=None,
            path=f"/{self.project.name}/-/{filename}",
            provenance=provenance,
            evidence=self.evidence,
            sha512=sha512_of_integrity(text(dist.get("integrity"), 2000) or ""),
        )

    def _forgotten(self, records: dict[str, VersionRecord], placeholders: list[str]) -> list[str]:
        """Versions that only `time` remembers, or the note about a project that was unpublished as a whole."""
        if not (self.own_times or self.gone):
            return []
        known = {*records, *placeholders, *_STANDARD, *_PLACEHOLDERS}
        named = [*self.time, *(v for v in items(self.gone.get("versions")) if isinstance(v, str))]
        return [v for v in dict.fromkeys(named) if v not in known and len(v) <= MAX_NAME and v[:1].isdigit()]

    def _say_what_is_missing(self, records: dict[str, VersionRecord]) -> None:
        if not self.own_times and not self.gone:
            what = "states times of its own making" if self.time else "states no times"
            reason = f"the answer {what}: it is not the registry's own document, but a mirror's or a short form"
            self.not_checked.append(("publication times", NotChecked(reason, NEEDS, self.evidence)))
            self.not_checked.append(("removed versions", NotChecked(reason, NEEDS, self.evidence)))
        silent = [r for r in records.values() if r.listed and not _tells_account(r)]
        if silent:
            count = f"of {len(silent)} of {sum(r.listed for r in records.values())} versions"
            reason = f"the answer does not say who published, {count}"
            self.not_checked.append(("publishing accounts", NotChecked(reason, NEEDS, self.evidence)))

    def _status(self, records: dict[str, VersionRecord], placeholders: list[str]) -> ProjectStatus:
        """npm marks no project. What the security team took away as a whole stands there as its placeholder alone."""
        listed = any(record.listed for record in records.values())
        if not listed and "0.0.1-security" in placeholders:
            return ProjectStatus.QUARANTINED
        deprecated = [
            isinstance(r.publication, Checked) and bool(r.publication.value.deprecated)
            for r in records.values()
            if r.listed
        ]
        if deprecated and all(deprecated):
            return ProjectStatus.DEPRECATED
        return ProjectStatus.ACTIVE if listed else ProjectStatus.UNKNOWN

    def _links(self) -> tuple[str, ...]:
        """Repository and home page, of the document and of its latest version; shorthands become addresses."""
        latest = mapping(self.versions.get(text(mapping(self.body.get("dist-tags")).get("latest")) or ""))
        found = [repository_url(one.get("repository")) for one in (self.body, latest)]
        found += [text(one.get("homepage"), 1000) for one in (self.body, latest)]
        return tuple(dict.fromkeys(url for url in found if url))

    def _tags(self) -> tuple[tuple[str, str], ...]:
        tags = mapping(self.body.get("dist-tags"))
        pairs = [(name[:200], text(version, 200)) for name, version in list(tags.items())[:1000]]
        return tuple(sorted((name, version) for name, version in pairs if version))


def _tells_account(record: VersionRecord) -> bool:
    return isinstance(record.publication, Checked) and isinstance(record.publication.value.uploader, Checked)


def tarball_name(name: str, version: str) -> str:
    """Return the file name that the registry gives to the tarball of a version: the scope is not part of it."""
    return f"{name.rpartition('/')[2]}-{version}.tgz"


def version_of(filename: str, project: Project) -> str | None:
    """Return the version in the name of a tarball of *project*; None for any other name."""
    from forensics.model.versions import SEMVER

    stem = f"{project.name.rpartition('/')[2]}-"
    if not filename.startswith(stem) or not filename.endswith((".tgz", ".tar.gz")):
        return None
    version = filename.removeprefix(stem).removesuffix(".tgz").removesuffix(".tar.gz")
    return version if SEMVER.parse(version) is not None else None


def kind_of(filename: str) -> str:
    """Return `tarball` by the name's ending, `other` for anything else."""
    return "tarball" if filename.endswith((".tgz", ".tar.gz")) else "other"


_SHORTHAND = re.compile(r"(?:(github|gitlab|bitbucket):)?([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)")
_FORGE = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
_SSH = re.compile(r"(?:git\+)?(?:ssh|git)://(?:git@)?([^/:]+)[/:](.+)|git@([^/:]+):(.+)")


def repository_url(value: Any) -> str | None:
    """Return the https address of a `repository` field: an object, an address of any kind, or a forge's shorthand."""
    written = text(mapping(value).get("url") if isinstance(value, dict) else value, 1000)
    if not written:
        return None
    if match := _SHORTHAND.fullmatch(written):
        return f"https://{_FORGE[match.group(1) or 'github']}/{match.group(2)}/{match.group(3)}"
    if match := _SSH.fullmatch(written):
        host, path = (match.group(1), match.group(2)) if match.group(1) else (match.group(3), match.group(4))
        return f"https://{host}/{path}"
    return written.removeprefix("git+")


def _filename(url: Any) -> str | None:
    """Return the last part of a tarball's address if it is the name of one; the host is never believed."""
    if not isinstance(url, str):
        return None
    try:
        name = unquote(urlsplit(url[:4000]).path.rpartition("/")[2])
    except ValueError:
        return None
    return name if _FILE.fullmatch(name) else None


NPM = PackageIndex(
    name="npm registry",
    provenance_name="npm attestations",
    service="npm",
    read=read_index,
    read_provenance=read_attestations,
    version_of=version_of,
    kind_of=kind_of,
    read_keys=read_keys,
)
"""What npm contributes to a collection."""

"""Which projects a list means: names, purls, a lockfile, an SBOM, or a list of top packages of an index.

The list is somebody's file: sizes are capped, and what is no project is counted and named, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.model.errors import BadProject, UsageError
from forensics.model.project import Project, parse_project
from forensics.sources.interface import items, mapping, text

MAX_BYTES = 256 * 2**20
MAX_PROJECTS = 1_000_000
NAMED = 20
"""Entries that were passed over and are kept by name."""


@dataclass(slots=True)
class Targets:
    """The projects of a list in its order, each once; `form` says what the list was read as.

    `downloads` are what a list of top packages states. `skipped` counts entries that are no project of an index that
    this version reads; `examples` are the first of them.
    """

    form: str
    projects: dict[Project, None] = field(default_factory=dict)
    downloads: dict[Project, int] = field(default_factory=dict)
    skipped: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, entry: str, downloads: int | None = None) -> None:
        """Take what *entry* names: `name`, `pypi:name`, `npm:name` or a purl; what names nothing is skipped.

        Raises UsageError beyond MAX_PROJECTS.
        """
        try:
            project = parse_project(entry)
        except BadProject:
            self.skip(entry)
            return
        if len(self.projects) >= MAX_PROJECTS:
            raise UsageError(f"The list names more than {MAX_PROJECTS:,} projects.", advice="Cut it into pieces.")
        self.projects.setdefault(project)
        if downloads is not None:
            self.downloads.setdefault(project, downloads)

    def skip(self, entry: str) -> None:
        """Note an entry that is no project of PyPI or npm."""
        self.skipped += 1
        if len(self.examples) < NAMED:
            self.examples.append(entry[:100])


def read_targets(path: Path) -> Targets:
    """Return the projects that the file at *path* means. `-` is standard input.

    Raises UsageError for a file that cannot be read, is larger than MAX_BYTES, or names no project.
    """
    import sys

    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if str(path) == "-" else _head(path)
    except OSError as error:
        raise UsageError(f"The list {path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"The list {path} has more than {MAX_BYTES:,} bytes.", advice="Cut it into pieces.")
    found = parse_targets(path.name, data)
    if not found.projects:
        named = f" It holds, for instance, {found.examples[0]!r}." if found.examples else ""
        raise UsageError(
            f"{path} names no project of PyPI or npm.{named}",
            advice="One NAME, npm:NAME or purl a line, a lockfile, a CycloneDX or SPDX document, or a list of top "
            "packages.",
        )
    return found


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def parse_targets(name: str, data: bytes) -> Targets:
    """Return the projects that *data*, of a file called *name*, means. Raises UsageError for hostile documents."""
    from forensics.sources.lockfiles import kind_of_content, kind_of_name, read_lockfile

    kind = kind_of_name(name) or kind_of_content(data)
    if kind is not None:
        lock = read_lockfile(data, kind)
        found = Targets(kind)
        for pin in lock.pins:
            found.add(f"{pin.ecosystem.value}:{pin.name}")
        for requirement in lock.requirements:
            found.add(f"{requirement.ecosystem.value}:{requirement.name}")
        return found
    stripped = data.lstrip()
    if stripped[:1] in (b"{", b"["):
        return _from_json(name, data)
    if stripped[:1] == b"<":
        return _from_xml(name, data)
    return _from_lines(data)


def _from_lines(data: bytes) -> Targets:
    """One entry a line; blank lines and comments are passed over, and so is what requirements add to a name."""
    lines = data.decode("utf-8", "replace").split("\n")
    if any(line.startswith("SPDXVersion:") for line in lines[:50]):
        return _from_spdx_lines(lines)
    found = Targets("list")
    for raw in lines:
        line = raw.strip()
        if not line or line.startswith(("#", "-")):
            continue
        found.add(line if line.startswith("pkg:") else re.split(r"[\s;<>=!~\[]", line, maxsplit=1)[0])
    return found


def _from_spdx_lines(lines: Iterable[str]) -> Targets:
    """SPDX 2.x tag-value: `ExternalRef: PACKAGE-MANAGER purl pkg:…` (SPDX 2.3, clause 7.21)."""
    found = Targets("SPDX document")
    for line in lines:
        match = re.match(r"ExternalRef:\s*PACKAGE[-_]MANAGER\s+purl\s+(\S+)", line)
        if match:
            found.add(match.group(1))
    return found


def _from_json(name: str, data: bytes) -> Targets:
    import msgspec

    from forensics.attestation.depth import text_within_depth

    try:
        if not text_within_depth(data):
            raise UsageError(f"{name} is nested too deeply to be a list or an SBOM.")
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON: {error}.") from None
    if isinstance(document, list):
        found = Targets("list")
        for entry in items(document):
            found.add(entry) if isinstance(entry, str) else found.skip(str(entry))
        return found
    root = mapping(document)
    if root.get("bomFormat") == "CycloneDX":
        return _from_cyclonedx(root)
    if "spdxVersion" in root or "@graph" in root:
        return _from_spdx(root)
    if isinstance(root.get("rows"), list):
        return _from_top_packages(root)
    raise UsageError(f"{name} is no list, CycloneDX or SPDX document, or list of top packages.")


def _from_cyclonedx(root: dict[str, Any]) -> Targets:
    """CycloneDX 1.x JSON: the `purl` of every component, nested ones included (CycloneDX 1.6, *components*)."""
    found = Targets("CycloneDX document")
    waiting = [mapping(c) for c in items(root.get("components"))]
    while waiting:
        component = waiting.pop(0)
        purl = text(component.get("purl"), 1000)
        if purl is not None:
            found.add(purl)
        elif component.get("name"):
            found.skip(str(component.get("name")))
        waiting += [mapping(c) for c in items(component.get("components"))]
    return found


def _from_spdx(root: dict[str, Any]) -> Targets:
    """SPDX 2.x `packages[].externalRefs[]` of type purl; SPDX 3 `software_packageUrl` and external identifiers."""
    found = Targets("SPDX document")
    for package in (mapping(p) for p in items(root.get("packages"))):
        refs = [mapping(r) for r in items(package.get("externalRefs"))]
        locators = [text(r.get("referenceLocator"), 1000) for r in refs if r.get("referenceType") == "purl"]
        purls = [one for one in locators if one]
        for one in purls:
            found.add(one)
        if not purls:
            found.skip(str(package.get("name")))
    for element in (mapping(e) for e in items(root.get("@graph"))):
        if purl := text(element.get("software_packageUrl"), 1000):
            found.add(purl)
    return found


def _from_top_packages(root: dict[str, Any]) -> Targets:
    """The public list of top packages: `{"rows": [{"project": NAME, "download_count": N}]}`; npm's say `npm:NAME`."""
    found = Targets("list of top packages")
    for row in (mapping(r) for r in items(root.get("rows"))):
        name, count = text(row.get("project") or row.get("name"), 300), row.get("download_count")
        if name:
            found.add(name, count if isinstance(count, int) else None)
    return found


def _from_xml(name: str, data: bytes) -> Targets:
    """CycloneDX XML: the text of every `purl` element. Entities and external references are refused."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise UsageError(f"{name} is not XML that is read here: {type(error).__name__}.") from None
    if "cyclonedx" not in root.tag.lower():
        raise UsageError(f"{name} is XML, but no CycloneDX document.")
    found = Targets("CycloneDX document")
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "purl" and element.text:
            found.add(element.text.strip())
    return found

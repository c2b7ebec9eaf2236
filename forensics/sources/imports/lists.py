"""Lists of digests: `sha256sum` lines, lockfiles, recipes of conda-forge, and indicators as reports publish them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from forensics.model.errors import MalformedEvidence
from forensics.model.project import Ecosystem, Project
from forensics.sources.imports.names import hexes, only_file_of, version_in
from forensics.sources.imports.rows import lines_of, rows_of
from forensics.sources.interface import hex_digest, text
from forensics.sources.lockfiles import Pin, kind_of_content, read_lockfile
from forensics.sources.lockfiles.records import digests_of_integrity
from forensics.sources.supplied import NamedFile, Supplements

MAX_PROSE_LINE = 20_000
"""Longest line of an indicator list that is read, in characters."""


def read_hashes(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Lines of `sha256sum`, folders dropped; a digest without a name stays loose: prose maps no hash to a file."""
    for line in lines_of(data):
        digest, _, name = line.strip().replace("\t", " ", 1).partition(" ")
        sha256, filename = hex_digest(digest), PurePosixPath(name.strip().lstrip("*")).name
        if sha256 is None:
            continue
        version = version_in(filename, project)
        if version is None:
            found.loose_hashes.append((sha256, source, evidence))
            continue
        found.files.append(NamedFile(filename, version, sha256, evidence=evidence))
        found.mention(version, source, f"names {filename} with its digest", evidence)


def read_requirements(
    data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements
) -> None:
    """Pins with hashes; a pin's hashes are loose, for the file does not say which is of which artifact."""
    for pin in read_lockfile(data, "requirements").pins:
        _take_pin(pin, source, evidence, project, found)


def read_locks(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """A lockfile of any kind: versions that existed; digests with file names where the format gives them.

    Raises MalformedEvidence for a kind that is not known, and as `read_lockfile` does.
    """
    kind = kind_of_content(data)
    if kind is None:
        raise MalformedEvidence("It is no lockfile of a kind that is known.")
    for pin in read_lockfile(data, kind).pins:
        _take_pin(pin, source, evidence, project, found)


def _take_pin(pin: Pin, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    if (pin.ecosystem, pin.name) != (project.ecosystem, project.name):
        return
    found.mention(pin.version, source, "pins this version", evidence)
    for filename, digest in pin.files:
        sha256, sha512 = hexes(digest)
        if not (sha256 or sha512):
            continue
        named = filename if filename and version_in(filename, project) else only_file_of(pin.version, project)
        if named:
            found.files.append(NamedFile(named, pin.version, sha256, evidence=evidence, sha512=sha512))
        else:
            found.loose_hashes.append((sha256 or sha512 or "", source, evidence))


def read_conda(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Digests of sdists that conda-forge's feedstock pinned: an independent witness of what the index served then.

    Either JSON lines with `version`, `sdist_sha256`, and where known `url`, `commit_time`; or one recipe
    (`meta.yaml`, `recipe.yaml`) with `url` and `sha256` of its sources. Raises ValueError when it pins nothing.
    """
    pinned = _history(data) if data.lstrip().startswith(b'{"') else _recipe(lines_of(data))
    count = 0
    for version, url, sha256, at in pinned:
        count += 1
        filename = _rendered(url, version, project).rpartition("/")[2]
        when = f", committed {at} as git claims" if at else ""
        if version_in(filename, project) is None:
            found.loose_hashes.append((sha256, source, evidence))
            continue
        found.files.append(NamedFile(filename, version, sha256, evidence=evidence))
        found.mention(version, source, f"pins {filename} with its digest{when}", evidence)
    if not count:
        raise ValueError("it pins no source by SHA-256")


def _history(data: bytes) -> Iterator[tuple[str, str, str, str]]:
    wanted = frozenset(("version", "sdistsha256", "sha256", "url", "committime"))
    for row in rows_of(data, wanted):
        version, sha256 = text(row.get("version"), 200), hex_digest(row.get("sdistsha256") or row.get("sha256"))
        if version and sha256:
            yield version, text(row.get("url"), 1000) or "", sha256, text(row.get("committime"), 40) or ""


def _recipe(lines: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the sources of a recipe; its templates are filled in where they are the usual ones."""
    version, url, pending = "", "", ""
    for line in lines:
        stated = re.match(r"""\s*(?:\{%-?\s*set\s+)?version\s*[=:]\s*["']?([0-9][A-Za-z0-9.!+_-]*)""", line[:300])
        if stated and not version:
            version = stated.group(1)
        field = re.match(r"""\s*(?:-\s*)?(url|sha256)\s*:\s*["']?([^"'#\s][^"'#]*)""", line[:1000])
        if field and field.group(1) == "url":
            url = field.group(2).strip()
        elif field and (digest := hex_digest(field.group(2).strip())):
            pending = digest
        if url and pending and version:
            yield version, url, pending, ""
            url = pending = ""


def _rendered(url: str, version: str, project: Project) -> str:
    filled = re.sub(r"\$?\{\{\s*version\s*\}\}", version, url)
    return re.sub(r"\$?\{\{\s*name\s*(?:\|\s*lower\s*)?\}\}", project.name, filled)


_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{128})(?![0-9A-Za-z])")
_INTEGRITY = re.compile(r"sha(?:256|512)-[A-Za-z0-9+/]{43,86}={0,2}")
_FILE = re.compile(r"[A-Za-z0-9@][A-Za-z0-9._+!~-]{2,250}\.(?:whl|tar\.gz|tgz|zip)")
_VERSION = r"v?(\d[0-9A-Za-z.!+_-]{0,60})"


def read_indicators(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Published indicators: prose, tables or lists in which hashes, versions and file names stand side by side.

    A digest is a file's only where one digest and one file stand alone in a line; otherwise it stays loose. Digests
    beside files of other projects only are left out. Versions count behind the project's name. Raises ValueError when
    nothing of the project is named.
    """
    before = len(found.files) + len(found.loose_hashes) + len(found.mentions)
    named = _versions_behind(project)
    for line in lines_of(data):
        line = line[:MAX_PROSE_LINE]
        digests = [m.group().lower() for m in _HEX.finditer(line)]
        for match in _INTEGRITY.finditer(line):
            digests += [d.partition(":")[2] for d in digests_of_integrity(match.group())]
        files = list(dict.fromkeys(m.group() for m in _FILE.finditer(line)))
        ours = [(f, v) for f in files if (v := version_in(f, project))]
        versions = [m.group(1).rstrip(".,;:") for m in named.finditer(line)]
        for filename, version in ours:
            found.mention(version, source, f"names {filename}", evidence)
        for version in versions:
            found.mention(version, source, "names this version", evidence)
        _place(list(dict.fromkeys(digests)), files, ours, versions, (source, evidence), project, found)
    if before == len(found.files) + len(found.loose_hashes) + len(found.mentions):
        raise ValueError(f"it names no digest, and no version or file of {project}")


def _place(
    digests: list[str], files: list[str], ours: list[tuple[str, str]], versions: list[str],
    said: tuple[str, tuple[str, ...]], project: Project, found: Supplements,
) -> None:  # fmt: skip
    """Give the digests of one line to its file, or leave them loose."""
    source, evidence = said
    if len(digests) == 1 and len(set(versions)) == 1 and not files and (only := only_file_of(versions[0], project)):
        files, ours = [only], [(only, versions[0])]
    if len(digests) == 1 and len(files) == len(ours) == 1:
        (filename, version), digest = ours[0], digests[0]
        by_length = {"sha256": digest} if len(digest) == 64 else {"sha512": digest}
        found.files.append(
            NamedFile(filename, version, by_length.get("sha256"), evidence=evidence, sha512=by_length.get("sha512"))
        )
    elif not files or ours:
        found.loose_hashes += [(digest, source, evidence) for digest in digests]


def _versions_behind(project: Project) -> re.Pattern[str]:
    name = "[-_.]+".join(map(re.escape, project.name.split("-")))
    if project.ecosystem is Ecosystem.NPM:
        name = re.escape(project.name)
    return re.compile(
        rf"(?<![0-9A-Za-z@/._-]){name}(?:\s{{0,3}}(?:==|@|:|=)\s{{0,3}}|[\s`*\"'|,]{{1,8}}){_VERSION}", re.I
    )

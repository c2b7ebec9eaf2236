"""Lockfiles of Python's tools: uv, Poetry, PDM, Pipenv, `pylock.toml`, and requirements with or without hashes.

Sources: PEP 751 (pylock.toml); pip's requirements file format; the files that the tools themselves write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from forensics.model.project import Ecosystem
from forensics.model.toml import parse_toml
from forensics.sources.interface import items, mapping
from forensics.sources.lockfiles.records import (
    Lockfile,
    Pin,
    Requirement,
    digest_of,
    filename_of,
    pin,
    project_name,
)

PYPI = Ecosystem.PYPI
_PLAIN = re.compile(r"\s*=?=?=?\s*v?([A-Za-z0-9][A-Za-z0-9.!+_-]*)\s*")


def _tables(text: str, key: str, found: list[Any]) -> list[str]:
    """Return where each table of the array *key* stands: the line of its header, or its number in the array."""
    header = re.compile(rf"^\s*\[\[\s*{key}\s*\]\]", re.MULTILINE)
    lines, at, line = [], 0, 1
    for match in header.finditer(text):
        start = match.end() - len(match.group().lstrip())
        line += text.count("\n", at, start)
        at = start
        lines.append(f"line {line}")
    if len(lines) == len(found):
        return lines
    return [f"{key}[{number}]" for number in range(len(found))]


def read_toml_packages(text: str, kind: str) -> Lockfile:
    """Read `[[package]]` tables: uv (`sdist`, `wheels` with URL and hash), Poetry and PDM (`files` with names).

    Poetry before 1.5 keeps the files of all packages in `metadata.files`, before 1.0 bare hashes in `metadata.hashes`.
    """
    table = parse_toml(text)
    packages = items(table.get("package"))
    places = _tables(text, "package", packages)
    metadata = mapping(table.get("metadata"))
    older, oldest = mapping(metadata.get("files")), mapping(metadata.get("hashes"))
    pins = []
    for raw, where in zip(packages, places, strict=True):
        package = mapping(raw)
        if not _of_an_index(mapping(package.get("source"))):
            continue
        name, version = package.get("name"), package.get("version")
        entries = [*items(package.get("files")), *items(package.get("wheels")), mapping(package.get("sdist"))]
        if isinstance(name, str):
            entries += items(older.get(name))
            entries += [{"hash": value} for value in items(oldest.get(name))]
        pins.append(pin(PYPI, name, version, [_file(entry, str(version)) for entry in entries], where))
    return Lockfile(kind, tuple(p for p in pins if p))


def _of_an_index(source: dict[str, Any]) -> bool:
    """Return whether a package may be a release of an index: the project itself and checkouts of git are none."""
    return source.get("type") not in {"git", "directory"} and not {"virtual", "editable", "directory", "git"} & set(
        source
    )


def _file(raw: Any, version: str) -> tuple[str, str | None]:
    entry = mapping(raw)
    filename = entry.get("file") or entry.get("name")
    filename = filename if isinstance(filename, str) else filename_of(entry.get("url") or entry.get("path"))
    other = identity_of_file(filename)
    if other is not None and not same_version(other[1], version):
        return filename, None  # Poetry's old table holds the files of every version of a package
    return filename, digest_of(entry.get("hash"))


def read_pylock(text: str) -> Lockfile:
    """Read `pylock.toml`: `[[packages]]` with `wheels`, `sdist` and `archive` and their hashes (PEP 751)."""
    packages = items(parse_toml(text).get("packages"))
    pins = []
    for raw, where in zip(packages, _tables(text, "packages", packages), strict=True):
        package = mapping(raw)
        if "vcs" in package or "directory" in package:
            continue
        files: list[tuple[str, str | None]] = []
        for one in (*items(package.get("wheels")), package.get("sdist"), package.get("archive")):
            entry = mapping(one)
            name = entry.get("name")
            name = name if isinstance(name, str) else filename_of(entry.get("url") or entry.get("path"))
            files += [(name, digest_of(f"{a}:{value}")) for a, value in mapping(entry.get("hashes")).items()]
        pins.append(pin(PYPI, package.get("name"), package.get("version"), files, where))
    return Lockfile("pylock", tuple(p for p in pins if p))


def read_pipfile_lock(text: str) -> Lockfile:
    """Read `Pipfile.lock`: one object a category, each with `version` (`==1.2`) and `hashes` by package."""
    from forensics.sources.lockfiles.javascript import read_json

    pins = []
    for category, entries in mapping(read_json(text)).items():
        for name, raw in mapping(entries).items() if category != "_meta" else ():
            entry = mapping(raw)
            version = _PLAIN.fullmatch(entry["version"]) if isinstance(entry.get("version"), str) else None
            if version:
                files = [("", digest_of(value)) for value in items(entry.get("hashes"))]
                pins.append(pin(PYPI, name, version.group(1), files, f"{category}.{name}"))
    return Lockfile("Pipfile.lock", tuple(p for p in pins if p))


# A name, extras, and then either `==` and exactly one version or anything else.
_PIN = re.compile(
    r"\s*([A-Za-z0-9][A-Za-z0-9._-]*+)\s*+(?:\[[^\]]*+\]\s*+)?\(?==(?!=)\s*v?([A-Za-z0-9][A-Za-z0-9.!+_-]*)\s*\)?(?=[\s;#]|$)"
)
_NAMED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*+)\s*+(?:\[[^\]]*+\]\s*+)?(@|[(<>=!~][^;#]*|(?=[;#]|$))")
_EDITABLE = re.compile(r"(?:-e|--editable)\b")
_REFERENCE = re.compile(r"(?:-[rc]\s*|--(?:requirement|constraint)(?:\s+|=))(\S.*)")
_HASH = re.compile(r"--hash[=\s]\s*([a-z0-9]+:[0-9A-Fa-f]+)")
# A path is looked for at the beginnings of words alone: tried at each character, a long word takes its length squared.
_URL = re.compile(r"((?:https?|file)://[^\s;]+|(?<![^\s;@])[^\s;@]*\.(?:whl|tar\.gz|zip))(?=[\s;]|$)")
_FRAGMENT = re.compile(r"[#&](md5|sha1|sha256|sha384|sha512)=([0-9A-Fa-f]+)")


def read_requirements(text: str) -> Lockfile:
    """Read requirements: exact pins and files by URL, with their hashes; everything else with a name is a range."""
    pins: list[Pin | None] = []
    ranges: list[Requirement] = []
    unread: list[tuple[str, str]] = []
    for number, line in _logical_lines(text):
        if line.startswith("-") and not _EDITABLE.match(line):
            continue
        where = f"line {number}"
        body = line.partition(" --hash")[0].partition(" #")[0]
        hashes: list[tuple[str, str | None]] = [("", digest_of(value)) for value in _HASH.findall(line)]
        if match := _PIN.match(body):
            pins.append(pin(PYPI, match.group(1), match.group(2), hashes, where))
        elif url := _URL.search(body):
            pins.append(known := _from_url(url.group(1), hashes, where))
            unread += [(where, line)] if known is None else []
        elif (match := _NAMED.match(body)) and (name := project_name(PYPI, match.group(1))):
            specifier = match.group(2).strip().strip("()").strip()
            if not specifier.startswith("@"):
                ranges.append(Requirement(PYPI, name, specifier[:1000], where))
            else:
                unread.append((where, line))
        else:
            unread.append((where, line))
    return Lockfile("requirements", tuple(p for p in pins if p), tuple(ranges), tuple(unread))


def references(text: str) -> list[tuple[str, str]]:
    """Return where requirements name other files (`-r`, `-c` and their long forms), and the paths or URLs as written.

    Source: pip's requirements file format.
    """
    found = ((number, _REFERENCE.fullmatch(line)) for number, line in _logical_lines(text))
    named = (
        (number, re.split(r"\s#", match.group(1), maxsplit=1)[0].strip().strip("\"'"))
        for number, match in found
        if match
    )
    return [(f"line {number}", name) for number, name in named if name]


def _from_url(url: str, hashes: list[tuple[str, str | None]], where: str) -> Pin | None:
    filename = filename_of(url)
    identity = identity_of_file(filename)
    if identity is None:
        return None
    stated = [digest_of(f"{algorithm}:{value}") for algorithm, value in _FRAGMENT.findall(url)]
    files = [(filename, digest) for digest in (*stated, *(digest for _, digest in hashes))]
    return pin(PYPI, identity[0], identity[1], files, where)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each requirement, continuations joined, with the number of its first line; no comments."""
    parts: list[str] = []
    start = 1
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r")
        if not parts:
            start = number
        comment = line.lstrip().startswith("#")
        if not comment:
            parts.append(line.removesuffix("\\"))
        if line.endswith("\\") and not comment:
            continue
        joined, parts = " ".join(parts).strip(), []
        if joined:
            yield start, joined
    if parts:
        yield start, " ".join(parts).strip()


def identity_of_file(filename: str) -> tuple[str, str] | None:
    """Return normalised name and version that the file name of a wheel or sdist states; None for any other name."""
    try:
        if filename.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(filename)
        else:
            name, version = parse_sdist_filename(filename)
    except ValueError:  # InvalidWheelFilename, InvalidSdistFilename, InvalidVersion, a number of thousands of digits
        return None
    return str(name), str(version)


def same_version(one: str, other: str) -> bool:
    """Return whether two spellings are one version (PEP 440); what is no version equals only itself."""
    from packaging.version import Version

    if one == other:
        return True
    try:
        return Version(one) == Version(other)
    except ValueError:
        return False

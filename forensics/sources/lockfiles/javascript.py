"""Lockfiles of JavaScript's tools: npm (versions 1 to 3, shrinkwrap, the installed tree), pnpm 5 to 9, Yarn 1 to 4.

Sources: npm's package-lock.json documentation; pnpm/spec lockfile; the files that the tools themselves write.
"""

from __future__ import annotations

import re
from typing import Any

from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.project import Ecosystem
from forensics.sources.interface import mapping, text
from forensics.sources.lockfiles.records import (
    MAX_PINS,
    Lockfile,
    Pin,
    digest_of,
    digests_of_integrity,
    filename_of,
    pin,
)
from forensics.sources.lockfiles.yaml_nodes import Mapping, read_yaml

NPM = Ecosystem.NPM
MAX_DEPTH = 200
"""Deepest tree of `dependencies` in a package-lock.json of version 1."""
MAX_BLOCK = 20_000
"""Most lines in one entry of a yarn.lock: the parser's time grows with their square."""


def read_json(source: str) -> Any:
    """Return the value that *source* is; raises MalformedEvidence for what is not JSON, or too deep."""
    import msgspec

    try:
        return msgspec.json.decode(source)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedEvidence(f"It is not JSON: {str(error)[:200]}.") from None


def read_package_lock(source: str) -> Lockfile:
    """Read package-lock.json: `packages` by folder (versions 2 and 3), else the tree of `dependencies` (version 1)."""
    document = mapping(read_json(source))
    packages = mapping(document.get("packages"))
    if packages:
        pins = [_folder(folder, mapping(entry)) for folder, entry in packages.items()]
    else:
        pins = []
        _tree(mapping(document.get("dependencies")), "dependencies", pins, 0)
    return Lockfile("package-lock", tuple(p for p in pins if p))


def _folder(folder: str, entry: dict[str, Any]) -> Pin | None:
    """A package of `packages`; the project itself, its workspaces and links to them are no packages of an index."""
    _, mark, name = folder.rpartition("node_modules/")
    if not mark or entry.get("link") or _of_git(entry):
        return None
    return pin(NPM, entry.get("name") or name, entry.get("version"), _tarball(entry), f'packages["{folder}"]')


def _of_git(entry: dict[str, Any]) -> bool:
    return (text(entry.get("resolved")) or "").startswith("git")


def _tarball(entry: dict[str, Any]) -> list[tuple[str, str | None]]:
    resolved = text(entry.get("resolved"), 4000) or ""
    filename = filename_of(resolved) if resolved.startswith(("http:", "https:")) else ""
    files: list[tuple[str, str | None]] = [(filename, d) for d in digests_of_integrity(entry.get("integrity"))]
    fragment = resolved.rpartition("#")[2] if "#" in resolved else ""
    return [*files, (filename, digest_of(f"sha1:{fragment}"))]


def _tree(dependencies: dict[str, Any], path: str, pins: list[Pin | None], depth: int) -> None:
    if depth > MAX_DEPTH or len(pins) > MAX_PINS:
        raise HostileInput(f"Its tree is more than {MAX_DEPTH} deep or has more than {MAX_PINS:,} packages.")
    for name, raw in dependencies.items():
        entry = mapping(raw)
        version = text(entry.get("version")) or ""
        where = f'{path}["{name}"]'
        if version.startswith("npm:"):  # an alias
            name, version = split_spec(version.removeprefix("npm:"))
        if not version.startswith(("git", "file:", "github:")):
            pins.append(pin(NPM, name, version, _tarball(entry), where))
        _tree(mapping(entry.get("dependencies")), f"{where}.dependencies", pins, depth + 1)


def split_spec(spec: str) -> tuple[str, str]:
    """Return name and version of `name@version` or `@scope/name@version`; the version is empty where there is none."""
    name, mark, version = spec.rpartition("@")
    return (name, version) if mark and name else (spec, "")


# Keys of `packages`: `/name/1.2.3_peers` up to 5, `/name@1.2.3(peers)` in 6, `name@1.2.3` from 9 on. A registry may
# stand before the first slash.
_PNPM_OLD = re.compile(r"(?:[^/@]*)/((?:@[^/@]+/)?[^/@]+)/([^/_()]+)(?:_.*)?")
_PNPM = re.compile(r"/?((?:@[^/@]+/)?[^/@()]+)@([^()@/]+)(?:\(.*)?")


def read_pnpm_lock(source: str) -> Lockfile:
    """Read pnpm-lock.yaml: the keys of `packages` state name and version, `resolution.integrity` the digest."""
    document = read_yaml(source)
    packages = document.get("packages") if isinstance(document, Mapping) else None
    if not isinstance(packages, Mapping):
        return Lockfile("pnpm-lock")
    pins = []
    for key, raw in packages.items():
        entry = mapping(raw)
        match = _PNPM.fullmatch(key) or _PNPM_OLD.fullmatch(key)
        name, version = match.groups() if match else ("", "")
        name, version = text(entry.get("name")) or name, text(entry.get("version")) or version
        resolution = mapping(entry.get("resolution"))
        filename = filename_of(resolution.get("tarball"))
        files: list[tuple[str, str | None]] = [(filename, d) for d in digests_of_integrity(resolution.get("integrity"))]
        pins.append(pin(NPM, name, version, files, f"line {packages.lines[key]}"))
    return Lockfile("pnpm-lock", tuple(p for p in pins if p))


def read_yarn_lock(source: str) -> Lockfile:
    """Read yarn.lock: of Yarn 2 and later it is YAML with `__metadata`, of Yarn 1 a format of its own."""
    pins = _berry(source) if re.search(r"^__metadata:", source, re.MULTILINE) else _classic(source)
    return Lockfile("yarn.lock", tuple(p for p in pins if p))


def _berry(source: str) -> list[Pin | None]:
    """`checksum` is left out: it is of the archive that Yarn packs anew, not of the file in the index."""
    document = read_yaml(source)
    pins = []
    for key, raw in document.items() if isinstance(document, Mapping) else ():
        entry = mapping(raw)
        name, mark, rest = (text(entry.get("resolution"), 2000) or "").rpartition("@npm:")
        version = text(entry.get("version")) or rest
        if mark:
            pins.append(pin(NPM, name, version, [], f"line {document.lines[key]}"))
    return pins


def _classic(source: str) -> list[Pin | None]:
    entries = _pyarn(source)
    lines = _headers(source)
    pins = []
    for key, raw in entries.items():
        entry = mapping(raw)
        first = key.split(", ")[0]
        name, _, wanted = first[1:].partition("@")
        name = first[0] + name
        if wanted.startswith("npm:"):  # an alias
            name = split_spec(wanted.removeprefix("npm:"))[0]
        where = f"line {lines[key]}" if key in lines else f'entry "{key[:200]}"'
        pins.append(pin(NPM, name, entry.get("version"), _tarball(entry), where))
    return pins


def _pyarn(source: str) -> dict[str, Any]:
    """Return the entries by key. Raises HostileInput for an entry of too many lines, MalformedEvidence for nonsense."""
    import logging

    block = 0
    for line in source.split("\n"):
        block = block + 1 if line.startswith(" ") else 0
        if block > MAX_BLOCK:
            raise HostileInput(f"One of its entries has more than {MAX_BLOCK:,} lines.")
    if not re.search(r"^[^#\s]", source, re.MULTILINE):
        return {}
    logging.getLogger("pyarn").setLevel(logging.ERROR)  # it warns of a missing comment; the entries say enough
    from pyarn.lockfile import Lockfile as Parsed

    try:
        # The grammar ends lines with a line feed and has no blank ones inside.
        parsed = Parsed.from_str(re.sub(r"\r\n?", "\n", source))
    except RecursionError:
        raise HostileInput("Its entries are nested too deeply.") from None
    except (ValueError, SyntaxError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise MalformedEvidence(f"It is no yarn.lock: {str(error)[:200] or type(error).__name__}.") from None
    return {key: value for key, value in parsed.data.items() if isinstance(key, str) and key}


def _headers(source: str) -> dict[str, int]:
    """Return the line of each entry, by its key as the parser gives it."""
    found: dict[str, int] = {}
    for number, line in enumerate(source.split("\n"), 1):
        header = line.rstrip("\r")
        if header.endswith(":") and header[:1] not in {" ", "#", ""}:
            keys = [part.strip().strip('"') for part in header[:-1].split(", ")]
            found.setdefault(", ".join(keys), number)
    return found

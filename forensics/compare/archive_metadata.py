"""What an artifact says about itself: requirements, hooks, build backend, and the RECORD of a wheel."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from forensics.compare.archive_entry import Notes
from forensics.compare.archive_runs import Layout
from forensics.model.contents import Member
from forensics.model.errors import EvidenceError
from forensics.model.toml import parse_toml

_MAX_LINES = 20_000
_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall", "prepare")
"""What npm runs when a package is installed; `prepare` only where it is taken from a repository or a folder."""
PREPARE = "prepare"
_FILE_IN_COMMAND = re.compile(
    r"[\w@./-]+\.[cm]?[jt]s\b|[\w./-]+\.(?:sh|py|node)\b|\b(?:node|bun|deno run)\s+([\w@./-]+)"
)
_MAX_EXPORTS = 2_000


def layout_of(kind: str, texts: Mapping[str, bytes]) -> Layout:
    """Return the layout of an artifact; *texts* are its metadata files by path below its root."""
    if kind == "npm":
        return _npm_layout(texts)
    build = _table(_toml(texts.get("pyproject.toml")).get("build-system"))
    paths = build.get("backend-path")
    return Layout(
        kind,
        tuple(p for p in paths if isinstance(p, str)) if isinstance(paths, list) else (),
        backend if isinstance(backend := build.get("build-backend"), str) and paths else "",
        modules=_top_modules(texts) if kind == "sdist" else frozenset(),
    )


def _top_modules(texts: Mapping[str, bytes]) -> frozenset[str]:
    """Return the modules that an sdist installs by themselves, in small letters.

    That is the one of the project's name, as flit and hatch take it where there is no package, and those that
    setuptools is told of in `py-modules`. Beside them a directory holds what is not installed: `setup.py`, `tasks.py`.
    """
    names = [
        re.sub(r"[-_.]+", "_", line.partition(":")[2].strip())
        for line in _header_lines(texts.get("PKG-INFO", b""))
        if line.lower().startswith("name:")
    ]
    tools = _table(_toml(texts.get("pyproject.toml")).get("tool"))
    listed = _table(tools.get("setuptools")).get("py-modules")
    names += [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    return frozenset(name.lower() for name in names)


def hooks_of(kind: str, texts: Mapping[str, bytes], paths: Iterable[str]) -> tuple[str, ...]:
    """Return what runs at install, in words that do not depend on the version."""
    names = set(paths)
    if kind == "npm":
        scripts = _table(_json(texts.get("package.json")).get("scripts"))
        hooks = [f"{name}: {str(scripts[name])[:300]}" for name in _INSTALL_SCRIPTS if name in scripts]
        return (*hooks, *(["binding.gyp"] if "binding.gyp" in names else []))
    if kind != "sdist":
        return ()
    layout = layout_of(kind, texts)
    hooks = [f"build backend {layout.backend} from the archive itself"] if layout.backend else []
    return (*hooks, *(["setup.py"] if "setup.py" in names else []))


def commands_of(kind: str, texts: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the commands and plug-ins that the metadata declare, as `group: name = target`, sorted.

    Source: npm documentation of `bin`; entry points specification of packaging.python.org; PEP 621.
    """
    found: set[str] = set()
    if kind == "npm":
        package = _json(texts.get("package.json"))
        bins = package.get("bin")
        named = {str(package.get("name")): bins} if isinstance(bins, str) else _table(bins)
        found = {f"bin: {name} = {target}" for name, target in named.items()}
    elif kind == "sdist":
        project = _table(_toml(texts.get("pyproject.toml")).get("project"))
        groups = {"console_scripts": project.get("scripts"), "gui_scripts": project.get("gui-scripts"),
                  **_table(project.get("entry-points"))}  # fmt: skip
        found = {
            f"{group}: {name} = {target}" for group, rows in groups.items() for name, target in _table(rows).items()
        }
    for path, text in texts.items():
        if path.endswith(".dist-info/entry_points.txt"):
            found |= set(_entry_points(text))
    return tuple(sorted(one[:500] for one in found))


def _entry_points(text: bytes) -> Iterable[str]:
    group = ""
    for line in text.decode("utf-8", "replace").splitlines()[:_MAX_LINES]:
        plain = line.strip()
        if plain.startswith("[") and plain.endswith("]"):
            group = plain[1:-1].strip()
        elif plain and plain[0] not in "#;" and "=" in plain:
            name, _, target = plain.partition("=")
            yield f"{group}: {name.strip()} = {target.strip()}"


def dependencies_of(kind: str, texts: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the requirements that the metadata state, sorted, white space normalised."""
    if kind == "npm":
        package = _json(texts.get("package.json"))
        groups = [_table(package.get(key)) for key in ("dependencies", "optionalDependencies", "peerDependencies")]
        return tuple(sorted({_npm_requirement(name, wanted) for group in groups for name, wanted in group.items()}))
    found = [
        " ".join(line.partition(":")[2].split())[:500]
        for name, text in texts.items()
        if name == "PKG-INFO" or (name.endswith(".dist-info/METADATA") and name.count("/") == 1)
        for line in _header_lines(text)
        if line.lower().startswith("requires-dist:")
    ]
    return tuple(sorted(set(found)))


def check_record(texts: Mapping[str, bytes], members: Mapping[str, Member], notes: Notes) -> None:
    """Note where the RECORD of a wheel says something else than the wheel. Source: PEP 376, PEP 427."""
    records = [name for name in texts if name.endswith(".dist-info/RECORD") and name.count("/") == 1]
    if len(records) != 1:
        notes.add("the wheel has no RECORD" if not records else "the wheel has more than one RECORD")
        return
    folder = records[0].removesuffix("RECORD")
    unlisted = set(members) - {records[0], folder + "RECORD.jws", folder + "RECORD.p7s"}
    try:
        rows = list(csv.reader(io.StringIO(texts[records[0]].decode("utf-8", "replace"))))
    except csv.Error:
        notes.add("RECORD cannot be read")
        return
    for row in rows:
        path, digest = (row[0], row[1]) if len(row) > 1 else ("", "")
        unlisted.discard(path)
        member = members.get(path)
        if member is None and path:
            notes.add("RECORD lists a file that is not there", path)
        elif member is not None and digest.startswith("sha256=") and member.sha256:
            stated = base64.urlsafe_b64encode(bytes.fromhex(member.sha256)).rstrip(b"=").decode()
            if digest.removeprefix("sha256=").rstrip("=") != stated:
                notes.add("RECORD states another digest than the file has", path)
    for path in sorted(unlisted):
        notes.add("file that RECORD does not list", path)


def _npm_requirement(name: str, wanted: Any) -> str:
    """Return `name@range`; of an alias (`npm:other@range`) the package that is installed under the name."""
    text = str(wanted)
    return (text.removeprefix("npm:") if text.startswith("npm:") else f"{name}@{text}")[:500]


def _npm_layout(texts: Mapping[str, bytes]) -> Layout:
    package = _json(texts.get("package.json"))
    scripts = _table(package.get("scripts"))
    commands = [str(scripts[name]) for name in _INSTALL_SCRIPTS if name in scripts]
    files = [m.group(1) or m.group() for command in commands for m in _FILE_IN_COMMAND.finditer(command[:2000])]
    hooked = [file.removeprefix("./") for file in files]
    main = package.get("main")
    entries = [main if isinstance(main, str) and main else "index.js", package.get("module"), package.get("browser")]
    named = [str(e).removeprefix("./") for e in (*entries, *_exported(package.get("exports"))) if isinstance(e, str)]
    return Layout("npm", hooked=(*hooked, *(["package.json"] if commands else [])), entries=tuple(named))


def _exported(exports: Any) -> list[str]:
    """Return the files that an `exports` field names, patterns left out. Source: Node documentation of packages."""
    found: list[str] = []
    waiting = [exports]
    while waiting and len(found) < _MAX_EXPORTS:
        one = waiting.pop()
        if isinstance(one, str) and "*" not in one:
            found.append(one)
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def _header_lines(text: bytes) -> Iterable[str]:
    """Yield the header fields of core metadata, folded lines joined, up to the description."""
    current = ""
    for line in text.decode("utf-8", "replace").splitlines()[:_MAX_LINES]:
        if not line.strip():
            break
        if line[0] in " \t":
            current += " " + line.strip()
            continue
        if current:
            yield current
        current = line
    if current:
        yield current


def _toml(text: bytes | None) -> dict[str, Any]:
    try:
        return parse_toml((text or b"").decode("utf-8"))
    except (EvidenceError, UnicodeDecodeError):
        return {}


def _json(text: bytes | None) -> dict[str, Any]:
    try:
        return _table(json.loads(text or b"{}"))
    except (ValueError, RecursionError):
        return {}


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

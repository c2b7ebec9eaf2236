"""Manifests: what a project allows without fixing it. `package.json`, `pyproject.toml`.

Sources: npm's package.json documentation; PEP 621 and 735; Poetry's dependency specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from forensics.model.project import Ecosystem
from forensics.model.toml import parse_toml
from forensics.sources.interface import items, mapping, text
from forensics.sources.lockfiles.javascript import read_json, split_spec
from forensics.sources.lockfiles.python import _NAMED
from forensics.sources.lockfiles.records import Lockfile, Requirement, project_name

NPM_TABLES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


def read_package_json(source: str) -> Lockfile:
    """Read the tables of dependencies of a package.json; those on git, files and workspaces are left out."""
    document = mapping(read_json(source))
    found = []
    for table in NPM_TABLES:
        for name, wanted in mapping(document.get(table)).items():
            specifier, where = text(wanted, 1000), f"{table}.{name}"
            if specifier is not None and specifier.startswith("npm:"):  # an alias
                name, specifier = split_spec(specifier.removeprefix("npm:"))
            if specifier is None or re.match(r"[a-z+]+:|.*/", specifier):
                continue
            known = project_name(Ecosystem.NPM, name)
            if known:
                found.append(Requirement(Ecosystem.NPM, known, specifier.strip(), where))
    return Lockfile("package.json", (), tuple(found))


def read_pyproject(source: str) -> Lockfile:
    """Read the dependencies of a pyproject.toml: of the project, its extras and groups, and Poetry's tables."""
    document = parse_toml(source)
    found = [r for r in (_requirement(*one) for one in _stated(document)) if r]
    poetry = mapping(mapping(document.get("tool")).get("poetry"))
    tables = {"dependencies": poetry.get("dependencies"), "dev-dependencies": poetry.get("dev-dependencies")}
    tables |= {
        f"group.{name}": mapping(group).get("dependencies") for name, group in mapping(poetry.get("group")).items()
    }
    for label, table in tables.items():
        for name, raw in mapping(table).items():
            for entry in raw if isinstance(raw, list) else [raw]:
                wanted = entry if isinstance(entry, str) else mapping(entry).get("version")
                known = project_name(Ecosystem.PYPI, name)
                if known and isinstance(wanted, str) and known != "python":
                    where = f"tool.poetry.{label}.{name}"
                    found.append(Requirement(Ecosystem.PYPI, known, from_poetry(wanted[:1000]), where))
    return Lockfile("pyproject", (), tuple(found))


def _stated(document: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    project = mapping(document.get("project"))
    for value in items(project.get("dependencies")):
        yield value, "project.dependencies"
    for extra, values in mapping(project.get("optional-dependencies")).items():
        for value in items(values):
            yield value, f"project.optional-dependencies.{extra}"
    for group, values in mapping(document.get("dependency-groups")).items():
        for value in items(values):
            yield value, f"dependency-groups.{group}"


def _requirement(value: Any, where: str) -> Requirement | None:
    match = _NAMED.match(value[:2000]) if isinstance(value, str) else None
    name = project_name(Ecosystem.PYPI, match.group(1)) if match else None
    if match is None or name is None or match.group(2).startswith("@"):
        return None
    return Requirement(Ecosystem.PYPI, name, match.group(2).strip().strip("()").strip(), where)


def from_poetry(wanted: str) -> str:
    """Return Poetry's range in PEP 440's words: `^1.2` as `>=1.2,<2`, `~1.2` as `>=1.2,<1.3`, `*` as any version."""
    return ",".join(filter(None, (_clause(part.strip()) for part in wanted.split(","))))


def _clause(part: str) -> str:
    if part in {"", "*"}:
        return ""
    mark, number = part[0], part[1:].strip()
    digits = [int(d) for d in re.findall(r"(?a:\d{1,9})", number.partition("-")[0])][:3]
    if mark not in "^~" or part.startswith("~=") or not digits:
        return part if part[0] in "<>=!~" else f"=={part}"
    if mark == "~":
        upper = [*digits[:1], digits[1] + 1] if len(digits) > 1 else [digits[0] + 1]
    else:
        first = next((n for n, d in enumerate(digits) if d), len(digits) - 1)
        upper = [*digits[:first], digits[first] + 1]
    return f">={number},<{'.'.join(map(str, upper))}"

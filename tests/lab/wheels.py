"""Wheels and sdists, and the trees that they are packed from."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from datetime import datetime
from pathlib import PurePosixPath

from tests.lab.contents import Artifact, Tree, normalized, words
from tests.lab.plan import PlannedRelease
from tests.lab.scenario import Dependency, Scenario

_DATA_SIZE = 6144


_SRC = "src/"
_ASIDE = frozenset({"tests", "test", "docs", "doc", "examples", "scripts", "tools", "benchmarks"})
"""Directories of an sdist that are installed nowhere."""


def _changed_modules(scenario: Scenario) -> list[str]:
    """Modules in packages that any release changes, as paths from the repository's top."""
    changed = [path for release in scenario.release for path in release.content.changed if path.endswith(".py")]
    return [path for path in changed if "/" in _installed(path) and _installed(path).split("/")[0] not in _ASIDE]


def _installed(path: str) -> str:
    """Where a file comes to lie below site-packages: a layout with `src` leaves it out."""
    return path.removeprefix(_SRC)


def import_name(scenario: Scenario) -> str:
    """The import package: where the scenario's changed files lie, else the project's name."""
    for path in _changed_modules(scenario):
        return _installed(path).split("/")[0]
    return normalized(scenario.project).replace("-", "_")


def _package(scenario: Scenario) -> str:
    """The directory of the import package in the repository, below `src` where the changed files are."""
    below_src = any(path.startswith(_SRC) for path in _changed_modules(scenario)[:1])
    return f"{_SRC if below_src else ''}{import_name(scenario)}"


def ordinary_tree(scenario: Scenario, version: str) -> Tree:
    """What a commit of this version would hold if nothing had been tampered with."""
    package = _package(scenario)
    paths = {f"{package}/core.py", "tests/test_core.py"}
    for release in scenario.release:
        paths.update(path for path in release.content.changed if path.endswith(".py"))
    for path in (f"{package}/core.py", *_changed_modules(scenario)):
        parents = [str(parent) for parent in PurePosixPath(path).parents if parent.name]
        paths.update(f"{parent}/__init__.py" for parent in parents if f"{parent}/" != _SRC)
    tree = {path: _module(scenario.project, path, version) for path in paths}
    for release in scenario.release:
        for path in release.content.changed:
            tree.setdefault(path, f"{scenario.project}: {path}\n".encode())
    tree[f"{package}/__init__.py"] = f'"""{scenario.project}."""\n\n__version__ = "{version}"\n'.encode()
    tree[f"{package}/data/words.txt"] = words(scenario.project, _DATA_SIZE)
    tree["README.md"] = f"# {scenario.project}\n\nA package made by a test lab.\n".encode()
    tree["pyproject.toml"] = _pyproject(scenario.project, package, version, ())
    return tree


def _module(project: str, path: str, version: str) -> bytes:
    stem = PurePosixPath(path).stem
    name = stem.strip("_")
    number = int(hashlib.sha256(f"{project}\0{path}\0{version}".encode()).hexdigest()[:6], 16)
    return (
        f'"""{stem} of {project}."""\n\nREVISION = {number}\n\n\n'
        f'def {name}(value: int) -> int:\n    """Return the value, shifted."""\n    return value + REVISION\n'
    ).encode()


def _pyproject(project: str, package: str, version: str, dependencies: tuple[str, ...]) -> bytes:
    listed = "".join(f'    "{item}",\n' for item in dependencies)
    return (
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
        f'[project]\nname = "{project}"\nversion = "{version}"\nrequires-python = ">=3.8"\n'
        f"dependencies = [\n{listed}]\n\n"
        f'[tool.hatch.build.targets.wheel]\npackages = ["{package}"]\n'
    ).encode()


def _requirements(dependencies: tuple[Dependency, ...]) -> tuple[str, ...]:
    return tuple(f"{item.name} @ {_repository(item.git)}" if item.git else item.name for item in dependencies)


def _repository(git: str) -> str:
    """A repository as requirements name it; npm's ``github:owner/name#ref`` is understood, too."""
    slug, _, ref = git.removeprefix("github:").partition("#")
    url = f"https://github.com/{slug}" if git.startswith("github:") else git.removeprefix("git+").partition("#")[0]
    return f"git+{url}@{ref}" if ref else f"git+{url}"


def with_content(tree: Tree, scenario: Scenario, release: PlannedRelease) -> Tree:
    """Apply ``[release.content]`` to a tree."""
    content, version = release.row.content, release.version
    total = sum(map(len, tree.values()))
    result = dict(tree)
    for path in content.changed:
        result[path] = _marked(path, result.get(path, b""), f"changed in {version}")
    for path in content.added:
        result[path] = _marked(path, b"", f"added in {version}")
    if content.new_dependencies:
        package = _package(scenario)
        needs = _requirements(content.new_dependencies)
        result["pyproject.toml"] = _pyproject(scenario.project, package, version, needs)
    if content.size_factor != 1.0:
        size = max(0, _DATA_SIZE + round(total * (content.size_factor - 1.0)))
        result[f"{_package(scenario)}/data/words.txt"] = words(scenario.project, size)
    return result


def _marked(path: str, before: bytes, what: str) -> bytes:
    """Inert text that a content rule recognises, put into a file."""
    if path.endswith(".pth"):
        return f"import subprocess  # test lab: {what}; inert, nothing is run\n".encode()
    if path.endswith(".py"):
        head, separator, rest = before.partition(b'"""\n')
        lines = (
            f"\nimport subprocess  # test lab: {what}; inert, nothing is run\nimport urllib.request\n\n"
            f'LAB_MARKER = ("{what}", subprocess.__name__, urllib.request.__name__)\n'
        ).encode()
        return head + separator + lines + rest
    return before + f"test lab: {what}; inert text\n".encode()


def _metadata(scenario: Scenario, release: PlannedRelease) -> bytes:
    """Core metadata 2.1, with the URLs that projects usually give."""
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {scenario.project}",
        f"Version: {release.version}",
        f"Summary: {scenario.project}, rebuilt by a test lab",
        f"Project-URL: Source, {scenario.repository.url}",
        "Requires-Python: >=3.8",
        *(f"Requires-Dist: {item}" for item in _requirements(release.row.content.new_dependencies)),
    ]
    return ("\n".join(lines) + "\n").encode()


def wheel(scenario: Scenario, release: PlannedRelease, tree: Tree) -> Artifact:
    """A pure wheel (binary distribution format 1.0): packages, a module named so, what was added, and dist-info."""
    name = normalized(scenario.project).replace("-", "_")
    module, info = f"{name}.py", f"{name}-{release.version}.dist-info"
    packages = {import_name(scenario), *(_installed(path).split("/")[0] for path in _changed_modules(scenario))}
    metadata = _metadata(scenario, release)
    added = set(release.row.content.added)
    files = {
        _installed(path): data
        for path, data in sorted(tree.items())
        if _installed(path) == module or _installed(path).partition("/")[0] in packages or path in added
    }
    files[f"{info}/METADATA"] = metadata
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test-lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = [f"{path},sha256={_urlsafe(data)},{len(data)}" for path, data in files.items()]
    record.append(f"{info}/RECORD,,")
    files[f"{info}/RECORD"] = ("\n".join(record) + "\n").encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            member = zipfile.ZipInfo(path, _zip_time(release.signed))
            member.external_attr = 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return Artifact(f"{name}-{release.version}-py3-none-any.whl", "wheel", buffer.getvalue(), metadata)


def sdist(scenario: Scenario, release: PlannedRelease, tree: Tree) -> Artifact:
    """A source distribution (PEP 625): the whole tree and PKG-INFO under one directory."""
    name = normalized(scenario.project).replace("-", "_")
    top = f"{name}-{release.version}"
    files = {**tree, "PKG-INFO": _metadata(scenario, release)}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, data in sorted(files.items()):
            member = tarfile.TarInfo(f"{top}/{path}")
            member.size, member.mode = len(data), 0o644
            member.mtime = int(release.signed.timestamp())
            archive.addfile(member, io.BytesIO(data))
    return Artifact(f"{top}.tar.gz", "sdist", gzip.compress(plain.getvalue(), mtime=0), None)


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _zip_time(moment: datetime) -> tuple[int, int, int, int, int, int]:
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)

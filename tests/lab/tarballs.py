"""npm tarballs, and the trees that they are packed from.

Everything lies below ``package/``, as ``npm pack`` writes it: fixed times, no owner. Tests stay in the repository. A
hook prints; a changed or added script imports a process and a network module and runs nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import PurePosixPath
from typing import Any

from tests.lab.contents import Artifact, Tree, words
from tests.lab.plan import PlannedRelease
from tests.lab.scenario import Content, Dependency, Scenario

PACKED_AT = 499162500
"""The time of every file that npm packs: 1985-10-26T08:15:00Z."""

YOUNG_VERSION = "1.0.0"
"""The one version of a new dependency."""

_DATA = "data/words.txt"
_DATA_SIZE = 16384
_COMMON_JS = (".js", ".cjs")
_MODULES = (".mjs", ".ts", ".mts", ".jsx", ".tsx")
_GYP = b'{\n  # test lab: inert, no target builds anything\n  "targets": [{"target_name": "lab", "type": "none"}]\n}\n'

Manifest = dict[str, Any]


def ordinary_tree(scenario: Scenario, version: str) -> Tree:
    """What a commit of this version would hold if nothing had been tampered with."""
    changed = {path for release in scenario.release for path in release.content.changed}
    paths = {"index.js", "lib/core.js", "test/core.test.js", *changed} - {"package.json"}
    tree = {path: _file(scenario.project, path, version) for path in sorted(paths)}
    tree[_DATA] = words(scenario.project, _DATA_SIZE)
    tree["README.md"] = f"# {scenario.project}\n\nA package made by a test lab.\n".encode()
    tree["package.json"] = _dump(_manifest(scenario, version))
    return tree


def with_content(tree: Tree, scenario: Scenario, release: PlannedRelease) -> Tree:
    """Apply ``[release.content]`` to a tree."""
    content, version = release.row.content, release.version
    result = dict(tree)
    for path in content.changed:
        if path != "package.json":
            result[path] = _marked(path, result.get(path, b""), f"changed in {version}")
    for path in content.added:
        result[path] = _marked(path, b"", f"added in {version}")
    if content.install_hook == "binding.gyp":
        result["binding.gyp"] = _GYP
    manifest = _manifest(scenario, version)
    before = dict(manifest)
    _apply(manifest, content)
    if manifest == before and "package.json" in content.changed:
        manifest["testLab"] = f"changed in {version}"
    result["package.json"] = _dump(manifest)
    if content.size_factor != 1.0:
        size = _DATA_SIZE + round(unpacked_size(tree) * content.size_factor) - unpacked_size(result)
        result[_DATA] = words(scenario.project, max(0, size))
    return result


def packed(tree: Tree) -> Tree:
    """The files of a tree that go into the tarball."""
    return {path: data for path, data in tree.items() if not path.startswith(("test/", ".github/"))}


def unpacked_size(tree: Tree) -> int:
    """Bytes of all files that go into the tarball."""
    return sum(map(len, packed(tree).values()))


def tarball(scenario: Scenario, release: PlannedRelease, tree: Tree) -> Artifact:
    """The tarball: ``name-version.tgz``, without the scope."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, data in sorted(packed(tree).items(), key=lambda item: (item[0] != "package.json", item[0])):
            member = tarfile.TarInfo(f"package/{path}")
            member.size, member.mode, member.mtime = len(data), 0o644, PACKED_AT
            archive.addfile(member, io.BytesIO(data))
    name = f"{scenario.project.rpartition('/')[2]}-{release.version}.tgz"
    return Artifact(name, "tarball", gzip.compress(plain.getvalue(), mtime=0), tree["package.json"])


def repository_url(scenario: Scenario) -> str:
    """The repository as ``package.json`` names it."""
    return f"git+{scenario.repository.url.rstrip('/').removesuffix('.git')}.git"


def _manifest(scenario: Scenario, version: str) -> Manifest:
    return {
        "name": scenario.project,
        "version": version,
        "description": f"{scenario.project}, rebuilt by a test lab",
        "license": "MIT",
        "repository": {"type": "git", "url": repository_url(scenario)},
        "main": _main(scenario),
        "scripts": {"test": "node --test"},
    }


def _main(scenario: Scenario) -> str:
    """What ``require`` runs: the first script that the scenario changes, else ``index.js``."""
    changed = [path for release in scenario.release for path in release.content.changed]
    return next((path for path in changed if path.endswith((*_COMMON_JS, ".mjs"))), "index.js")


def _apply(manifest: Manifest, content: Content) -> None:
    """Put hooks and dependencies into a manifest."""
    if content.install_hook == "binding.gyp":
        manifest["gypfile"] = True
    elif content.install_hook:
        script = next((path for path in content.added if path.endswith((".js", ".mjs", ".cjs"))), None)
        command = f"node {script}" if script else "node -e \"console.log('test lab: a hook that prints')\""
        manifest["scripts"] = {content.install_hook: command, **manifest["scripts"]}
    if content.new_dependencies:
        manifest["dependencies"] = dict(_requirement(item) for item in content.new_dependencies)


def _requirement(item: Dependency) -> tuple[str, str]:
    if not item.git:
        return item.name, f"^{YOUNG_VERSION}"
    named = item.git.startswith(("git+", "git:", "github:", "gitlab:", "bitbucket:", "gist:"))
    return item.name, item.git if named else f"git+{item.git}"


def _file(project: str, path: str, version: str) -> bytes:
    """An ordinary file: a script in the manner of its suffix, text for all else."""
    stem = PurePosixPath(path).name.partition(".")[0].replace("-", "_") or "file"
    number = int(hashlib.sha256(f"{project}\0{path}\0{version}".encode()).hexdigest()[:6], 16)
    if path.endswith(_COMMON_JS):
        return (
            f'"use strict";\n\n// {stem} of {project}\nconst REVISION = {number};\n\n'
            f"exports.{stem} = function (value) {{\n  return value + REVISION;\n}};\n"
        ).encode()
    if path.endswith(_MODULES):
        return (
            f"// {stem} of {project}\nconst REVISION = {number};\n\n"
            "export function shifted(value) {\n  return value + REVISION;\n}\n"
        ).encode()
    return f"{project}: {path}\n".encode()


def _marked(path: str, before: bytes, what: str) -> bytes:
    """Inert text that a content rule recognises, put before what a script held."""
    note = f"// test lab: {what}; inert, nothing is run\n"
    if path.endswith(_COMMON_JS):
        lines = (
            f'{note}const {{ spawnSync }} = require("node:child_process");\nconst https = require("node:https");\n'
            f'exports.LAB_MARKER = ["{what}", typeof spawnSync, typeof https.request];\n'
        )
    elif path.endswith(_MODULES):
        lines = (
            f'{note}import {{ spawnSync }} from "node:child_process";\nimport https from "node:https";\n'
            f'export const LAB_MARKER = ["{what}", typeof spawnSync, typeof https.request];\n'
        )
    else:
        return before + f"test lab: {what}; inert text\n".encode()
    return lines.encode() + before


def _dump(manifest: Manifest) -> bytes:
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()

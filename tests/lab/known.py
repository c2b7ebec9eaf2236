"""What the responder brings along (``[[known]]``): an export, a list of hashes, lockfiles, and facts by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.lab.artifacts import normalized
from tests.lab.errors import LabError
from tests.lab.plan import PlannedRelease
from tests.lab.scenario import Known
from tests.lab.store import StoredFile
from tests.lab.world import World


def write_known(world: World, directory: Path) -> list[Path]:
    """Write each row's files into ``known-N/``, with ``facts.toml`` beside them; returns the files to import.

    A row of kind ``snapshot`` stands for an earlier case, which is recorded and not written: it gets facts only.
    """
    written: list[Path] = []
    for number, known in enumerate(world.scenario.known, 1):
        folder = directory / f"known-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        releases = [_release(world, version) for version in known.versions]
        writer = _WRITERS.get(known.kind)
        if writer is not None:
            written.extend(writer(world, known, folder))
        as_of = world.scenario.as_of  # what lies later does not exist yet
        removed = [release for release in releases if release.row.removed is not None and release.row.removed <= as_of]
        if removed:
            written.append(_facts(world, removed, folder / "facts.toml"))
    return written


def _release(world: World, version: str) -> PlannedRelease:
    try:
        return world.release(version)
    except KeyError:
        raise LabError(f"{world.scenario.id}: known.versions names {version}, which was never released") from None


def _files(world: World, known: Known) -> list[StoredFile]:
    return [stored for version in known.versions for stored in world.files_of(version)]


def _export(world: World, known: Known, folder: Path) -> list[Path]:
    """Rows of the index's public ``distribution_metadata`` table as BigQuery exports them to JSON lines.

    BigQuery writes INT64 as a string and TIMESTAMP as ``YYYY-MM-DD HH:MM:SS.ffffff UTC``.
    """
    rows = [
        {
            "metadata_version": "2.1",
            "name": world.scenario.project,
            "version": stored.release.version,
            "filename": stored.filename,
            "python_version": stored.python_version,
            "packagetype": stored.packagetype,
            "size": str(len(stored.artifact.data)),
            "has_signature": False,
            "md5_digest": stored.md5,
            "sha256_digest": stored.sha256,
            "blake2_256_digest": stored.blake2b,
            "path": stored.path,
            "uploaded_via": stored.uploaded_via,
            "upload_time": stored.uploaded.strftime("%Y-%m-%d %H:%M:%S.%f UTC"),
        }
        for stored in _files(world, known)
    ]
    path = folder / "distribution_metadata.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return [path]


def _hashes(world: World, known: Known, folder: Path) -> list[Path]:
    """A plain list in the manner of ``sha256sum``; of npm's tarballs, which go by SHA-512, as ``sha512sum`` does."""
    path = folder / "hashes.txt"
    on_npm = world.scenario.ecosystem == "npm"
    lines = (f"{stored.sha512 if on_npm else stored.sha256}  {stored.filename}\n" for stored in _files(world, known))
    path.write_text("".join(lines), encoding="utf-8")
    return [path]


def _lockfile(world: World, known: Known, folder: Path) -> list[Path]:
    """One requirements file with hashes per version, since a lockfile pins a project once; of npm, a package-lock."""
    if world.scenario.ecosystem == "npm":
        return [_package_lock(world, version, folder) for version in known.versions]
    paths: list[Path] = []
    for version in known.versions:
        hashes = [f"    --hash=sha256:{stored.sha256}" for stored in world.files_of(version)]
        pin = f"{normalized(world.scenario.project)}=={version}"
        path = folder / f"requirements-{version}.txt"
        path.write_text(" \\\n".join([pin, *hashes]) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def _package_lock(world: World, version: str, folder: Path) -> Path:
    """A ``package-lock.json`` of version 3 that pins one version, with its integrity."""
    name = world.scenario.project
    pins = {
        f"node_modules/{name}": {"version": version, "integrity": stored.integrity}
        for stored in world.files_of(version)
    }
    packages = {"": {"name": "consumer", "version": "1.0.0", "dependencies": {name: version}}, **pins}
    lock = {"name": "consumer", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    path = folder / version / "package-lock.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")
    return path


_WRITERS: dict[str, Callable[[World, Known, Path], list[Path]]] = {
    "export": _export,
    "hashes": _hashes,
    "lockfile": _lockfile,
}


def _facts(world: World, releases: list[PlannedRelease], path: Path) -> Path:
    """Facts known by hand: when the index removed each release, and who says so."""
    source = json.dumps(world.scenario.source, ensure_ascii=False)
    parts = []
    for release in releases:
        assert release.row.removed is not None
        kind = "quarantined" if release.row.quarantined else "removed"
        at = release.row.removed.strftime("%Y-%m-%dT%H:%M:%SZ")
        parts.append(f'[[fact]]\nkind = "{kind}"\nversion = "{release.version}"\nat = {at}\nsource = {source}\n')
    path.write_text("\n".join(parts), encoding="utf-8")
    return path

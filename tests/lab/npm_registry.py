"""What the npm registry shows at a moment: packuments, tarballs, attestations, the search.

Follows the registry's `package-metadata.md` and what its answers hold. A removed version leaves ``versions``, its
dist-tags and its tarball's path; ``time`` keeps it for ever. The file store's rule that bytes outlive a removal holds
for the digest's path of the file store alone: a tarball's URL on npm can be guessed from name and version, and npm
answers 404 there.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import semver

from tests.lab.npm_accounts import Account, maintainers, publisher
from tests.lab.npm_keys import RegistryKeys
from tests.lab.packages import Package
from tests.lab.plan import PlannedRelease
from tests.lab.store import StoredFile

Json = dict[str, Any]

TRUSTED = frozenset({"trusted-attested", "trusted-unattested"})
"""Doors behind which the registry notes a trusted publisher."""

_ABBREVIATED = (
    "name", "version", "bin", "dependencies", "optionalDependencies", "devDependencies", "peerDependencies", "dist",
    "engines", "deprecated", "hasInstallScript",
)  # fmt: skip
_INSTALL = ("preinstall", "install", "postinstall")


@dataclass(frozen=True)
class RegistryView:
    """The registry at one moment."""

    packages: Sequence[Package]
    uploads: Mapping[str, Sequence[StoredFile]]
    keys: RegistryKeys
    moment: datetime

    def packument(self, name: str, base: str) -> Json | None:
        """The full packument, or ``None`` for a package that nobody has published yet. ``base``: the registry's URL."""
        package = self._package(name)
        if package is None:
            return None
        out = self._out(package)
        listed = [stored for stored in out if stored.release.listed(self.moment)]
        versions = {stored.release.version: self._version(package, stored, base) for stored in listed}
        times = {stored.release.version: _iso(stored.uploaded) for stored in out}
        changed = max([stored.uploaded for stored in out] + self._ends(out))
        page: Json = {"_id": name, "_rev": f"{len(out)}-{uuid.uuid5(uuid.NAMESPACE_URL, name).hex}", "name": name}
        if versions:
            page["dist-tags"] = dist_tags([stored.release for stored in listed])
        return page | {
            "versions": versions,
            "time": {"created": _iso(out[0].uploaded), "modified": _iso(changed), **times},
            "maintainers": [one.row() for one in self._maintainers(package)],
            "repository": _manifest(out[-1])["repository"],
            "description": _manifest(out[-1])["description"],
            "license": "MIT",
            "readme": f"# {name}\n\nA package made by a test lab.\n",
            "readmeFilename": "README.md",
        }

    def abbreviated(self, name: str, base: str) -> Json | None:
        """The packument that installers ask for (``application/vnd.npm.install-v1+json``)."""
        full = self.packument(name, base)
        if full is None:
            return None
        short = {
            version: {key: row[key] for key in _ABBREVIATED if key in row} for version, row in full["versions"].items()
        }
        tags = full.get("dist-tags", {})
        return {"name": name, "dist-tags": tags, "versions": short, "modified": full["time"]["modified"]}

    def tarball(self, name: str, filename: str) -> bytes | None:
        """A tarball at its path of the registry, as long as its version is listed."""
        package = self._package(name)
        for stored in self._out(package) if package else []:
            if stored.filename == filename and stored.release.listed(self.moment):
                return stored.artifact.data
        return None

    def attestations(self, name: str, version: str) -> Json | None:
        """The attestations of a listed version, or ``None`` where there are none."""
        package = self._package(name)
        for stored in self._out(package) if package else []:
            if stored.release.version == version and stored.release.listed(self.moment):
                return stored.provenance
        return None

    def search(self, account: str) -> list[Json]:
        """Rows of the search for the packages that an account maintains."""
        found = []
        for package in self.packages:
            out = self._out(package)
            listed = [stored for stored in out if stored.release.listed(self.moment)]
            keepers = self._maintainers(package)
            if not listed or account not in {one.name for one in keepers}:
                continue
            latest = dist_tags([stored.release for stored in listed])["latest"]
            newest = next(stored for stored in listed if stored.release.version == latest)
            row = {
                "name": package.name,
                "version": latest,
                "description": _manifest(newest)["description"],
                "date": _iso(newest.uploaded),
                "publisher": publisher(package.scenario, newest.release).user(),
                "maintainers": [one.user() for one in keepers],
                "links": {"repository": package.scenario.repository.url},
            }
            found.append({"package": row, "score": {"final": 1.0}, "searchScore": 1.0})
        return found

    def stored_at(self, path: str) -> StoredFile | None:
        """A file by its path of the file store, which forgets nothing."""
        for package in self.packages:
            for stored in self._out(package):
                if stored.path == path:
                    return stored
        return None

    def _package(self, name: str) -> Package | None:
        found = next((package for package in self.packages if package.name == name), None)
        return found if found is not None and self._out(found) else None

    def _out(self, package: Package) -> list[StoredFile]:
        """What has been published by now, in order, whether or not it is still there."""
        return [stored for stored in self.uploads[package.name] if stored.uploaded <= self.moment]

    def _ends(self, out: Sequence[StoredFile]) -> list[datetime]:
        """When versions were taken away or marked, as far as that has happened."""
        releases = [stored.release for stored in out]
        ends = [end for r in releases for end in (r.removed, r.quarantined_from, r.yanked_from)]
        return [end for end in ends if end is not None and end <= self.moment]

    def _maintainers(self, package: Package) -> list[Account]:
        return maintainers(package.scenario, [stored.release for stored in self._out(package)])

    def _version(self, package: Package, stored: StoredFile, base: str) -> Json:
        """One row of ``versions``: the manifest, and what the registry adds to it."""
        release, manifest = stored.release, _manifest(stored)
        row: Json = {**manifest, "_id": f"{package.name}@{release.version}"}
        if row.pop("gypfile", False):
            row |= {"gypfile": True, "scripts": {**manifest["scripts"], "install": "node-gyp rebuild"}}
        if any(hook in row["scripts"] for hook in _INSTALL):
            row["hasInstallScript"] = True
        if release.row.commit_on != "nowhere":
            row["gitHead"] = release.commit
        row["_npmVersion"], row["_nodeVersion"] = ("10.5.0", "20.11.1") if stored.by_hand else ("10.9.2", "22.14.0")
        row["_npmUser"] = publisher(package.scenario, release).row()
        if release.row.door in TRUSTED:
            config = uuid.uuid5(uuid.NAMESPACE_URL, f"oidc:{package.name}")
            row["_npmUser"]["trustedPublisher"] = {"id": "github", "oidcConfigId": f"oidc:{config}"}
        row["maintainers"] = [one.row() for one in self._maintainers(package)]
        row["dist"] = self._dist(package, stored, base)
        if release.yanked_from is not None and release.yanked_from <= self.moment:
            row["deprecated"] = "This version was withdrawn by its maintainers."
        return row

    def _dist(self, package: Package, stored: StoredFile, base: str) -> Json:
        name, version = package.name, stored.release.version
        count, size = stored.unpacked
        dist: Json = {
            "integrity": stored.integrity,
            "shasum": stored.sha1,
            "tarball": f"{base}/{name}/-/{stored.filename}",
            "fileCount": count,
            "unpackedSize": size,
            "signatures": [self.keys.signature(name, version, stored.integrity, stored.uploaded)],
        }
        if stored.provenance is not None:
            built = stored.provenance["attestations"][1]["predicateType"]
            url = f"{base}/-/npm/v1/attestations/{name.replace('/', '%2f')}@{version}"
            dist["attestations"] = {"url": url, "provenance": {"predicateType": built}}
        return dist


def dist_tags(releases: Sequence[PlannedRelease]) -> dict[str, str]:
    """``latest`` is the highest stable version; each other major has its newest under ``latest-N``."""
    ordered = sorted({release.version for release in releases}, key=semver.Version.parse)
    stable = [version for version in ordered if not semver.Version.parse(version).prerelease]
    tags = {"latest": (stable or ordered)[-1]}
    top = semver.Version.parse(tags["latest"]).major
    for version in stable:
        major = semver.Version.parse(version).major
        if major != top:
            tags[f"latest-{major}"] = version
    if ordered[-1] != tags["latest"]:
        tags["next"] = ordered[-1]
    return tags


def _manifest(stored: StoredFile) -> Json:
    manifest: Json = json.loads(stored.artifact.metadata or b"{}")
    return manifest


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

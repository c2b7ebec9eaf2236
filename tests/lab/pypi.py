"""What the package index shows at a moment: Simple API, legacy JSON, Integrity API.

Follows PEP 691/700/740/792 (Simple JSON 1.4) and the index's own documentation of its JSON and Integrity APIs.
A removed or quarantined release is in none of the listings; a removed file's provenance is gone with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from packaging.version import Version

from tests.lab.artifacts import normalized
from tests.lab.plan import PlannedRelease
from tests.lab.scenario import Scenario
from tests.lab.store import JournalRow, StoredFile

Json = dict[str, Any]

API_VERSION = "1.4"


@dataclass(frozen=True)
class Urls:
    """Where the index and its file store are reached."""

    index: str
    files: str


@dataclass(frozen=True)
class IndexView:
    """The index at one moment."""

    scenario: Scenario
    releases: Sequence[PlannedRelease]
    stored: Sequence[StoredFile]
    journal: Sequence[JournalRow]
    advisories: Sequence[Json]
    moment: datetime

    @property
    def name(self) -> str:
        """The normalised project name, which the URLs carry."""
        return normalized(self.scenario.project)

    @property
    def exists(self) -> bool:
        """Whether anything has been published by now."""
        return any(release.published <= self.moment for release in self.releases)

    @property
    def last_serial(self) -> int:
        """The serial of the project's newest journal row."""
        return max((row.serial for row in self.journal if row.moment <= self.moment), default=0)

    @property
    def owners(self) -> list[str]:
        """The accounts that have published by now, which is all that the index tells of a scenario's accounts."""
        named = {release.row.account for release in self.releases if release.published <= self.moment}
        return sorted(named - {""}) or ["maintainer"]

    def listed(self) -> list[PlannedRelease]:
        """The releases that the index lists."""
        return [release for release in self.releases if release.listed(self.moment)]

    def files(self, version: str | None = None) -> list[StoredFile]:
        """The files that the index lists, in order of upload."""
        return [
            stored
            for stored in self.stored
            if stored.release.listed(self.moment)
            and stored.uploaded <= self.moment
            and version in (None, stored.release.version)
        ]

    def stored_at(self, path: str) -> StoredFile | None:
        """A file in the store, which forgets nothing, by its path below ``/packages/``."""
        for stored in self.stored:
            if stored.path == path and stored.uploaded <= self.moment:
                return stored
        return None

    def simple(self, urls: Urls) -> Json:
        """The project page of the Simple API."""
        files = self.files()
        versions = {stored.release.version for stored in files}
        return {
            "meta": {"api-version": API_VERSION, "_last-serial": self.last_serial},
            "name": self.name,
            "project-status": {"status": "active"},
            "versions": sorted(versions, key=Version),
            "files": [self._simple_file(stored, urls) for stored in files],
        }

    def simple_index(self) -> Json:
        """The list of all projects: this one."""
        projects = [{"name": self.scenario.project, "_last-serial": self.last_serial}] if self.exists else []
        return {"meta": {"api-version": API_VERSION, "_last-serial": self.last_serial}, "projects": projects}

    def legacy(self, urls: Urls) -> Json | None:
        """The legacy JSON of the project, or ``None`` when no release is listed."""
        listed = self.listed()
        if not listed:
            return None
        latest = max(listed, key=lambda release: self._rank(release))
        page = self._legacy_page(latest, urls)
        page["releases"] = {
            release.version: [self._legacy_file(stored, urls) for stored in self.files(release.version)]
            for release in sorted(listed, key=lambda release: Version(release.version))
        }
        return page

    def legacy_version(self, version: str, urls: Urls) -> Json | None:
        """The legacy JSON of one version, or ``None`` when it is not listed."""
        for release in self.listed():
            if Version(release.version) == Version(version):
                return self._legacy_page(release, urls)
        return None

    def provenance(self, version: str, filename: str) -> tuple[int, Json]:
        """Status and body of the Integrity API.

        Provenance is deleted with its file; a quarantined release keeps its rows, so its provenance is still read.
        """
        for stored in self.stored:
            release = stored.release
            gone = release.removed is not None and release.removed <= self.moment
            if stored.filename != filename or release.version != version or gone or stored.uploaded > self.moment:
                continue
            if stored.provenance is None:
                return 404, {"message": f"No provenance available for {filename}"}
            return 200, stored.provenance
        return 404, {"message": "Not Found"}

    def _rank(self, release: PlannedRelease) -> tuple[bool, bool, Version]:
        version = Version(release.version)
        return (not self._yanked(release), not version.is_prerelease, version)

    def _yanked(self, release: PlannedRelease) -> bool:
        return release.yanked_from is not None and release.yanked_from <= self.moment

    def _simple_file(self, stored: StoredFile, urls: Urls) -> Json:
        metadata = _metadata_hash(stored)
        version = stored.release.version
        provenance = f"{urls.index}/integrity/{self.name}/{version}/{stored.filename}/provenance"
        return {
            "filename": stored.filename,
            "url": f"{urls.files}/packages/{stored.path}",
            "hashes": {"sha256": stored.sha256},
            "requires-python": ">=3.8",
            "size": len(stored.artifact.data),
            "upload-time": _iso(stored.uploaded),
            "yanked": self._yanked(stored.release),
            "data-dist-info-metadata": metadata,
            "core-metadata": metadata,
            "provenance": provenance if stored.provenance is not None else None,
        }

    def _legacy_file(self, stored: StoredFile, urls: Urls) -> Json:
        return {
            "comment_text": "",
            "core-metadata": _metadata_hash(stored),
            "digests": {"blake2b_256": stored.blake2b, "md5": stored.md5, "sha256": stored.sha256},
            "downloads": -1,
            "filename": stored.filename,
            "has_sig": False,
            "md5_digest": stored.md5,
            "packagetype": stored.packagetype,
            "python_version": stored.python_version,
            "requires_python": ">=3.8",
            "size": len(stored.artifact.data),
            "upload_time": stored.uploaded.strftime("%Y-%m-%dT%H:%M:%S"),
            "upload_time_iso_8601": _iso(stored.uploaded),
            "url": f"{urls.files}/packages/{stored.path}",
            "yanked": self._yanked(stored.release),
            "yanked_reason": None,
        }

    def _legacy_page(self, release: PlannedRelease, urls: Urls) -> Json:
        return {
            "info": self._info(release, urls),
            "last_serial": self.last_serial,
            "ownership": {
                "roles": [{"role": "Owner", "user": user} for user in self.owners],
                "organization": None,
            },
            "urls": [self._legacy_file(stored, urls) for stored in self.files(release.version)],
            "vulnerabilities": [_vulnerability(record) for record in self._advisories_of(release.version)],
        }

    def _info(self, release: PlannedRelease, urls: Urls) -> Json:
        page = f"{urls.index}/project/{self.name}/"
        source = self.scenario.repository.url
        return {
            **dict.fromkeys(_EMPTY_INFO, None),
            "classifiers": [],
            "description": f"# {self.scenario.project}",
            "description_content_type": "text/markdown",
            "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
            "name": self.scenario.project,
            "package_url": page,
            "project_url": page,
            "project_urls": {"Source": source},
            "release_url": f"{page}{release.version}/",
            "requires_python": ">=3.8",
            "summary": f"{self.scenario.project}, rebuilt by a test lab",
            "version": release.version,
            "yanked": self._yanked(release),
        }

    def _advisories_of(self, version: str) -> list[Json]:
        return [record for record in self.advisories if version in record["affected"][0]["versions"]]


_EMPTY_INFO = (
    "author",
    "author_email",
    "bugtrack_url",
    "docs_url",
    "download_url",
    "dynamic",
    "home_page",
    "keywords",
    "license",
    "license_expression",
    "license_files",
    "maintainer",
    "maintainer_email",
    "platform",
    "provides_extra",
    "requires_dist",
    "yanked_reason",
)


def _vulnerability(record: Json) -> Json:
    """An advisory as the legacy JSON lists it."""
    return {
        "aliases": record["aliases"],
        "details": record["details"],
        "fixed_in": [],
        "id": record["id"],
        "link": f"https://osv.dev/vulnerability/{record['id']}",
        "source": "osv",
        "summary": record["summary"],
        "withdrawn": None,
    }


def _metadata_hash(stored: StoredFile) -> Json | bool:
    metadata = stored.artifact.metadata
    return {"sha256": hashlib.sha256(metadata).hexdigest()} if metadata is not None else False


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

"""What the index holds: uploaded files with their digests and provenance, and the journal of changes."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from tests.lab.artifacts import Artifact
from tests.lab.plan import PlannedRelease

_JOURNAL_ANCHOR = (datetime(2024, 9, 5, 11, 11, 15, tzinfo=UTC), 24_891_358)
JOURNAL_START = datetime(2003, 3, 1, tzinfo=UTC)
_SERIALS_PER_SECOND = 21_000 / 86_400


@dataclass(frozen=True)
class StoredFile:
    """One upload. ``provenance`` is the PEP 740 object, or npm's attestations; ``None`` without attestation."""

    release: PlannedRelease
    artifact: Artifact
    uploaded: datetime
    provenance: dict[str, Any] | None

    @property
    def filename(self) -> str:
        """The file's name."""
        return self.artifact.filename

    @cached_property
    def sha256(self) -> str:
        """SHA-256 in hex."""
        return hashlib.sha256(self.artifact.data).hexdigest()

    @cached_property
    def md5(self) -> str:
        """MD5 in hex."""
        return hashlib.md5(self.artifact.data, usedforsecurity=False).hexdigest()

    @cached_property
    def blake2b(self) -> str:
        """BLAKE2b-256 in hex."""
        return hashlib.blake2b(self.artifact.data, digest_size=32).hexdigest()

    @cached_property
    def sha1(self) -> str:
        """SHA-1 in hex, npm's ``shasum``."""
        return hashlib.sha1(self.artifact.data, usedforsecurity=False).hexdigest()

    @cached_property
    def sha512(self) -> str:
        """SHA-512 in hex."""
        return hashlib.sha512(self.artifact.data).hexdigest()

    @property
    def integrity(self) -> str:
        """SHA-512 as npm writes it: algorithm and base64."""
        return f"sha512-{base64.b64encode(bytes.fromhex(self.sha512)).decode()}"

    @cached_property
    def unpacked(self) -> tuple[int, int]:
        """How many files a tarball holds, and their bytes in all."""
        with tarfile.open(fileobj=io.BytesIO(self.artifact.data)) as archive:
            sizes = [member.size for member in archive if member.isfile()]
        return len(sizes), sum(sizes)

    @property
    def path(self) -> str:
        """Where the file store keeps the file: the BLAKE2b digest split 2/2/60."""
        digest = self.blake2b
        return f"{digest[:2]}/{digest[2:4]}/{digest[4:]}/{self.filename}"

    @property
    def packagetype(self) -> str:
        """The upload's file type, as the index names it."""
        return {"wheel": "bdist_wheel", "sdist": "sdist", "tarball": "tarball"}[self.artifact.kind]

    @property
    def python_version(self) -> str:
        """The Python tag, as the index names it."""
        return "py3" if self.artifact.kind == "wheel" else "source"

    @property
    def uploaded_via(self) -> str:
        """The upload client's User-Agent, which only the exported metadata shows."""
        return "python-requests/2.32.3" if self.by_hand else "twine/5.1.1 CPython/3.12.7"

    @property
    def by_hand(self) -> bool:
        """Whether somebody else's machine uploaded it."""
        return self.release.row.malicious and not self.release.attested


@dataclass(frozen=True)
class JournalRow:
    """One row of the index's journal, as ``changelog_since_serial`` gives it."""

    project: str
    version: str | None
    moment: datetime
    action: str
    serial: int

    def row(self) -> list[object]:
        """The row as XML-RPC carries it."""
        return [self.project, self.version, int(self.moment.timestamp()), self.action, self.serial]


def build_journal(project: str, releases: tuple[PlannedRelease, ...], files: list[StoredFile]) -> list[JournalRow]:
    """All uploads, yanks, quarantines and removals of a project, in order, with rising serials."""
    events: list[tuple[datetime, str | None, str]] = []
    if releases:
        events.append((releases[0].published, None, "create"))
        events.append((releases[0].published, None, "add Owner maintainer"))
    uploads: dict[str, list[StoredFile]] = {}
    for stored in files:
        uploads.setdefault(stored.release.version, []).append(stored)
    for release in releases:
        events.append((release.published, release.version, "new release"))
        for stored in uploads.get(release.version, []):
            events.append((stored.uploaded, release.version, f"add {stored.python_version} file {stored.filename}"))
        for moment, action in (
            (release.yanked_from, "yank release"),
            (release.quarantined_from, "release quarantined"),
            (release.removed, "remove release"),
        ):
            if moment is not None:
                events.append((moment, release.version, action))
    events.sort(key=lambda event: event[0])
    rows: list[JournalRow] = []
    for moment, version, action in events:
        serial = max(serial_at(moment), rows[-1].serial + 1 if rows else 1)
        rows.append(JournalRow(project, version, moment, action, serial))
    return rows


def serial_at(moment: datetime) -> int:
    """The serial that the journal had reached at a moment; it grows faster since the anchor than before."""
    anchor, serial = _JOURNAL_ANCHOR
    if moment >= anchor:
        return serial + int((moment - anchor).total_seconds() * _SERIALS_PER_SECOND)
    share = (moment - JOURNAL_START).total_seconds() / (anchor - JOURNAL_START).total_seconds()
    return max(1, int(serial * share))

"""Attestations that a host of source code keeps beside the index: of which file it was asked in which repository."""

from __future__ import annotations

import re
from dataclasses import dataclass

from forensics.model.attestation import Attestation

_REPOSITORY = re.compile(r"https://github\.com/([A-Za-z0-9_][A-Za-z0-9._-]{0,99}/[A-Za-z0-9_.-]{1,100})/?")


@dataclass(frozen=True, slots=True, order=True)
class FileRef:
    """One file by the SHA-256 of its bytes (hex), and the repository (`owner/name`) that is asked about it."""

    repository: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Held:
    """An attestation that GitHub holds for the file of *ref*, as it verifies here. The index did not state it."""

    ref: FileRef
    attestation: Attestation


def github_repository(uri: str | None) -> str | None:
    """Return `owner/name` of the address of a repository on GitHub, None for an address of another shape."""
    match = _REPOSITORY.fullmatch(uri or "")
    return match.group(1) if match and ".." not in match.group(1) else None

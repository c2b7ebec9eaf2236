"""What a lockfile says, whichever tool wrote it: pins with digests, and ranges that nothing fixed."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from forensics.model.project import Ecosystem

MAX_BYTES = 32 * 2**20
"""Largest lockfile that is read; the largest ones in public repositories have a tenth of that."""
MAX_PINS = 200_000
"""Most pins of one lockfile."""
MAX_NAME = 300
"""Longest name or version that is read; no index allows that much."""

DIGEST_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}
"""Hex digits by algorithm."""

# PEP 508 and the registry's rules, wide enough for old packages.
_NAMES = {
    Ecosystem.PYPI: re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"),
    Ecosystem.NPM: re.compile(r"(?:@[A-Za-z0-9._~-]+/)?[A-Za-z0-9._~-]+"),
}


@dataclass(frozen=True, slots=True)
class Pin:
    """One version of one package that a lockfile fixes.

    `files` are pairs of a file name, empty where the format gives none, and a digest as `sha256:<hex>`, sorted.
    `where` says for a person where it stands: a line, or a key.
    """

    ecosystem: Ecosystem
    name: str
    version: str
    files: tuple[tuple[str, str], ...]
    where: str

    @property
    def digests(self) -> tuple[str, ...]:
        """All digests of its files, sorted, each once."""
        return tuple(sorted({digest for _, digest in self.files}))


@dataclass(frozen=True, slots=True)
class Requirement:
    """A range of versions that a manifest allows and does not fix. `specifier` is as written, empty for any version."""

    ecosystem: Ecosystem
    name: str
    specifier: str
    where: str


@dataclass(frozen=True, slots=True)
class Lockfile:
    """What was read of one lockfile or manifest. `kind` is a word of `KINDS`.

    `unread` are lines of requirements from which neither version nor range can be told: where, and as written.
    """

    kind: str
    pins: tuple[Pin, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


def pin(
    ecosystem: Ecosystem, name: object, version: object, files: list[tuple[str, str | None]], where: str
) -> Pin | None:
    """Return the pin, its name normalised; None where name or version are none."""
    known = project_name(ecosystem, name)
    if known is None or not isinstance(version, str) or not 0 < len(version) <= MAX_NAME:
        return None
    stated = sorted({(filename[:MAX_NAME], digest) for filename, digest in files if digest})
    return Pin(ecosystem, known, version, tuple(stated), where)


def project_name(ecosystem: Ecosystem, name: object) -> str | None:
    """Return *name* as the index spells it (PEP 503 on PyPI); None for what is no name."""
    if not isinstance(name, str) or len(name) > MAX_NAME or not _NAMES[ecosystem].fullmatch(name):
        return None
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem is Ecosystem.PYPI else name


def digest_of(value: object) -> str | None:
    """Return `sha256:<hex>` of what is written as `sha256:…` or `sha256=…`, a bare SHA-256 included; else None."""
    if not isinstance(value, str):
        return None
    algorithm, mark, hexes = value.strip().lower().partition("=" if "=" in value else ":")
    if not mark:
        algorithm, hexes = "sha256", algorithm
    if len(hexes) != DIGEST_LENGTHS.get(algorithm) or not re.fullmatch(r"[0-9a-f]+", hexes):
        return None
    return f"{algorithm}:{hexes}"


def digests_of_integrity(value: object) -> list[str]:
    """Return the digests of an integrity string, such as `sha512-<base64> sha1-<base64>?opt`; strongest first.

    Source: W3C Subresource Integrity, as npm uses it. What is malformed is left out.
    """
    found = []
    for word in value.split()[:20] if isinstance(value, str) else []:
        algorithm, _, encoded = word.partition("?")[0].partition("-")
        try:
            raw = binascii.a2b_base64(encoded, strict_mode=True)
        except (binascii.Error, ValueError):
            continue
        if len(raw) * 2 == DIGEST_LENGTHS.get(algorithm):
            found.append(f"{algorithm}:{raw.hex()}")
    return sorted(dict.fromkeys(found), key=lambda d: -len(d))


def filename_of(url: object) -> str:
    """Return the last part of a URL or path, without query and fragment; empty where there is none."""
    if not isinstance(url, str):
        return ""
    return url.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2][:MAX_NAME]

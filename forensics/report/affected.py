"""Are you affected: blocks to copy into a shell or a lockfile check. Only harmless text gets into a command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forensics.model.document import Document, ReleaseDoc
from forensics.report.words import flagged

# What may stand inside a shell command: nothing that a shell or a regular expression treats as its own but the dot.
_SAFE = re.compile(r"[A-Za-z0-9._+!~-]{1,100}")
_SAFE_NAME = re.compile(r"(?:@[A-Za-z0-9._~-]+/)?[A-Za-z0-9._~-]{1,214}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILENAME = re.compile(r"[A-Za-z0-9._+!~@-]{1,200}")
_LOCKFILES = {
    "pypi": (
        "requirements*.txt",
        "constraints*.txt",
        "poetry.lock",
        "uv.lock",
        "pdm.lock",
        "pylock*.toml",
        "Pipfile.lock",
    ),
    "npm": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """One block to copy, with its heading, what to do with it, and its text."""

    id: str
    title: str
    note: str
    text: str


def blocks(document: Document) -> tuple[Block, ...]:
    """Return the blocks for the flagged releases; empty where none is flagged."""
    suspects = [release for release in document["releases"] if flagged(release["verdict"])]
    name = document["project"]["name"]
    versions = [release["version"] for release in suspects if _SAFE.fullmatch(release["version"])]
    found: list[Block] = []
    if versions and _SAFE_NAME.fullmatch(name):
        ecosystem = document["project"]["ecosystem"]
        found.append(
            Block(
                "versions", "Affected versions", "One version specifier a line.", _specifiers(ecosystem, name, versions)
            )
        )
        found.append(Block("lockfiles", "Look in lockfiles", "Run where your repositories are checked out. Each line it prints names a flagged version.", _grep(ecosystem, name, versions)))  # fmt: skip
    hashes = _hashes(suspects)
    if hashes:
        found.append(
            Block(
                "hashes",
                "SHA-256 of the affected files",
                "For artifact stores, proxies, caches and endpoint search.",
                hashes,
            )
        )
    return tuple(found)


def unsafe(document: Document) -> list[str]:
    """Return the flagged versions that no command names, because their text is not harmless in a shell."""
    if not _SAFE_NAME.fullmatch(document["project"]["name"]):
        return [release["version"] for release in document["releases"] if flagged(release["verdict"])]
    return [r["version"] for r in document["releases"] if flagged(r["verdict"]) and not _SAFE.fullmatch(r["version"])]


def unhashed(document: Document) -> list[str]:
    """Return the flagged versions of which the document knows no file hash at all."""
    return [
        release["version"]
        for release in document["releases"]
        if flagged(release["verdict"]) and not any(file["sha256"] for file in release["files"])
    ]


def _specifiers(ecosystem: str, name: str, versions: Sequence[str]) -> str:
    separator = "@" if ecosystem == "npm" else "=="
    return "\n".join(f"{name}{separator}{version}" for version in versions)


def _hashes(suspects: Iterable[ReleaseDoc]) -> str:
    lines = []
    for release in suspects:
        for file in release["files"]:
            if file["sha256"] and _SHA256.fullmatch(file["sha256"]):
                filename = file["filename"] if _FILENAME.fullmatch(file["filename"]) else "(name not shown here)"
                lines.append(f"{file['sha256']}  {filename}")
    return "\n".join(dict.fromkeys(lines))


def _grep(ecosystem: str, name: str, versions: Sequence[str]) -> str:
    alternatives = "|".join(_literal(version) for version in versions)
    includes = " ".join(f"--include='{pattern}'" for pattern in _LOCKFILES.get(ecosystem, _LOCKFILES["pypi"]))
    if ecosystem == "npm":
        project = f"(^|[\"'/ ]){_literal(name)}(\"|'|@|:)"
        version = f"(^|[^0-9A-Za-z.])({alternatives})([^0-9A-Za-z.+-]|$)"
    else:
        project = re.sub(r"[-_.]+", "[-_.]+", name)
        project = f"(^|[^0-9A-Za-z._-]){project}([^0-9A-Za-z._-]|$)"
        version = f"(^|[^0-9A-Za-z.])v?({alternatives})([^0-9A-Za-z.+-]|$)"
    project = project.replace("'", "'\\''")
    return f"grep -rniE -A4 {includes} \\\n  '{project}' . \\\n  | grep -E '{version}'"


def _literal(text: str) -> str:
    return re.sub(r"([.+])", r"\\\1", text)

"""Are you affected: blocks to copy into a shell or a lockfile check. Only harmless text gets into a command."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forensics.model.document import Document, ReleaseDoc
from forensics.report.words import flagged

# What may stand inside a shell command: nothing that a shell or a regular expression treats as its own but the dot.
_SAFE = re.compile(r"[A-Za-z0-9._+!~-]{1,100}")
_SAFE_NAME = re.compile(r"(?:@[A-Za-z0-9._~-]+/)?[A-Za-z0-9._~-]{1,214}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BY_HASH = "cut -c1-64 affected.sha256 | grep -rnIF --exclude=affected.sha256 -f - ."
_BY_INTEGRITY = "cut -d' ' -f1 affected.integrity | grep -rnIF --exclude=affected.integrity -f - ."
_SHA512 = re.compile(r"[0-9a-f]{128}")
_FILENAME = re.compile(r"[A-Za-z0-9._+!~@-]{1,200}")
_PYPI_FILES = ("requirements*.txt", "constraints*.txt", "*.lock", "pylock*.toml")
_NPM_FILES = (
    "package-lock.json",
    ".package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
)
_PIPENV_LINES = 400
"""Lines from a package's name to its version in a Pipfile.lock: all its digests stand between them."""


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
        text = "\n".join(f"{name}{'@' if ecosystem == 'npm' else '=='}{version}" for version in versions)
        found.append(Block("versions", "Affected versions", "One a line.", text))
        note = "Run where your repositories are checked out: each line it prints names a flagged version."
        search = _npm_search(name, versions) if ecosystem == "npm" else _pypi_search(name, versions)
        found.append(Block("lockfiles", "Look in lockfiles", note, search))
        note = "Reads every format, compares digests, and tells when: also in git histories. CASE is this case."
        found.append(Block("exposure", "Look with this tool", note, "forensics exposure . --history --case CASE"))
    hashes = _hashes(suspects)
    if hashes:
        note = "For artifact stores, proxies, caches and endpoint search; saved as affected.sha256, also for lockfiles."
        found.append(Block("hashes", "SHA-256 of the affected files", note, hashes))
        found.append(Block("by-hash", "Look for the hashes", "Also finds lockfiles of other tools.", _BY_HASH))
    integrity = _integrity(suspects)
    if integrity:
        note = "As lockfiles of npm, pnpm and yarn write it; saved as affected.integrity."
        found.append(Block("integrity", "Integrity of the affected files", note, integrity))
        found.append(Block("by-integrity", "Look for the integrity", "Finds lockfiles that pin them.", _BY_INTEGRITY))
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
        if flagged(release["verdict"]) and not any(file["sha256"] or file["sha512"] for file in release["files"])
    ]


def _hashes(suspects: Iterable[ReleaseDoc]) -> str:
    lines = []
    for release in suspects:
        for file in release["files"]:
            if file["sha256"] and _SHA256.fullmatch(file["sha256"]):
                filename = file["filename"] if _FILENAME.fullmatch(file["filename"]) else "(name not shown here)"
                lines.append(f"{file['sha256']}  {filename}")
    return "\n".join(dict.fromkeys(lines))


def _integrity(suspects: Iterable[ReleaseDoc]) -> str:
    """The SHA-512 of files as subresource integrity, which is how lockfiles of npm name a tarball."""
    lines = []
    for release in suspects:
        for file in release["files"]:
            if file["sha512"] and _SHA512.fullmatch(file["sha512"]):
                filename = file["filename"] if _FILENAME.fullmatch(file["filename"]) else "(name not shown here)"
                encoded = base64.b64encode(bytes.fromhex(file["sha512"])).decode()
                lines.append(f"sha512-{encoded}  {filename}")
    return "\n".join(dict.fromkeys(lines))


def _pypi_search(name: str, versions: Sequence[str]) -> str:
    project = re.sub(r"[-_.]+", "[-_.]+", name)
    version = f"v?({_alternatives(versions)})"
    one_line = f'(^|[^0-9A-Za-z._-]){project}(\\[[^]]*\\])?[ "]*={{2,3}}[ "]*{version}([^0-9A-Za-z.+-]|$)'
    named = f'^name = "{project}"'
    return (
        f"grep -rnIiE {_includes(_PYPI_FILES)} '{one_line}' .\n"
        f"grep -rnIiE -A1 {_includes(_PYPI_FILES[2:])} '{named}' . | grep -E 'version = \"{version}\"'\n"
        f"grep -rnIiE -A{_PIPENV_LINES} --include='Pipfile.lock' '^ +\"{project}\": \\{{' . | "
        f"awk '/Pipfile.lock:/ {{ inside = 1 }} /\"version\":/ && inside {{ print; inside = 0 }}' | "
        f"grep -E '\"=={version}\"'"
    )


def _npm_search(name: str, versions: Sequence[str]) -> str:
    project = f'(^|[^0-9A-Za-z@._~-]){_literal(name)}["@/:]'
    version = f"(^|[^0-9A-Za-z.])({_alternatives(versions)})([^0-9A-Za-z.+-]|$)"
    return f"grep -rnIE -A1 {_includes(_NPM_FILES)} '{project}' . | grep -E '{version}'"


def _includes(patterns: Iterable[str]) -> str:
    return " ".join(f"--include='{pattern}'" for pattern in patterns)


def _alternatives(versions: Iterable[str]) -> str:
    return "|".join(_literal(version) for version in versions)


def _literal(text: str) -> str:
    return re.sub(r"([.+])", r"\\\1", text)

"""The bytes of artifacts, from the index's file store: which are worth having, and fetching them while they are there.

PyPI's store keeps what the index deletes, under a path made of the file's BLAKE2b digest, but nobody promises for how
long; npm's registry serves tarballs itself, and only of listed versions. The address is the configured one, never what
an index's answer says. Source: PyPI's API documentation; PEP 691; npm's registry documentation.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from forensics.model.checked import NotChecked
from forensics.model.endpoints import Endpoints
from forensics.model.finding import Assessment
from forensics.model.release import Artifact, Release
from forensics.sources.interface import Witness

if TYPE_CHECKING:
    from forensics.evidence.case import Case
    from forensics.evidence.client import Client

NAME = "file store"
NEWEST = 3
"""Latest releases whose bytes are fetched although nothing is wrong with them yet."""
EARLIER = 3
"""Releases before each of them: two predecessors, and one more to learn from what builds always change."""
EARLIER_OF_SUSPECTS = 5
"""Releases before each suspect: what a comparison of sizes needs."""
MAX_SUSPECTS = 60
FILES_OF_SUSPECT = 8
_KINDS = ("sdist", "tarball", "wheel")
_SHA256 = 64
AT_ONCE = 4
_TARBALL_PATH = re.compile(
    r"/((?:@[a-z0-9~_][\w.~-]*/)?[a-z0-9~_][\w.~-]*)/-/([^/\\%\x00-\x20\x7f]{1,300}\.tgz)", re.ASCII | re.I
)
_STORE_PATH = re.compile(r"(/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/)([^/\\\x00-\x1f\x7f]{1,300})")


class FilePolicy(StrEnum):
    """Whose bytes are fetched: nobody's, those of suspects and the latest releases with their past, or all."""

    NONE = "none"
    SUSPECTS = "suspects"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class FileOptions:
    """Which files to fetch, and at most how many bytes for one file and in one run; those of *also* in any case."""

    policy: FilePolicy = FilePolicy.SUSPECTS
    each: int = 64 * 2**20
    total: int = 512 * 2**20
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file to fetch: its path in the store, and the SHA-256 or SHA-512 (hex) that it is stated to have."""

    version: str
    filename: str
    digest: str
    path: str
    size: int | None


def wanted_files(assessments: Sequence[Assessment], options: FileOptions | None = None) -> tuple[WantedFile, ...]:
    """Return the files whose bytes are wanted, most urgent first. *assessments* are in order of publication.

    Suspects are releases that are flagged, and those that the index no longer lists; newest first, each followed by
    the releases that it will be compared with. Then the latest releases with theirs.
    """
    options = options or FileOptions()
    if options.policy is FilePolicy.NONE:
        return ()
    order: dict[str, WantedFile] = {}

    def take(assessment: Assessment, most: int | None = None) -> None:
        for artifact in chosen_artifacts(assessment.release, most):
            wanted = _wanted(assessment.release, artifact)
            order.setdefault(wanted.digest, wanted)

    for assessment in assessments:
        if assessment.release.version in options.also:
            take(assessment, FILES_OF_SUSPECT)
    suspects = [a for a in assessments if a.verdict.flagged or a.release.listed is False]
    for assessment in reversed(suspects[-MAX_SUSPECTS:]):
        take(assessment, FILES_OF_SUSPECT)
    for assessment in reversed(suspects[-MAX_SUSPECTS:]):
        for earlier in _before(assessments, assessment, EARLIER_OF_SUSPECTS):
            take(earlier)
    newest = [a for a in assessments if a.release.listed][-NEWEST:]
    for assessment in reversed(newest):
        take(assessment)
    for assessment in reversed(newest):
        for earlier in _before(assessments, assessment, EARLIER):
            take(earlier)
    if options.policy is FilePolicy.ALL:
        for assessment in reversed(assessments):
            take(assessment, len(assessment.release.artifacts))
    return tuple(order.values())


def chosen_artifacts(release: Release, most: int | None = None) -> list[Artifact]:
    """Return the files of *release* that stand for it: a tarball, an sdist, a wheel for all platforms and one for one.

    With *most*, up to so many files, those first. Only files whose digest and place in the store are known.
    """
    known = [a for a in release.artifacts if a.digest and a.kind in _KINDS]
    known = [a for a in known if _STORE_PATH.fullmatch(a.path or "") or _TARBALL_PATH.fullmatch(a.path or "")]
    known.sort(key=_preference)
    if most is not None:
        return known[:most]
    chosen: dict[str, Artifact] = {}
    for artifact in known:
        chosen.setdefault(artifact.sort, artifact)
    return list(chosen.values())


def _preference(artifact: Artifact) -> tuple[int, int, str]:
    name = artifact.filename
    if artifact.kind != "wheel":
        return (0, 0 if name.endswith((".tar.gz", ".tgz")) else 1, name)
    platform = 0 if name.endswith("-any.whl") else 1 if "manylinux" in name and "x86_64" in name else 2
    return (1, platform, name)


def _wanted(release: Release, artifact: Artifact) -> WantedFile:
    assert artifact.digest
    assert artifact.path
    return WantedFile(release.version, artifact.filename, artifact.digest, artifact.path, artifact.size)


def _before(assessments: Sequence[Assessment], one: Assessment, count: int) -> list[Assessment]:
    """Return the latest *count* releases before *one* that may serve as its past, its own line first."""
    past: list[Assessment] = []
    for assessment in assessments:
        if assessment is one:
            break
        if assessment.release.listed and not assessment.verdict.flagged:
            past.append(assessment)
    own = [a for a in past if a.line == one.line][-count:]
    return list(reversed(own)) or list(reversed(past[-count:]))


def file_url(endpoints: Endpoints, path: str) -> str | None:
    """Return where the configured store keeps the file at *path*, None for a path that is not one of the store's."""
    tarball = _TARBALL_PATH.fullmatch(path)
    if tarball is not None:
        name = quote(tarball.group(2), safe="+-._~@")
        return f"{endpoints['npm']}/{tarball.group(1)}/-/{name}" if "npm" in endpoints.urls else None
    match = _STORE_PATH.fullmatch(path)
    if match is None or match.group(2) in {".", ".."}:
        return None
    return endpoints["files"] + match.group(1) + quote(match.group(2), safe="+-._~!")


async def fetch_files(
    client: Client,
    endpoints: Endpoints,
    wanted: Sequence[WantedFile],
    case: Case,
    options: FileOptions,
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Fetch what is *wanted* and not yet in *case*, in that order; return in words what could not be had.

    Bytes that do not have the stated digest stay in the archive of exchanges and nowhere else.
    """
    witness = Witness(NAME)
    missing = [w for w in wanted if len(w.digest) != _SHA256 or not holds(case, w.digest)]
    left: list[WantedFile] = []
    spent = 0
    for start in range(0, len(missing), AT_ONCE):
        batch: list[WantedFile] = []
        for file in missing[start : start + AT_ONCE]:
            size = file.size or 0  # npm states none; what came is counted then
            fits = size <= options.each and spent + size <= options.total and spent < options.total
            (batch if fits else left).append(file)
            spent += size if fits else 0
        came = await asyncio.gather(*(_fetch(client, endpoints, file, case, witness) for file in batch))
        spent += sum(size for file, size in zip(batch, came, strict=True) if file.size is None)
        if progress:
            progress(min(start + AT_ONCE, len(missing)), len(missing))
    problems = [f"{NAME}: {witness.problem}"] if witness.problem else []
    if left:
        named = ", ".join(f.filename for f in left[:20]) + (" and more" if len(left) > 20 else "")
        problems.append(
            f"{NAME}: {len(left)} files were not fetched, for one may have {options.each:,} bytes and all together "
            f"{options.total:,}: {named}"
        )
    return problems


def holds(case: Case, sha256: str) -> bool:
    """Return whether *case* has the bytes of the artifact with this SHA-256 (hex)."""
    return case.store.size(f"data/files/{sha256}") is not None


async def _fetch(client: Client, endpoints: Endpoints, file: WantedFile, case: Case, witness: Witness) -> int:
    """Fetch one file into *case*; return how many bytes came."""
    url = file_url(endpoints, file.path)
    if url is None:
        return 0
    # As stored: a server that compressed it on the way would give it another digest.
    call = client.get(url, headers={"accept-encoding": "identity"})
    outcome = await witness.ask(call, "artifact")
    if isinstance(outcome, NotChecked):
        return 0
    answer = outcome.value
    if answer.status != 200:
        witness.miss(f"it answered HTTP {answer.status} for {file.filename}", "artifact", outcome.evidence)
    elif digest_like(file.digest, answer.body) != file.digest:
        words = f"the bytes of {file.filename} do not have the stated {name_of(file.digest)}"
        witness.miss(words, "artifact", outcome.evidence)
    else:
        case.save_file(hashlib.sha256(answer.body).hexdigest(), answer.body)
    return len(answer.body)


def digest_like(stated: str, data: bytes) -> str:
    """Return the digest of *data* (hex) of the kind that *stated* is: SHA-512, else SHA-256."""
    return (hashlib.sha256 if len(stated) == _SHA256 else hashlib.sha512)(data).hexdigest()


def name_of(digest: str) -> str:
    """Return what a digest in hex is called."""
    return "SHA-256" if len(digest) == _SHA256 else "SHA-512"

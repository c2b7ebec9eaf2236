"""The bytes of artifacts, from the index's file store: which are worth having, and fetching them while they are there.

The store keeps what the index deletes, under a path made of the file's BLAKE2b digest, but nobody promises for how
long. Its address is the configured one, never what an index's answer says. Source: PyPI's API documentation; PEP 691.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.finding import Assessment
from forensics.model.observation import Observation
from forensics.model.release import Artifact, Contradiction, Release, SourceStatus
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
AT_ONCE = 4
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
    """A file to fetch: its path in the store, and the SHA-256 (hex) that it is stated to have."""

    version: str
    filename: str
    sha256: str
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
            order.setdefault(wanted.sha256, wanted)

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
    """Return the files of *release* that stand for it: one sdist and one wheel, the one that runs most widely.

    With *most*, up to so many files, those first. Only files whose digest and place in the store are known.
    """
    known = [a for a in release.artifacts if a.sha256 and a.kind in {"sdist", "wheel"}]
    known = [a for a in known if _STORE_PATH.fullmatch(a.path or "")]
    known.sort(key=_preference)
    if most is not None:
        return known[:most]
    sdist = [a for a in known if a.kind == "sdist"][:1]
    return sdist + [a for a in known if a.kind == "wheel"][:1]


def _preference(artifact: Artifact) -> tuple[int, int, str]:
    name = artifact.filename
    if artifact.kind == "sdist":
        return (0, 0 if name.endswith(".tar.gz") else 1, name)
    platform = 0 if name.endswith("-any.whl") else 1 if "manylinux" in name and "x86_64" in name else 2
    return (1, platform, name)


def _wanted(release: Release, artifact: Artifact) -> WantedFile:
    assert artifact.sha256
    assert artifact.path
    return WantedFile(release.version, artifact.filename, artifact.sha256, artifact.path, artifact.size)


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

    Bytes that do not have the stated SHA-256 stay in the archive of exchanges and nowhere else.
    """
    witness = Witness(NAME)
    missing = [w for w in wanted if not holds(case, w.sha256)]
    left: list[WantedFile] = []
    spent = 0
    for start in range(0, len(missing), AT_ONCE):
        batch: list[WantedFile] = []
        for file in missing[start : start + AT_ONCE]:
            size = file.size if file.size is not None else options.each
            fits = size <= options.each and spent + size <= options.total
            (batch if fits else left).append(file)
            spent += size if fits else 0
        await asyncio.gather(*(_fetch(client, endpoints, file, case, witness) for file in batch))
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


async def _fetch(client: Client, endpoints: Endpoints, file: WantedFile, case: Case, witness: Witness) -> None:
    url = file_url(endpoints, file.path)
    if url is None:
        return
    # As stored: a server that compressed it on the way would give it another digest.
    call = client.get(url, headers={"accept-encoding": "identity"})
    outcome = await witness.ask(call, "artifact")
    if isinstance(outcome, NotChecked):
        return
    answer = outcome.value
    if answer.status != 200:
        witness.miss(f"it answered HTTP {answer.status} for {file.filename}", "artifact", outcome.evidence)
    elif hashlib.sha256(answer.body).hexdigest() != file.sha256:
        witness.miss(f"the bytes of {file.filename} do not have the stated SHA-256", "artifact", outcome.evidence)
    else:
        case.save_file(file.sha256, answer.body)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a case holds of the store: outcomes by SHA-256, bytes that were other ones than stated, and its status."""

    files: Mapping[str, Outcome[str]]
    contradictions: tuple[Contradiction, ...]
    status: SourceStatus | None


def read_fetched(
    releases: Iterable[Release], observations: Iterable[Observation], endpoints: Endpoints, case: Case
) -> Fetched:
    """Return from the record what became of every file that was asked for; nothing is asked of anyone."""
    asked: dict[str, list[Observation]] = {}
    base = endpoints.urls.get("files", "") + "/"
    for observation in observations:
        if observation.url.startswith(base):
            asked.setdefault(observation.url, []).append(observation)
    files: dict[str, Outcome[str]] = {}
    contradictions: list[Contradiction] = []
    status = SourceStatus(NAME, 0, 0)
    for release in releases:
        for artifact in release.artifacts:
            if not artifact.sha256:
                continue
            seen = asked.get(file_url(endpoints, artifact.path or "") or "", [])
            held = holds(case, artifact.sha256)
            if not seen and not held:
                continue
            outcome = files[artifact.sha256] = _outcome(artifact, seen, held=held)
            contradictions += _other_bytes(release, artifact, seen)
            status = _counted(status, outcome)
    return Fetched(files, tuple(contradictions), status if files else None)


def _outcome(artifact: Artifact, seen: list[Observation], *, held: bool) -> Outcome[str]:
    ids = tuple(o.id for o in seen)
    if held:
        assert artifact.sha256
        return Checked(artifact.sha256, tuple(o.id for o in seen if o.sha256 == artifact.sha256) or ids)
    last = seen[-1]
    if last.problem or last.status is None:
        why = f"the file store could not be asked for it ({last.problem})"
    elif last.status != 200:
        why = f"the file store answered HTTP {last.status}"
    elif last.sha256 != artifact.sha256:
        why = "the file store gave other bytes than the stated SHA-256 belongs to"
    else:
        why = "its bytes are in the record of exchanges only"
    return NotChecked(why, "artifact", ids)


def _other_bytes(release: Release, artifact: Artifact, seen: list[Observation]) -> list[Contradiction]:
    return [
        Contradiction(
            release.version,
            f"SHA-256 of {artifact.filename} as the file store gives it",
            str(artifact.sha256),
            other.sha256,
            tuple(dict.fromkeys((*artifact.evidence, other.id))),
        )
        for other in seen
        if other.status == 200 and other.sha256 and not other.problem and other.sha256 != artifact.sha256
    ]


def _counted(status: SourceStatus, outcome: Outcome[str]) -> SourceStatus:
    if isinstance(outcome, Checked):
        return replace(status, asked=status.asked + 1, answered=status.answered + 1)
    evidence = (*status.evidence, *outcome.evidence) if len(status.evidence) < 12 else status.evidence
    return replace(status, asked=status.asked + 1, problem=status.problem or outcome.reason, evidence=evidence)

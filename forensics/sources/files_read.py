"""What a case holds of the file store: which bytes came, which did not, and which were other ones than stated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.observation import Observation
from forensics.model.release import Artifact, Contradiction, Release, SourceStatus
from forensics.sources.files import NAME, digest_like, file_url, holds, name_of

if TYPE_CHECKING:
    from forensics.evidence.archive import Archive
    from forensics.evidence.case import Case


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a case holds of the store: the SHA-256 of the bytes by the stated digest, bytes that were other ones than
    stated, and how the store did.
    """

    files: Mapping[str, Outcome[str]]
    contradictions: tuple[Contradiction, ...]
    status: SourceStatus | None


def read_fetched(
    releases: Iterable[Release], observations: Iterable[Observation], endpoints: Endpoints, case: Case
) -> Fetched:
    """Return from the record what became of every file that was asked for; nothing is asked of anyone."""
    asked: dict[str, list[Observation]] = {}
    bases = tuple(endpoints.urls[key] + "/" for key in ("files", "npm") if endpoints.urls.get(key))
    for observation in observations:
        if observation.url.startswith(bases):
            asked.setdefault(observation.url, []).append(observation)
    files: dict[str, Outcome[str]] = {}
    contradictions: list[Contradiction] = []
    status = SourceStatus(NAME, 0, 0)
    with case.reading_archive() as archive:
        for release in releases:
            for artifact in release.artifacts:
                if not artifact.digest:
                    continue
                seen = asked.get(file_url(endpoints, artifact.path or "") or "", [])
                given = _given(artifact.digest, seen, archive)
                sha256 = _held(artifact.digest, given, case)
                if not seen and sha256 is None:
                    continue
                outcome = files[artifact.digest] = _outcome(artifact.digest, seen, given, sha256)
                contradictions += _other_bytes(release, artifact, given)
                status = _counted(status, outcome)
    return Fetched(files, tuple(contradictions), status if files else None)


Given = list[tuple[Observation, str]]
"""Answers with bytes, and the digest of these of the kind that the index states."""


def _given(stated: str, seen: list[Observation], archive: Archive) -> Given:
    answers = [o for o in seen if o.status == 200 and o.sha256 and not o.problem]
    if name_of(stated) == "SHA-256":
        return [(o, o.sha256) for o in answers if o.sha256]
    return [(o, digest_like(stated, archive.body(o.id))) for o in answers]


def _held(stated: str, given: Given, case: Case) -> str | None:
    """Return the SHA-256 under which the case has the file with the digest *stated*, None where it has not."""
    if name_of(stated) == "SHA-256":
        return stated if holds(case, stated) else None
    return next((o.sha256 for o, digest in given if digest == stated and o.sha256 and holds(case, o.sha256)), None)


def _outcome(stated: str, seen: list[Observation], given: Given, sha256: str | None) -> Outcome[str]:
    ids = tuple(o.id for o in seen)
    if sha256 is not None:
        return Checked(sha256, tuple(o.id for o, digest in given if digest == stated) or ids)
    last = seen[-1]
    if last.problem or last.status is None:
        why = f"the file store could not be asked for it ({last.problem})"
    elif last.status != 200:
        why = f"the file store answered HTTP {last.status}"
    elif not given or given[-1][1] != stated:
        why = f"the file store gave other bytes than the stated {name_of(stated)} belongs to"
    else:
        why = "its bytes are in the record of exchanges only"
    return NotChecked(why, "artifact", ids)


def _other_bytes(release: Release, artifact: Artifact, given: Given) -> list[Contradiction]:
    stated = str(artifact.digest)
    return [
        Contradiction(
            release.version,
            f"{name_of(stated)} of {artifact.filename} as the file store gives it",
            stated,
            other,
            tuple(dict.fromkeys((*artifact.evidence, observation.id))),
        )
        for observation, other in given
        if other != stated
    ]


def _counted(status: SourceStatus, outcome: Outcome[str]) -> SourceStatus:
    if isinstance(outcome, Checked):
        return replace(status, asked=status.asked + 1, answered=status.answered + 1)
    evidence = (*status.evidence, *outcome.evidence) if len(status.evidence) < 12 else status.evidence
    return replace(status, asked=status.asked + 1, problem=status.problem or outcome.reason, evidence=evidence)

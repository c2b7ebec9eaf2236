"""From the bytes that a case holds to what its artifacts contain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from forensics.compare.archive_pool import Job, read_many
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.contents import Contents
from forensics.model.endpoints import Endpoints
from forensics.model.observation import Observation
from forensics.model.release import Artifact, History, Release
from forensics.sources.files_read import Fetched, read_fetched

if TYPE_CHECKING:
    from forensics.evidence.case import Case

Progress = Callable[[int, int], None]


def with_contents(
    history: History,
    observations: Sequence[Observation],
    case: Case,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> History:
    """Return *history* with the contents of every artifact whose bytes *case* holds, and why others have none."""
    fetched = read_fetched(history.releases, observations, Endpoints(dict(case.meta.endpoints)), case)
    if fetched.status is None:
        return history
    contents = _read(history, fetched, case, workers, progress)
    status = fetched.status
    missed = [(status.source, NotChecked(status.problem, "artifact", status.evidence))] if status.problem else []
    return replace(
        history,
        releases=tuple(_release(release, fetched, contents) for release in history.releases),
        sources=(*history.sources, status),
        not_checked=(*history.not_checked, *missed),
        contradictions=(*history.contradictions, *fetched.contradictions),
    )


def _read(
    history: History, fetched: Fetched, case: Case, workers: int | None, progress: Progress | None
) -> dict[str, Outcome[Contents]]:
    """Return the contents by SHA-256: what was read before from the cache, the rest by worker processes."""
    files = {a.digest: a.filename for r in history.releases for a in r.artifacts if a.digest}
    names = {o.value: files[stated] for stated, o in fetched.files.items() if isinstance(o, Checked)}
    held = list(names)
    keys = _keys({sha256: names[sha256] for sha256 in held})
    found: dict[str, Outcome[Contents]] = {}
    for sha256 in held:
        if (known := _remembered(keys[sha256])) is not None:
            found[sha256] = Checked(known)
    rest = [sha256 for sha256 in held if sha256 not in found]
    jobs = [Job(names[sha256], partial(case.file, sha256)) for sha256 in rest]
    outcomes = read_many(jobs, workers=workers, progress=progress) if jobs else []
    for sha256, outcome in zip(rest, outcomes, strict=True):
        found[sha256] = outcome
        if isinstance(outcome, Checked):
            _remember(keys[sha256], outcome.value)
    return found


def _release(release: Release, fetched: Fetched, contents: Mapping[str, Outcome[Contents]]) -> Release:
    if not any(a.digest in fetched.files for a in release.artifacts):
        return release
    return replace(release, artifacts=tuple(_artifact(a, fetched, contents) for a in release.artifacts))


def _artifact(artifact: Artifact, fetched: Fetched, contents: Mapping[str, Outcome[Contents]]) -> Artifact:
    outcome = fetched.files.get(artifact.digest or "")
    if outcome is None:
        return artifact
    if isinstance(outcome, NotChecked):
        return replace(artifact, contents=outcome)
    artifact = replace(artifact, sha256=outcome.value)
    evidence = outcome.evidence or artifact.evidence
    read = contents[outcome.value]
    if isinstance(read, NotChecked):
        return replace(artifact, contents=replace(read, evidence=evidence))
    return replace(artifact, contents=Checked(read.value, evidence))


def _keys(names: Mapping[str, str]) -> dict[str, str]:
    """Return cache keys: the content, the name that tells its kind, and the code that would read it again."""
    from forensics.evidence import cache

    code = cache.key_of("contents")
    return {
        sha256: hashlib.sha256(f"{code}\n{sha256}\n{name}".encode("utf-8", "surrogatepass")).hexdigest()
        for sha256, name in names.items()
    }


def _remembered(key: str) -> Contents | None:
    import msgspec

    from forensics.evidence import cache

    data = cache.get(key)
    try:
        return msgspec.json.decode(data, type=Contents) if data is not None else None
    except msgspec.MsgspecError:
        return None


def _remember(key: str, contents: Contents) -> None:
    import msgspec

    from forensics.evidence import cache

    cache.put(key, msgspec.json.encode(contents))

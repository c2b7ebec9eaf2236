"""Events: every dated thing that any source says, with whose word the time is."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model.attestation import Attestation
from forensics.model.checked import Checked
from forensics.model.event import Event, Lane, TimeKind
from forensics.model.release import Artifact, History, Release
from forensics.model.times import to_iso
from forensics.timeline.advisories import report_events


def events_of(history: History) -> tuple[Event, ...]:
    """Return all events of *history*, by time, then lane, then text. Source of what each time proves: facts of
    Fulcio, Rekor and PyPI as told in `docs/concepts.md`.
    """
    found: list[Event] = []
    for release in history.releases:
        found += _of_release(release)
    found += _of_advisories(history)
    found += _of_log_only(history)
    found += report_events(history.advisories)
    found += history.told
    lanes = list(Lane)
    return tuple(sorted(found, key=lambda e: (e.at, lanes.index(e.lane), e.version or "", e.what, e.subject or "")))


def _of_release(release: Release) -> Iterator[Event]:
    yield from _of_source(release)
    for artifact in release.artifacts:
        yield from _of_artifact(release, artifact)
    dated = any(a.uploaded_at for a in release.artifacts)
    if release.published is not None and not dated:
        kind = next((k for k in TimeKind if release.published_by.startswith(k.value)), TimeKind.STATED_BY_RESPONDER)
        yield Event(
            release.published, kind, Lane.INDEX, "published", release.version, None, release.published_by,
            release.evidence,
        )  # fmt: skip
    if isinstance(release.removed, Checked) and release.removed.value is not None:
        kind, source = removal_statement(release) or (TimeKind.STATED_BY_RESPONDER, "")
        yield Event(
            release.removed.value, kind, Lane.INDEX, "removed", release.version, None,
            "removed from the index" + (f", by {source}" if source else ""), release.removed.evidence,
        )  # fmt: skip


def _of_source(release: Release) -> Iterator[Event]:
    """Times in git are whatever the writer of the commit or tag put there."""
    if not isinstance(release.source, Checked):
        return
    facts = release.source.value
    if facts.commit and facts.committed_at:
        place = facts.reachability.value.value if isinstance(facts.reachability, Checked) else "not looked for"
        yield Event(
            facts.committed_at, TimeKind.CLAIMED_BY_GIT, Lane.REPOSITORY, "committed", release.version,
            facts.commit[:12], f"{facts.subject} (reachable from: {place})", facts.evidence,
        )  # fmt: skip
    if facts.tag and facts.tagged_at:
        yield Event(
            facts.tagged_at, TimeKind.CLAIMED_BY_GIT, Lane.REPOSITORY, "tagged", release.version, facts.tag,
            f"commit {(facts.tag_commit or 'unknown')[:12]}", facts.evidence,
        )  # fmt: skip


def removal_statement(release: Release) -> tuple[TimeKind, str] | None:
    """Return whose word the time of removal is, and from where; None where no source states one."""
    if not isinstance(release.removed, Checked) or release.removed.value is None:
        return None
    at = to_iso(release.removed.value)
    words = [
        (kind, f"{verb} that it was {what} at {at}")
        for kind, verb in (
            (TimeKind.ASSERTED_BY_INDEX, "records"),
            (TimeKind.STATED_BY_RESPONDER, "states"),
            (TimeKind.STATED_BY_LEAD, "reports"),
        )
        for what in ("removed", "quarantined")
    ]
    return next(((kind, m.source) for kind, text in words for m in release.mentions if m.text == text), None)


def _of_artifact(release: Release, artifact: Artifact) -> Iterator[Event]:
    if artifact.uploaded_at is not None:
        kind = TimeKind.ASSERTED_BY_INDEX if artifact.listed else TimeKind.COPIED
        yield Event(
            artifact.uploaded_at, kind, Lane.INDEX, "uploaded", release.version, artifact.filename,
            f"sha256 {artifact.sha256 or 'unknown'}", artifact.evidence,
        )  # fmt: skip
    for attestation in artifact.attestations:
        yield from _of_attestation(release.version, artifact.filename, attestation)


def _of_attestation(version: str, filename: str, attestation: Attestation) -> Iterator[Event]:
    identity, entry = attestation.identity, attestation.log_entry
    if identity and identity.not_before:
        detail = f"{identity.repository or identity.subject_alternative_name} at commit {identity.commit or 'unknown'}"
        yield Event(
            identity.not_before, TimeKind.SIGNED_BY_CA, Lane.BUILD, "certificate issued", version, filename,
            detail, attestation.evidence,
        )  # fmt: skip
    if identity and identity.sct_time:
        yield Event(
            identity.sct_time, TimeKind.SIGNED_BY_CT, Lane.BUILD, "certificate logged", version, filename,
            "signed certificate timestamp", attestation.evidence,
        )  # fmt: skip
    if entry and entry.integrated_at:
        yield Event(
            entry.integrated_at, TimeKind.SIGNED_BY_LOG, Lane.LOG, "attestation logged", version, filename,
            f"index {entry.index}, signature {attestation.verification.status.value}"
            + (", rebuilt from the log" if attestation.recovered else ""),
            attestation.evidence,
        )  # fmt: skip


def _of_advisories(history: History) -> Iterator[Event]:
    if not isinstance(history.advisories, Checked):
        return
    for advisory in history.advisories.value:
        for at, what in ((advisory.published, "advisory published"), (advisory.withdrawn, "advisory withdrawn")):
            if at is not None:
                yield Event(
                    at, TimeKind.ASSERTED_BY_REPORTER, Lane.ADVISORY, what, None, advisory.id,
                    advisory.summary, advisory.evidence,
                )  # fmt: skip


def _of_log_only(history: History) -> Iterator[Event]:
    """Entries of which nobody knows the release; a statement that was rebuilt is an event of its release already."""
    for one in history.log_only:
        identity = one.record.identity
        if one.record.integrated_at is not None and one.filename is None:
            run = identity.run_invocation_uri if identity else None
            yield Event(
                one.record.integrated_at, TimeKind.SIGNED_BY_LOG, Lane.LOG, "entry logged", None,
                f"log entry {one.record.index}", f"of no listed and no named release; {run or 'no run named'}",
                one.evidence,
            )  # fmt: skip

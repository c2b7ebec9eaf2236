"""The one place where the same fact from two witnesses is compared. What differs is shown, and decides nothing.

Times in their healthy order: commit, tag, start of the run, certificate, its CT timestamp, entry in the log, upload.
Source: facts of Fulcio, Rekor and PyPI as told in `docs/concepts.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from forensics.model.attestation import Attestation, VerificationStatus
from forensics.model.checked import Checked, NotChecked
from forensics.model.ci import CiRun, run_of
from forensics.model.event import Event, Lane, TimeKind
from forensics.model.identity import RefClass
from forensics.model.opinion import StatedAttestation
from forensics.model.release import Artifact, Contradiction, Release
from forensics.model.times import duration, to_minute
from forensics.sources.index import Index
from forensics.sources.others import Others
from forensics.timeline.predicates import predicate_contradictions

CLOCKS = timedelta(seconds=60)
"""What two clocks may differ by before their order says anything; the log and the CT log count in seconds."""
_FILE = re.compile(r"add \S+ file (\S+)")


def contradictions_of(releases: Sequence[Release], others: Others, index: Index | None) -> list[Contradiction]:
    """Return what two witnesses state differently about *releases*: first what the index says against itself."""
    found = [Contradiction(*words, index.evidence) for words in index.contradictions] if index else []
    found += predicate_contradictions(releases)
    control = any(_attests(release) for release in releases)
    for release in releases:
        found += _of_opinion(release, control)
        found += _of_runs(release)
        found += _of_publication(release)
        for artifact in release.artifacts:
            for attestation in artifact.attestations:
                found += _of_order(release, artifact, attestation)
        found += _of_existence(release)
    return [*found, *_of_journal(releases, others)]


def contradiction_events(
    found: Sequence[Contradiction], releases: Sequence[Release], collected_at: datetime
) -> Iterator[Event]:
    """Yield each contradiction as an event: at the time it is about, else at the publication of its release."""
    published = {release.version: release for release in releases if release.published is not None}
    for one in found:
        release = published.get(one.version)
        at, kind = one.at, one.kind
        if at is None or kind is None:
            at = release.published if release else None
            kind = next((k for k in TimeKind if release and release.published_by.startswith(k.value)), None)
        yield Event(
            at or collected_at, kind or TimeKind.STATED_BY_RESPONDER, Lane.INDEX, "sources differ", one.version,
            one.about, f"{one.first}; {one.second}", one.evidence,
        )  # fmt: skip


def _attests(release: Release) -> bool:
    return isinstance(release.opinion, Checked) and bool(release.opinion.value.attestations)


def _of_opinion(release: Release, control: bool) -> Iterator[Contradiction]:
    """deps.dev's word on attestations beside our verification. Its silence counts where it speaks of other releases."""
    if not isinstance(release.opinion, Checked):
        return
    opinion = release.opinion.value
    ours = [a for a in release.attestations if a.verification.status is VerificationStatus.VALID]
    broken = [a for a in release.attestations if a.verification.status is VerificationStatus.INVALID]
    evidence = (*opinion.evidence, *(i for a in release.attestations for i in a.evidence[:2]))
    unattested = bool(release.artifacts) and all(a.attested is False for a in release.artifacts)
    vouched = [s for s in opinion.attestations if s.verified]
    if vouched and broken:
        yield _differ(
            release, "verification of its attestations", "deps.dev: it holds", "here: does not verify", evidence
        )
    elif vouched and unattested:
        yield _differ(
            release,
            "attestations",
            f"deps.dev lists {len(vouched)} that hold by its own check",
            "the index lists none",
            evidence,
        )
    elif ours and not vouched and (opinion.attestations or control):
        stated = (
            "lists some that do not hold by its own check"
            if opinion.attestations
            else "lists none, though of other releases"
        )
        yield _differ(release, "attestations", f"deps.dev {stated}", f"here {len(ours)} verify", evidence)
    if ours and vouched:
        yield from _of_sources(release, vouched, ours, evidence)
    if opinion.published and release.published and abs(opinion.published - release.published) > timedelta(hours=1):
        words = (f"deps.dev: {to_minute(opinion.published)}", f"{release.published_by}: {to_minute(release.published)}")
        yield _differ(release, "time of publication", *words, (*opinion.evidence, *release.evidence))


def _of_sources(
    release: Release, stated: Sequence[StatedAttestation], ours: Sequence[Attestation], evidence: tuple[str, ...]
) -> Iterator[Contradiction]:
    identities = [a.identity for a in ours if a.identity is not None]
    for about, theirs, mine in (
        (
            "source repository",
            {s.repository.rstrip("/").lower().removesuffix(".git") for s in stated if s.repository},
            {i.source_repository_uri.rstrip("/").lower() for i in identities if i.source_repository_uri},
        ),
        (
            "source commit",
            {s.commit.lower() for s in stated if s.commit},
            {i.commit.lower() for i in identities if i.commit},
        ),
    ):
        if theirs and mine and not theirs & mine:
            first, second = ", ".join(sorted(theirs)[:3]), ", ".join(sorted(mine)[:3])
            yield _differ(release, about, f"deps.dev: {first}", f"the certificate: {second}", evidence)


def _of_runs(release: Release) -> Iterator[Contradiction]:
    """What the CI provider says of a run beside what the certificate of that run claims."""
    runs = {ref: outcome.value for ref, outcome in release.runs if isinstance(outcome, Checked)}
    for identity in release.identities:
        run = runs.get(run_of(identity)) if run_of(identity) else None  # type: ignore[arg-type]
        if run is None:
            continue
        claimed = {"commit": identity.commit, "trigger": identity.trigger, "workflow": identity.workflow}
        for about, said in (("commit", run.commit), ("trigger", run.event), ("workflow", run.workflow)):
            mine = claimed[about]
            if said and mine and said.lower() != mine.lower():
                name = f"{about} of run {run.ref.run}"
                yield _differ(release, name, f"GitHub: {said}", f"the certificate: {mine}", run.evidence)


def _of_publication(release: Release) -> Iterator[Contradiction]:
    """The commit that a publisher wrote into the packument, beside the one that the certificate names."""
    if not isinstance(release.publication, Checked) or not release.publication.value.git_head:
        return
    head = release.publication.value.git_head.lower()
    commits = {identity.commit.lower() for identity in release.identities if identity.commit}
    if commits and head not in commits:
        words = (f"the packument's gitHead: {head}", f"the certificate: {', '.join(sorted(commits))}")
        yield _differ(release, "source commit", *words, (*release.publication.evidence, *release.evidence))


def _of_order(release: Release, artifact: Artifact, attestation: Attestation) -> Iterator[Contradiction]:
    """Times of one file that are out of the healthy order by more than clocks differ."""
    identity, entry = attestation.identity, attestation.log_entry
    if identity is None or attestation.verification.status is VerificationStatus.INVALID:
        return
    source = release.source.value if isinstance(release.source, Checked) else None
    tagged = (
        source.tagged_at
        if source and identity.ref_class is RefClass.TAG and source.tag_commit == identity.commit
        else None
    )
    run = next((o.value for ref, o in release.runs if isinstance(o, Checked) and ref == run_of(identity)), None)
    steps: list[tuple[str, TimeKind, datetime | None]] = [
        (
            "commit",
            TimeKind.CLAIMED_BY_GIT,
            source.committed_at if source and source.commit == identity.commit else None,
        ),
        ("tag", TimeKind.CLAIMED_BY_GIT, tagged),
        ("start of the run", TimeKind.ASSERTED_BY_CI, _began(run)),
        ("certificate", TimeKind.SIGNED_BY_CA, identity.not_before),
        ("CT timestamp", TimeKind.SIGNED_BY_CT, identity.sct_time),
        ("log entry", TimeKind.SIGNED_BY_LOG, entry.integrated_at if entry else None),
        ("upload", TimeKind.ASSERTED_BY_INDEX, artifact.uploaded_at if artifact.listed else None),
    ]
    known = [(name, kind, at) for name, kind, at in steps if at is not None]
    for (first, one, earlier), (second, other, later) in pairwise(known):
        if earlier - later > CLOCKS:
            yield Contradiction(
                release.version,
                f"order of {first} and {second} of {artifact.filename}",
                f"{first}, {one.value}: {to_minute(earlier)}",
                f"{second}, {other.value}: {to_minute(later)}, which is {duration(earlier - later)} before it",
                (*attestation.evidence, *artifact.evidence),
                at=earlier,
                kind=one,
            )


def _began(run: CiRun | None) -> datetime | None:
    return (run.started or run.created) if run else None


def _of_existence(release: Release) -> Iterator[Contradiction]:
    """A version that the index does not list, that others name, and of which nobody says that it was taken away."""
    if release.listed is False and isinstance(release.removed, NotChecked) and release.mentions:
        named = ", ".join(dict.fromkeys(mention.source for mention in release.mentions))
        ids = tuple(i for mention in release.mentions for i in mention.evidence)
        yield _differ(
            release, "existence", "the index does not list it", f"named by {named}", (*release.evidence, *ids)
        )


def _of_journal(releases: Sequence[Release], others: Others) -> Iterator[Contradiction]:
    """Uploads in the journal beside the times that the index states for the same files."""
    if not isinstance(others.journal, Checked):
        return
    files = {artifact.filename: (release, artifact) for release in releases for artifact in release.artifacts}
    for row in others.journal.value.rows:
        match = _FILE.fullmatch(row.action)
        release, artifact = files.get(match.group(1), (None, None)) if match else (None, None)
        if release is None or artifact is None or artifact.uploaded_at is None:
            continue
        if abs(artifact.uploaded_at - row.at) > CLOCKS:
            words = (f"the journal: {to_minute(row.at)}", f"the listing: {to_minute(artifact.uploaded_at)}")
            ids = (*row.evidence, *artifact.evidence)
            yield _differ(release, f"upload of {artifact.filename}", *words, ids)


def _differ(release: Release, about: str, first: str, second: str, evidence: tuple[str, ...]) -> Contradiction:
    return Contradiction(release.version, about, first, second, tuple(dict.fromkeys(evidence)))

"""What a first judgement wants of the further witnesses: around which times, of which releases, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from forensics.model.attestation import VerificationStatus
from forensics.model.checked import Checked, NotChecked
from forensics.model.ci import RunRef, run_of
from forensics.model.finding import Assessment
from forensics.model.held import FileRef, github_repository
from forensics.model.release import History, Release
from forensics.sources.gather import Gathered
from forensics.sources.journal_collect import Window
from forensics.sources.others import Plan
from forensics.timeline.lines import find_gaps

BEFORE = timedelta(days=1)
"""Before a suspect: an account that was added the evening before is part of the story."""
AFTER = timedelta(days=2)
"""After a release of which nobody says when it went: most that went did so within two days."""
KEPT_FOR = timedelta(days=400)
"""GitHub's longest retention of runs: of older ones only those of suspects and of the newest releases are asked for."""
NEWEST = 5
"""Attested releases whose runs are asked for at any age: a failed run may be all that is odd about one."""
MOST_NAMES = 8
"""Repositories and owners whose current names are asked for; a project has one or two."""
SHORT = timedelta(hours=1)
"""After a removal or a publication: what happened around it."""


def wanted_of_others(gathered: Gathered, history: History, assessments: Sequence[Assessment]) -> Plan:
    """Return what to ask the further witnesses: suspects first, newest first, then gaps, then the time since."""
    suspects = [a for a in reversed(assessments) if a.verdict.flagged or a.release.listed is False]
    spans = [
        *(_around(a.release, history) for a in suspects),
        *_gaps(history),
        *_until_now(history),
    ]
    windows = tuple(dict.fromkeys(span for span in spans if span and span.start < span.end))
    serial = gathered.index.value.serial if isinstance(gathered.index, Checked) else None
    return Plan(
        windows=windows,
        serials=(serial,) if serial else (),
        runs=_runs(suspects, history, assessments),
        names=_names(history),
        files=_files(suspects, history, assessments),
    )


def _files(suspects: Sequence[Assessment], history: History, assessments: Sequence[Assessment]) -> tuple[FileRef, ...]:
    """Files of suspects, of removed releases and of the newest, of which the index showed no attestation."""
    repository = _published_from(history, assessments)
    if repository is None:
        return ()
    releases = [a.release for a in suspects]
    last = max((r.published for r in history.releases if r.published), default=None)
    releases += [r for r in history.releases if r.published and r.published == last]
    return tuple(
        dict.fromkeys(
            FileRef(repository, artifact.sha256)
            for release in releases
            for artifact in release.artifacts
            if artifact.sha256 and (isinstance(artifact.provenance, NotChecked) or not artifact.provenance.value)
        )
    )


def _published_from(history: History, assessments: Sequence[Assessment]) -> str | None:
    """The repository that signed the latest release that is no suspect; where none is signed, the one git was read of.

    A suspect's certificate may name a repository of somebody else.
    """
    for assessment in reversed(assessments):
        for attestation in () if assessment.verdict.flagged else assessment.release.attestations:
            valid = attestation.verification.status is VerificationStatus.VALID
            if valid and attestation.identity:
                named = github_repository(attestation.identity.source_repository_uri)
                if named:
                    return named
    home = history.repository
    return github_repository(home.value.url) if isinstance(home, Checked) else None


def _runs(suspects: Sequence[Assessment], history: History, assessments: Sequence[Assessment]) -> tuple[RunRef, ...]:
    """Runs of suspects, newest first, and of entries that only the log knows; the newest; and all that may be kept."""
    horizon = history.collected_at - KEPT_FOR
    attested = [a.release for a in reversed(assessments) if a.release.identities]
    kept = [r for r in attested[NEWEST:] if r.published is None or r.published > horizon]
    identities = [i for a in suspects for i in a.release.identities]
    identities += [one.record.identity for one in reversed(history.log_only) if one.record.identity]
    identities += [i for release in (*attested[:NEWEST], *kept) for i in release.identities]
    return tuple(dict.fromkeys(ref for identity in identities if (ref := run_of(identity)) is not None))


def _names(history: History) -> tuple[tuple[str, str], ...]:
    """The repositories and owners that certificates number, the latest first, a few of them."""
    found: dict[tuple[str, str], None] = {}
    for release in reversed(history.releases):
        for identity in release.identities:
            for kind, number in (
                ("repository", identity.source_repository_identifier),
                ("owner", identity.source_repository_owner_identifier),
            ):
                if number and number.isascii() and number.isdigit() and len(number) < 19:
                    found.setdefault((kind, number))
    return tuple(found)[:MOST_NAMES]


def _around(release: Release, history: History) -> Window | None:
    """From a day before a release to its removal, or for two days; undated ones from the release before them."""
    why = f"around {release.version}"
    removed = release.removed.value if isinstance(release.removed, Checked) else None
    if release.published is not None:
        end = (removed or release.published + AFTER) + SHORT
        return Window(release.published - BEFORE, end, why, urgent=True)
    place = history.releases.index(release)
    earlier = [r.published for r in history.releases[:place] if r.published]
    later = [r.published for r in history.releases[place + 1 :] if r.published]
    if not earlier:
        return None
    end = (removed or (later[0] if later else earlier[-1]) + AFTER) + SHORT
    return Window(earlier[-1], end, why, urgent=True)


def _gaps(history: History) -> Iterator[Window]:
    """The time between the two neighbours of missing numbers, latest first."""
    times = {r.version: r.published for r in history.releases if r.published}
    spans = []
    for gap in find_gaps([r.version for r in history.releases if r.listed]):
        start, end = times.get(gap.after), times.get(gap.before)
        if start and end and start < end:
            spans.append(Window(start, end, f"between {gap.after} and {gap.before}"))
    yield from sorted(spans, key=lambda span: span.start, reverse=True)


def _until_now(history: History) -> Iterator[Window]:
    newest = max((r.published for r in history.releases if r.published), default=None)
    if newest is not None:
        yield Window(newest - SHORT, history.collected_at, "since the newest release", urgent=True)

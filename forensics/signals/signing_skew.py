"""Time between the log's entry for a file and the upload of that file that no ordinary publish takes."""

from __future__ import annotations

from datetime import timedelta

from forensics.model.attestation import Attestation
from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Artifact, Release
from forensics.model.times import duration, to_minute
from forensics.signals import thresholds as t
from forensics.signals.comparing import too_few, unknown_identity
from forensics.signals.registry import Hit, Result, View, signal

Delay = tuple[timedelta, Artifact, Attestation]


@signal(
    "signing-skew",
    title="Signed and uploaded too far apart",
    family=Family.SOURCE,
    severities=(Severity.MEDIUM,),
    needs=("log", "index"),
    benign_if=(
        "the publish job waited between signing and upload, for instance for an approval or an index that was down; "
        "the run's log shows the wait",
        "files were signed by one job and uploaded by a later one; then other releases of the project look the same",
    ),
    attack=("T1195.002", "T1550.001"),
    slsa="F",
)
def signing_skew(view: View) -> Result:
    """Fire when a file was uploaded before its log entry, or long after it, beyond the cohort's own delays."""
    own, untimed = _delays(view.release)
    early = [delay for delay in own if delay[0] < -t.SKEW_EARLY]
    if early:
        first = min(early, key=lambda delay: delay[0])
        return _hit(first, "before", f"an upload after the log entry, give or take {duration(t.SKEW_EARLY)}")
    late = [delay for delay in own if delay[0] > t.SKEW_LATE]
    if not late:
        return _unseen(view, untimed)
    cohort = [_delays(past.profile.release)[0] for past in view.baseline.for_rates]
    sampled = sum(bool(delays) for delays in cohort)
    if sampled < t.RATE_SAMPLES:
        return too_few(sampled, t.RATE_SAMPLES, "earlier releases with a signing and an upload time", "log")
    seconds = sorted(delay.total_seconds() for delays in cohort for delay, _, _ in delays)
    limit = max(t.SKEW_LATE, timedelta(seconds=t.percentile(seconds, t.SKEW_PERCENTILE)))
    last = max(late, key=lambda delay: delay[0])
    if last[0] <= limit:
        return _unseen(view, untimed)
    return _hit(last, "after", f"an upload within {duration(limit)} of the log entry, as on {sampled} earlier releases")


def _delays(release: Release) -> tuple[list[Delay], int]:
    """Return per attestation the time from log entry to upload, and how many attestations lack one of the two.

    What the registry signs, it signs after it accepted the file: its entry tells nothing of the publisher's signing.
    """
    known: list[Delay] = []
    untimed = 0
    for artifact in release.artifacts:
        for attestation in artifact.attestations:
            if attestation.registry_key:
                continue
            logged = attestation.log_entry.integrated_at if attestation.log_entry else None
            if logged is None or artifact.uploaded_at is None:
                untimed += 1
            else:
                known.append((artifact.uploaded_at - logged, artifact, attestation))
    return known, untimed


def _unseen(view: View, untimed: int) -> NotChecked | None:
    if view.profile.unknown_reason is not None:
        return unknown_identity(view.profile)
    if untimed:
        reason = f"{untimed} of its attestations have no time signed by a log, or no upload time beside it"
        return NotChecked(reason, "log", view.profile.evidence)
    return None


def _hit(worst: Delay, side: str, expected: str) -> Hit:
    delay, artifact, attestation = worst
    entry, uploaded = attestation.log_entry, artifact.uploaded_at
    assert entry is not None
    assert entry.integrated_at is not None
    assert uploaded is not None
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"{artifact.filename} was uploaded {duration(delay)} {side} its log entry "
        f"(uploaded {to_minute(uploaded)}, logged {to_minute(entry.integrated_at)} UTC)",
        expected=expected,
        evidence=(*artifact.evidence, *attestation.evidence, *artifact.provenance.evidence),
    )

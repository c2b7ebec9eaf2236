"""An attestation that is provably false under a key that we know."""

from __future__ import annotations

from dataclasses import dataclass, field

from forensics.model.attestation import Attestation, Check, CheckResult, VerificationStatus
from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Artifact
from forensics.signals import thresholds as t
from forensics.signals.registry import Hit, Result, View, signal

REFERENCE = "sigstore-python"
DECISIVE_CHECKS = frozenset(
    {
        "certificate-chain",
        "certificate-usage",
        "certificate-validity",
        "sct",
        "set",
        "inclusion",
        "checkpoint",
        "signature",
        "log-body",
        "subject",
        REFERENCE,
    }
)
"""Steps whose failure is proof. `publisher` is the index's word, and `format` may only mean a format newer than we."""

NOT_THE_REFERENCES = frozenset({"checkpoint", "subject"})
"""Steps that sigstore-python does not take (size and origin of the checkpoint, the file): its yes says nothing."""


@dataclass(slots=True)
class _Tally:
    """What the attestations of one release come to: failed steps, and why others were not judged."""

    failed: list[str] = field(default_factory=list)
    broken: int = 0
    evidence: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)


@signal(
    "verification-failed",
    title="Verification failed",
    family=Family.DECISIVE,
    severities=(Severity.DECISIVE,),
    needs=("bundle",),
    benign_if=(
        "the trust root in use is out of date or not the one that signed; refresh it and verify again",
        "the answer was damaged on the way; fetch it once more and compare the digests of both answers",
    ),
    attack=("T1195.002", "T1553.002"),
    slsa="F",
)
def verification_failed(view: View) -> Result:
    """Fire when a step fails that proves an attestation false.

    A step that the drift guard suspended, an unknown key and a format that cannot be read are not checked; nor is a
    step that fails here only, while sigstore-python, which takes it too, accepts the attestation.
    """
    tally = _Tally()
    for artifact in view.release.artifacts:
        for attestation in artifact.attestations:
            _count(attestation, artifact, view.failures_suspended, tally)
    if tally.failed:
        more = f" and {len(tally.failed) - t.NAMED_VALUES} more" if len(tally.failed) > t.NAMED_VALUES else ""
        return Hit(
            severity=Severity.DECISIVE,
            observed=f"{tally.broken} of its {len(view.release.attestations)} attestations are invalid: "
            + "; ".join(tally.failed[: t.NAMED_VALUES])
            + more,
            expected="attestations that hold in every step, or none",
            evidence=(*tally.evidence, *view.profile.evidence),
            fact="verification",
        )
    if tally.unjudged:
        return NotChecked("; ".join(dict.fromkeys(tally.unjudged)), "trust root", view.profile.evidence)
    return view.profile.unknown_reason


def _count(attestation: Attestation, artifact: Artifact, suspended: frozenset[str], tally: _Tally) -> None:
    verification, filename = attestation.verification, artifact.filename
    failed = [check for check in verification.failed() if check.name in DECISIVE_CHECKS]
    held_back = [check.name for check in failed if check.name in suspended]
    counted = [check for check in failed if check.name not in suspended]
    overruled: list[str] = []
    if any(check.name == REFERENCE and check.result is CheckResult.PASS for check in verification.checks):
        overruled = [check.name for check in counted if check.name not in NOT_THE_REFERENCES]
        counted = [check for check in counted if check.name in NOT_THE_REFERENCES]
    only_reference = [check.name for check in counted] == [REFERENCE]
    unknown = verification.status is VerificationStatus.NOT_CHECKED
    if only_reference and (held_back or unknown):
        counted = []
    if counted:
        tally.broken += 1
        tally.evidence.extend((*attestation.evidence, *artifact.evidence))
        tally.failed.extend(f"{check.name} of {filename} ({_detail(check)})" for check in counted)
    elif overruled:
        names = ", ".join(overruled)
        tally.unjudged.append(f"{names} of {filename} failed here, but sigstore-python accepts the attestation")
    elif held_back:
        tally.unjudged.append(f"{', '.join(held_back)} failed, but so it did on too many releases of this run")
    elif unreadable := [c for c in verification.checks if c.name == "format" and c.result is CheckResult.FAIL]:
        tally.unjudged.append(f"an attestation of {filename} cannot be read ({_detail(unreadable[0])})")
    elif unknown:
        open_steps = [c for c in verification.checks if c.result is CheckResult.NOT_CHECKED]
        why = f" ({open_steps[0].name}: {_detail(open_steps[0])})" if open_steps else ""
        tally.unjudged.append(f"an attestation of {filename} could not be verified{why}")


def _detail(check: Check) -> str:
    return check.detail.rstrip(".")

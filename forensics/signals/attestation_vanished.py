"""An attestation that was seen before is gone, while its file is still listed."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Artifact
from forensics.signals.comparing import listed
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "attestation-vanished",
    title="An attestation seen before is gone",
    family=Family.HINDSIGHT,
    severities=(Severity.LOW,),
    needs=("case", "log"),
    benign_if=(
        "the index has lost or hidden it for a while; the log still has the entry, and asking again later finds it",
        "the index replaced it by one of another form for the same file, signed by the same identity",
    ),
    attack=("T1195.002",),
    slsa="G",
)
def attestation_vanished(view: View) -> Result:
    """Fire when an earlier case or the log holds an attestation of a listed file that the index does not serve now."""
    shown = [artifact for artifact in view.release.artifacts if artifact.listed]
    if not shown:
        return None
    gone = [artifact for artifact in shown if artifact.vanished]
    if gone:
        return _hit(gone)
    unseen = next((a.provenance for a in shown if isinstance(a.provenance, NotChecked)), None)
    if unseen is not None:
        return unseen
    if not view.history.earlier_cases:
        return NotChecked("no earlier case of this project was imported to compare with", "an earlier case, or the log")
    return None


def _hit(gone: list[Artifact]) -> Hit:
    count = sum(len(artifact.vanished) for artifact in gone)
    left = sum(len(artifact.attestations) for artifact in gone)
    signers = listed(dict.fromkeys(_signer(artifact) for artifact in gone))
    files = listed([artifact.filename for artifact in gone])
    now = f"replaced: the index serves {left} other{'s' * (left != 1)}" if left else "no longer served by the index"
    return Hit(
        severity=Severity.LOW,
        observed=f"{count} attestation{'s' * (count != 1)} of {files}, signed by {signers}, {now}",
        expected="an attestation that stays with its file for good",
        evidence=tuple(
            dict.fromkeys(
                i for a in gone for i in (*a.provenance.evidence, *(e for one in a.vanished for e in one.evidence))
            )
        ),
    )


def _signer(artifact: Artifact) -> str:
    identity = artifact.vanished[0].identity
    if identity is None:
        return "an unnamed signer"
    return identity.workflow or identity.subject_alternative_name or "an unnamed signer"

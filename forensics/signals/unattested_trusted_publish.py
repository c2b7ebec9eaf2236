"""A trusted publisher published it, and left out the attestation that it always made."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.model.release import Release
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of, unknown_baseline
from forensics.signals.profile import Attested, unstated, uploader_of
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "unattested-trusted-publish",
    title="Trusted publisher, attestation missing",
    family=Family.TRUST,
    severities=(Severity.MEDIUM,),
    needs=("packument",),
    benign_if=(
        "the release tool's provenance option was switched off for one release; the workflow's history shows it",
        "the registry does not hand out an attestation that the log holds; look the digest of the file up in the log",
    ),
    attack=("T1195.002", "T1528"),
    slsa="F",
)
def unattested_trusted_publish(view: View) -> Result:
    """Fire when a trusted publisher is recorded, nothing is attested, and two earlier releases had both.

    The token of a trusted publisher can be taken out of its run and used elsewhere; an attestation cannot be made
    there.
    """
    own = uploader_of(view.release)
    if own is None:
        return unstated(view.release)
    if own.trusted_publisher is None or view.profile.attested in {Attested.FULL, Attested.PARTIAL}:
        return None
    both = [past.profile for past in view.baseline.cohort if _both(past.profile.release, past.profile.attested)]
    if len(both) < t.FULLY_ATTESTED:
        return unknown_baseline(view.baseline)
    if view.profile.attested is Attested.UNKNOWN:
        return view.profile.unknown_reason
    latest = both[-t.FULLY_ATTESTED :]
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"published by the trusted publisher {own.trusted_publisher}, and not attested",
        expected=f"an attestation beside the trusted publisher, as on {' and '.join(p.version for p in latest)}",
        evidence=(*view.profile.evidence, *evidence_of(view.release), *(i for p in latest for i in p.evidence)),
        fact="attestation absent",
    )


def _both(release: Release, attested: Attested) -> bool:
    uploader = uploader_of(release)
    return uploader is not None and uploader.trusted_publisher is not None and attested is Attested.FULL

"""The registry's own signatures over the versions of a project, as findings of its history.

npm signs name, version and digest of every version. A signature that does not verify means that the document which we
were given is not what the registry signed: two witnesses that differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from forensics.attestation.registry_keys import RegistryKeys
from forensics.attestation.registry_signature import SignedVersion, check_registry_signatures, status_of_signatures
from forensics.model.attestation import CheckResult, RegistrySignature, VerificationStatus
from forensics.model.checked import Checked, NotChecked
from forensics.model.project import Ecosystem
from forensics.model.release import Contradiction, History, Release

SUBJECT = "registry signatures"
NEEDS = "the registry's own packument, and its keys"
_NAMED = 5


def with_registry_signatures(history: History, keys: RegistryKeys) -> History:
    """Return *history* with every registry signature verified under *keys*.

    One that does not verify is a contradiction between the document and the key. Versions whose signatures could not
    be checked, or that carry none although the document is npm's, are one row of what could not be checked. Histories
    of other indexes come back as they are.
    """
    if history.project.ecosystem is not Ecosystem.NPM:
        return history
    signatures: list[RegistrySignature] = []
    contradictions: list[Contradiction] = []
    unsigned: list[Release] = []
    unknown: list[tuple[Release, RegistrySignature]] = []
    for release in (each for each in history.releases if each.listed and isinstance(each.publication, Checked)):
        found = _of_release(history.project.name, release, keys)
        signatures += found
        if not found:
            unsigned.append(release)
        elif status_of_signatures(found) is VerificationStatus.INVALID:
            contradictions += [_contradiction(release, each) for each in found if each.verification.failed()]
        elif status_of_signatures(found) is VerificationStatus.NOT_CHECKED:
            unknown.append((release, found[0]))
    return replace(
        history,
        registry_signatures=tuple(signatures),
        contradictions=(*history.contradictions, *contradictions),
        not_checked=(*history.not_checked, *_not_checked(unsigned, unknown)),
    )


def _of_release(name: str, release: Release, keys: RegistryKeys) -> tuple[RegistrySignature, ...]:
    assert isinstance(release.publication, Checked)
    stated = release.publication.value
    if not stated.signatures or not stated.integrity:
        return ()
    pairs = tuple((each.keyid, each.sig) for each in stated.signatures)
    signed = SignedVersion(name, release.version, stated.integrity, pairs, release.published)
    return check_registry_signatures(signed, keys, evidence=release.publication.evidence)


def _contradiction(release: Release, signature: RegistrySignature) -> Contradiction:
    reasons = "; ".join(check.detail.rstrip(".") for check in signature.verification.failed())
    return Contradiction(
        release.version,
        f"registry signature of {signature.purl}",
        f"the document states the digest {signature.integrity}",
        f"the check under the key {signature.registry_key} says: {reasons}",
        signature.evidence,
    )


def _not_checked(
    unsigned: Sequence[Release], unknown: Sequence[tuple[Release, RegistrySignature]]
) -> list[tuple[str, NotChecked]]:
    rows = []
    if unsigned:
        reason = f"the answer carries none for {_named(unsigned)}; mirrors leave them out"
        rows.append((SUBJECT, NotChecked(reason, NEEDS, unsigned[0].evidence)))
    if unknown:
        first = unknown[0][1]
        why = next(c.detail for c in first.verification.checks if c.result is CheckResult.NOT_CHECKED)
        reason = f"not decided for {_named([release for release, _ in unknown])}: {why.rstrip('.')}"
        rows.append((SUBJECT, NotChecked(reason, NEEDS, first.evidence)))
    return rows


def _named(releases: Sequence[Release]) -> str:
    names = ", ".join(release.version for release in releases[:_NAMED])
    more = f" and {len(releases) - _NAMED} more" if len(releases) > _NAMED else ""
    return f"{len(releases)} version{'s' if len(releases) != 1 else ''} ({names}{more})"

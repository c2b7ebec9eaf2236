"""Through which door a release came into its index, as far as anybody outside can tell."""

from __future__ import annotations

from forensics.model.checked import Checked
from forensics.model.project import Ecosystem
from forensics.model.publication import Publication, Uploader
from forensics.model.release import Door
from forensics.signals.baseline import Baseline
from forensics.signals.profile import Attested, Profile


def door_of(profile: Profile, baseline: Baseline, ecosystem: Ecosystem) -> Door:
    """Return the door of a release.

    An attestation by an identity whose repository id is none of the baseline's came through a foreign door. On PyPI any
    other attestation means a trusted publisher, for PyPI accepts them from nobody else, and no attestation proves no
    token: unknown. npm states whose credentials were used, a trusted publisher's or an account's; where it was not
    heard, the door is unknown.
    """
    if _foreign(profile, baseline):
        return Door.FOREIGN_ATTESTED
    if ecosystem is Ecosystem.NPM:
        return _of_npm(profile)
    return Door.TRUSTED_ATTESTED if profile.identities else Door.UNKNOWN


def _foreign(profile: Profile, baseline: Baseline) -> bool:
    usual = baseline.values("repositories")
    return bool(usual and profile.repositories and not (profile.repositories & usual))


def _of_npm(profile: Profile) -> Door:
    publication = profile.release.publication
    if not isinstance(publication, Checked) or not isinstance(publication.value.uploader, Checked):
        return Door.UNKNOWN
    uploader: Uploader = publication.value.uploader.value
    attested = _attested(profile, publication.value)
    if attested is None:
        return Door.UNKNOWN
    if uploader.trusted_publisher is not None:
        return Door.TRUSTED_ATTESTED if attested else Door.TRUSTED_UNATTESTED
    return Door.TOKEN_ATTESTED if attested else Door.TOKEN


def _attested(profile: Profile, publication: Publication) -> bool | None:
    """Whether attestations were seen, or else whether the index says that there are some."""
    if profile.attested in {Attested.FULL, Attested.PARTIAL}:
        return True
    stated = publication.provenance
    if profile.attested is Attested.NONE:
        return False
    return bool(stated.value) if isinstance(stated, Checked) else None

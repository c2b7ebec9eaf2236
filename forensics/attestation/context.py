"""What the steps of a verification share: the parts, the trust root, what is expected, and the times that count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from forensics.attestation.raw import RawAttestation
from forensics.attestation.registry_keys import ATTESTATIONS, RegistryKey, RegistryKeys
from forensics.attestation.statement import Statement
from forensics.attestation.trust import CertificateAuthority, TrustRoot
from forensics.model.attestation import Check, CheckResult, Publisher
from forensics.model.errors import MalformedEvidence
from forensics.model.identity import Identity
from forensics.transparency.checkpoint import Checkpoint, parse_checkpoint
from forensics.transparency.der import CertificateParts
from forensics.transparency.keys import verifies

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True)
class Expected:
    """What the index or the caller says about the attestation: None where nobody knows.

    npm names a version by its package URL *purl* and SHA-512 (hex); *keys* are the registry keys that count.
    *identity* (the certificate's subject alternative name) and *issuer* (of the signer's token) are those of the
    signer that the caller expects, to the letter; *key* is the one public key that the caller lets sign.
    """

    publisher: Publisher | None = None
    filename: str | None = None
    sha256: str | None = None
    purl: str | None = None
    sha512: str | None = None
    keys: RegistryKeys | None = None
    identity: str | None = None
    issuer: str | None = None
    key: RegistryKey | None = None

    @property
    def about_subject(self) -> bool:
        """Whether anybody says what was signed."""
        return any((self.filename, self.sha256, self.purl, self.sha512))

    @property
    def about_signer(self) -> bool:
        """Whether the caller says who must have signed."""
        return any(each is not None for each in (self.identity, self.issuer, self.key))


@dataclass(frozen=True)
class Context:
    """One attestation on its way through the steps.

    *proven*: sigstore-python accepted exactly these parts under this root, so the public-key operations that it made
    are not made again; every comparison still is.
    """

    raw: RawAttestation
    root: TrustRoot
    expected: Expected
    statement: Statement | None
    parts: CertificateParts | None
    identity: Identity | None
    proven: bool = False

    @cached_property
    def certificate(self) -> Certificate | None:
        """The signing certificate; None where there is none or it cannot be read."""
        from cryptography.x509 import load_der_x509_certificate

        try:
            return load_der_x509_certificate(self.raw.certificate) if self.raw.certificate is not None else None
        except ValueError:
            return None

    @cached_property
    def public_key(self) -> PublicKeyTypes | None:
        """The certificate's key, or the key in its place; None where it is not known or cannot be read."""
        from cryptography.exceptions import UnsupportedAlgorithm

        try:
            if self.registry_key is not None:
                return self.registry_key.public.loaded
            return self.certificate.public_key() if self.certificate is not None else None
        except (ValueError, UnsupportedAlgorithm, MalformedEvidence):
            return None

    @cached_property
    def registry_key(self) -> RegistryKey | None:
        """The key of a bundle without certificate: the caller's, or the registry's that it names; None if not known."""
        hint, keys = self.raw.key_hint, self.expected.keys
        if self.raw.certificate is not None:
            return None
        return self.expected.key or (keys.find(hint, ATTESTATIONS) if hint and keys else None)

    @cached_property
    def candidates(self) -> tuple[CertificateAuthority, ...]:
        """The authorities of the trust root whose name is the issuer of the certificate."""
        if self.parts is None:
            return ()
        issuer = self.parts.issuer
        return tuple(authority for authority in self.root.authorities if authority.name == issuer)

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint of the inclusion proof, None where it has none. Raises MalformedEvidence, HostileInput."""
        entry = self.raw.entry
        if entry is None or entry.proof is None or entry.proof.checkpoint is None:
            return None
        return parse_checkpoint(entry.proof.checkpoint)

    @cached_property
    def promise(self) -> Check:
        """The outcome of the step `set`, which the signing time rests on as well."""
        from forensics.attestation.checks_log import check_promise

        return check_promise(self)

    @cached_property
    def timestamps(self) -> tuple[datetime | str | None, ...]:
        """The outcome of each timestamp over the signature. See `timestamps.timestamp`."""
        from forensics.attestation.timestamps import timestamp

        return tuple(timestamp(self.root, token, self.raw.signature) for token in self.raw.timestamps)

    @cached_property
    def times(self) -> tuple[tuple[str, datetime], ...]:
        """Who signed which time, of those signatures that verify: the log's promise and timestamping authorities."""
        from forensics.attestation.timestamps import signed_times

        return signed_times(self)

    @property
    def moment(self) -> datetime | None:
        """The earliest signed time, or the start of the certificate's validity where nothing signed one."""
        if self.times:
            return min(moment for _, moment in self.times)
        return self.identity.not_before if self.identity else None

    def signed(
        self, key: PublicKeyTypes, signature: bytes, message: Callable[[], bytes], *, again: bool = False
    ) -> bool:
        """Return whether *signature* is *key*'s over what *message* returns, which is called only to verify here.

        *again*: verify even if sigstore-python found it to be.
        """
        return (self.proven and not again) or verifies(key, signature, message())


def passed(name: str, detail: str) -> Check:
    """Return a step that holds, with the sentence that says what held."""
    return Check(name, CheckResult.PASS, detail)


def failed(name: str, detail: str) -> Check:
    """Return a step that does not hold, with the sentence that says why."""
    return Check(name, CheckResult.FAIL, detail)


def not_checked(name: str, detail: str) -> Check:
    """Return a step that nobody could carry out, with the sentence that says why."""
    return Check(name, CheckResult.NOT_CHECKED, detail)

"""sigstore-python's verifier and trust root, without deciding the same question twice.

What is kept is a yes of sigstore-python's own, under the exact bytes that it was about, and only of the last few: files
of one release lie beside each other and are as a rule signed with one certificate. A no is never kept. Source:
sigstore-python 4.5, `sigstore.verify.Verifier`, `sigstore.models.TrustedRoot`. This loads sigstore.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sigstore._internal.trust import CTKeyring, KeyringPurpose, RekorKeyring
from sigstore.models import TrustedRoot
from sigstore.verify import Verifier

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore._internal.timestamp import TimestampVerificationResult
    from sigstore_models.trustroot import v1 as trustroot_v1

KEPT = 16


class KeptRoot(TrustedRoot):
    """The same root, whose keys are loaded once instead of for every bundle."""

    def __init__(self, inner: trustroot_v1.TrustedRoot) -> None:
        super().__init__(inner)
        self._rekor: dict[KeyringPurpose, RekorKeyring] = {}
        self._ct: dict[KeyringPurpose, CTKeyring] = {}

    def rekor_keyring(self, purpose: KeyringPurpose) -> RekorKeyring:
        """Return the keys of the transparency logs."""
        if purpose not in self._rekor:
            self._rekor[purpose] = super().rekor_keyring(purpose)
        return self._rekor[purpose]

    def ct_keyring(self, purpose: KeyringPurpose) -> CTKeyring:
        """Return the keys of the certificate logs; a signature is verified once by key id, signature and bytes."""
        if purpose not in self._ct:
            keyring = super().ct_keyring(purpose)
            keyring.verify = lru_cache(maxsize=KEPT)(keyring.verify)  # type: ignore[method-assign]
            self._ct[purpose] = keyring
        return self._ct[purpose]


class _Path(NamedTuple):
    """A chain that sigstore-python built, and the time during which every certificate of it is valid."""

    chain: list[Certificate]
    start: datetime
    end: datetime


class KeptVerifier(Verifier):
    """The same verifier, which builds the path of a certificate once and not for each file that it signed.

    Nothing in a path depends on the time but the periods of its certificates (RFC 5280 section 6.1.3 (a) (2)). So one
    that held at one time holds at any other within the periods of all of them; at a time outside the library is asked.
    """

    def __init__(self, *, trusted_root: TrustedRoot) -> None:
        super().__init__(trusted_root=trusted_root)
        self._paths: dict[Certificate, _Path] = {}

    def _verify_chain_at_time(
        self, certificate: Certificate, timestamp_result: TimestampVerificationResult
    ) -> list[Certificate]:
        known = self._paths.get(certificate)  # equal when all is that was signed, and the signature
        if known is not None and known.start <= timestamp_result.time <= known.end:
            return known.chain
        chain = super()._verify_chain_at_time(certificate, timestamp_result)
        every = (certificate, *chain)
        self._paths[certificate] = _Path(
            chain, max(one.not_valid_before_utc for one in every), min(one.not_valid_after_utc for one in every)
        )
        if len(self._paths) > KEPT:
            del self._paths[next(iter(self._paths))]
        return chain

"""A verifier that remembers says what a fresh one says, whatever it has accepted before."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from attestation_kit import TAMPERINGS, Kit, claims, entry_of, tampered
from cryptography.x509 import Certificate, PrecertificateSignedCertificateTimestamps, load_der_x509_certificate
from sigstore._internal.trust import KeyringPurpose
from sigstore.errors import VerificationError
from sigstore.verify import Verifier

from forensics.attestation.kept import KEPT
from forensics.attestation.library import Library
from forensics.attestation.pep740 import parse_attestation
from forensics.attestation.raw import decode


@pytest.fixture(scope="module")
def good(kit: Kit) -> dict[str, Any]:
    return kit.attest()


@pytest.fixture
def warm(kit: Kit, good: dict[str, Any]) -> Library:
    library = Library(kit.root)
    assert library.judge(parse_attestation(good), None) == ""
    return library


def certificate_of(data: dict[str, Any]) -> Certificate:
    return load_der_x509_certificate(decode(data["verification_material"]["certificate"], "certificate"))


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampered_copies_are_judged_as_by_a_fresh_verifier(
    kit: Kit, good: dict[str, Any], warm: Library, name: str
) -> None:
    raw = parse_attestation(tampered(good, name))
    assert warm.judge(raw, None) == Library(kit.root).judge(raw, None)
    assert warm.judge(parse_attestation(good), None) == ""


@pytest.mark.parametrize("edge", ["start", "end"])
@pytest.mark.parametrize("beyond", [-(10**6), -1, 0, 1, 10**6])
def test_times_are_judged_as_by_a_fresh_verifier(
    kit: Kit, good: dict[str, Any], warm: Library, edge: str, beyond: int
) -> None:
    certificate, moved = certificate_of(good), copy.deepcopy(good)
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    moment = int((start if edge == "start" else end).timestamp()) + beyond
    entry_of(moved)["integratedTime"] = str(moment)
    said = warm.judge(parse_attestation(moved), None)
    assert said == Library(kit.root).judge(parse_attestation(moved), None)
    outside = not start.timestamp() <= moment <= end.timestamp()
    assert ("certificate chain" in said) == outside  # inside, it is the log's promise that does not hold


def test_a_path_is_built_once_for_a_certificate(
    kit: Kit, good: dict[str, Any], warm: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Certificate] = []
    build = Verifier._verify_chain_at_time

    def counting(self: Verifier, certificate: Certificate, time: Any) -> list[Certificate]:
        built.append(certificate)
        return build(self, certificate, time)

    monkeypatch.setattr(Verifier, "_verify_chain_at_time", counting)
    assert warm.judge(parse_attestation(good), None) == ""
    assert built == []
    others = [kit.attest(claims(run_id=number)) for number in range(KEPT)]
    for other in (*others, *others):
        assert warm.judge(parse_attestation(other), None) == ""
    assert built == [certificate_of(other) for other in others]
    assert warm.judge(parse_attestation(good), None) == ""
    assert built[-1] == certificate_of(good)  # only the last are kept


def test_a_keyring_remembers_a_yes_for_exactly_the_same_bytes_and_never_a_no(
    good: dict[str, Any], warm: Library
) -> None:
    keyring: Any = warm.verifier._trusted_root.ct_keyring(KeyringPurpose.VERIFY)
    assert warm.judge(parse_attestation(good), None) == ""
    assert keyring.verify.cache_info().hits == 1
    (sct,) = certificate_of(good).extensions.get_extension_for_class(PrecertificateSignedCertificateTimestamps).value
    for _ in range(2):
        with pytest.raises(VerificationError):
            keyring.verify(key_id=sct.log_id, signature=sct.signature, data=b"something else")
    assert keyring.verify.cache_info().currsize == 1

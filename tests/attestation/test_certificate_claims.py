from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from attestation_kit import CLAIMS, SIGNED, Kit, claims
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from forensics.attestation.certificate import identity_of
from forensics.model.claims import CLAIMS as TABLE
from forensics.model.claims import PER_RELEASE_CLAIMS, label_of
from forensics.model.errors import EvidenceError, MalformedEvidence
from forensics.model.identity import Identity

START = datetime(2026, 5, 4, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*extensions: tuple[x509.ExtensionType, bool], start: datetime = START) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(minutes=10))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def utf8(text: str) -> bytes:
    """DER UTF8String, written here so that the reader's encoder is not its own."""
    data = text.encode()
    length = bytes([len(data)]) if len(data) < 128 else b"\x82" + len(data).to_bytes(2, "big")
    return b"\x0c" + (length if len(data) < 128 or len(data) > 255 else b"\x81" + bytes([len(data)])) + data


def raw(number: int, value: bytes) -> tuple[x509.ExtensionType, bool]:
    oid = x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}")
    return x509.UnrecognizedExtension(oid, value), False


def test_all_claims_by_name() -> None:
    values = {claim.number: f"value {claim.number}" for claim in TABLE if claim.number != 7}
    username = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), utf8("ada!example.org"))
    extensions = [raw(number, text.encode() if number <= 6 else utf8(text)) for number, text in values.items()]
    identity = identity_of(certificate((x509.SubjectAlternativeName([username]), True), *extensions))
    found = identity.claims()
    for claim in TABLE:
        assert found[claim.field] == ("ada!example.org" if claim.number == 7 else f"value {claim.number}")
    assert len(TABLE) == 24
    assert identity.subject_alternative_name == "ada!example.org"
    assert identity.not_before == START


def test_every_claim_is_a_field_of_identity_with_a_label() -> None:
    fields = set(Identity.__dataclass_fields__)
    assert {claim.field for claim in TABLE} <= fields
    assert fields >= PER_RELEASE_CLAIMS
    assert label_of("build_config_uri") == "Build Config URI"
    assert label_of("of_a_later_version") == "of a later version"


def test_a_certificate_without_extensions_has_an_identity_of_nones() -> None:
    identity = identity_of(certificate())
    assert identity.claims() == {}
    assert (identity.sct_time, identity.unknown_claims) == (None, ())
    assert identity.not_after == START + timedelta(minutes=10)


def test_unknown_claims_are_kept() -> None:
    identity = identity_of(certificate(raw(99, b"\x0c\x03new"), raw(12, b"\xff\xfe"), raw(9, b"plain")))
    assert identity.unknown_claims == (
        ("1.3.6.1.4.1.57264.1.99", "0c036e6577"),
        ("1.3.6.1.4.1.57264.1.12", "fffe"),
    )
    assert identity.build_signer_uri == "plain"


@pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 129, 200, 255, 256, 4000])
def test_claims_of_every_length(length: int) -> None:
    text = "x" * length
    assert identity_of(certificate(raw(8, utf8(text)))).issuer == text


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (x509.RFC822Name("ada@example.org"), "ada@example.org"),
        (
            x509.UniformResourceIdentifier("https://example.org/x@refs/heads/main"),
            "https://example.org/x@refs/heads/main",
        ),
        (x509.DNSName("example.org"), "example.org"),
    ],
)
def test_names(name: x509.GeneralName, wanted: str) -> None:
    assert identity_of(certificate((x509.SubjectAlternativeName([name]), True))).subject_alternative_name == wanted


def test_a_second_name_is_kept_beside_the_first() -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("one.example"), x509.DNSName("two.example")])
    identity = identity_of(certificate((names, True)))
    assert identity.subject_alternative_name == "one.example"
    assert identity.unknown_claims == (("2.5.29.17", "820b" + b"two.example".hex()),)


def test_years_after_2049_are_written_in_full() -> None:
    later = datetime(2051, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert identity_of(certificate(start=later)).not_before == later


def test_the_lab_encodes_on_its_own_and_is_read_back(kit: Kit) -> None:
    identity = identity_of(kit.authority.issue(CLAIMS, SIGNED).der)
    assert identity.subject_alternative_name == CLAIMS.san
    assert (identity.repository, identity.workflow) == ("acme/demo", ".github/workflows/release.yml")
    assert (identity.commit, identity.ref, identity.trigger) == (CLAIMS.commit, CLAIMS.ref, "release")
    assert (identity.run_id, identity.run_attempt) == ("4242", 1)
    assert identity.deployment_environment == "pypi"
    assert identity.token_subject == CLAIMS.subject
    assert identity.sct_time is not None
    assert identity_of(kit.authority.issue(claims(environment=""), SIGNED).der).deployment_environment is None


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        identity_of(data)


_GOOD = certificate((x509.SubjectAlternativeName([x509.DNSName("a.example")]), True), raw(8, utf8("issuer")))


@given(st.integers(0, len(_GOOD) - 1), st.integers(0, 255), st.integers(0, 3))
def test_a_changed_certificate_is_read_or_refused_by_name(place: int, value: int, cut: int) -> None:
    changed = bytearray(_GOOD)
    changed[place] = value
    with contextlib.suppress(EvidenceError):
        identity_of(bytes(changed[: len(changed) - cut]))

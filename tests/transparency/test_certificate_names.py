from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.attestation.certificate import identity_of
from forensics.model.claims import CLAIMS, Encoding
from forensics.model.errors import EvidenceError, HostileInput, MalformedEvidence
from forensics.model.identity import Identity
from forensics.transparency.entries import decode_body, parse_entry
from forensics.transparency.extract import CertificateNames, extension_text, names_of
from tests.transparency.made import ARC, certificate

EVIDENCE = Path(__file__).parents[3] / "shared" / "evidence"
EXAMPLES = int(os.environ.get("FORENSICS_FUZZ", "200"))
FIELDS = {f"{ARC}{claim.number}": claim for claim in CLAIMS}


def by_cryptography(der: bytes) -> CertificateNames:
    """The same by another reader: strict about structure, and knowing nothing of Fulcio."""
    found = CertificateNames()
    for extension in x509.load_der_x509_certificate(der).extensions:
        claim = FIELDS.get(extension.oid.dotted_string)
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names = [name.value for name in extension.value if not isinstance(name, x509.OtherName)]
            found.names = tuple(name for name in names if isinstance(name, str))
        elif claim is not None and isinstance(extension.value, x509.UnrecognizedExtension):
            value = extension.value.value
            text = value if claim.encoding is Encoding.RAW else value[2 if value[1] < 0x80 else 2 + (value[1] & 0x7F) :]
            found.claims[claim.field] = text.decode()
    return found


def names_in(identity: Identity) -> tuple[str | None, dict[str, str]]:
    claims = identity.claims()
    claims.pop("username", None)
    return claims.pop("subject_alternative_name", None), claims


numbers = st.sampled_from([claim.number for claim in CLAIMS if claim.encoding is not Encoding.OTHER_NAME])
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=300)
sans = st.text(st.sampled_from("abc/:.-_@%~?#[]"), min_size=1, max_size=300).map(lambda text: "https://h/" + text)


@settings(max_examples=max(50, EXAMPLES // 4), deadline=None)
@given(sans, st.dictionaries(numbers, texts, max_size=8))
def test_names_and_claims_are_those_that_cryptography_reads(san: str, claims: dict[int, str]) -> None:
    der = certificate(san, tuple(claims.items()))
    found = names_of(der)
    assert found == by_cryptography(der)
    assert (found.names[0], found.claims) == names_in(identity_of(der))


BASE = certificate()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_wherever_the_full_reader_succeeds_the_fast_one_agrees(data: st.DataObject) -> None:
    """On damaged certificates: bytes changed, cut or inserted anywhere."""
    der = bytearray(BASE)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(der) - 1))
        der[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        full = identity_of(bytes(der))
    except EvidenceError:
        full = None
    try:
        found = names_of(bytes(der))
    except EvidenceError:
        assert full is None
        return
    if full is not None:
        name, claims = names_in(full)
        assert found.claims == claims
        assert (found.names[0] if found.names else None) == name


@pytest.mark.parametrize("size", [1, 2, 110, *range(120, 135), 250, 253, 254, 255, 256, 300])
def test_a_value_of_every_length_of_length_is_read(size: int) -> None:
    for numbered in ((1, 3), (12, 13)):
        der = certificate("https://h/" + "x" * size, tuple((number, "v" * size) for number in numbered))
        found = names_of(der)
        assert found == by_cryptography(der)
        assert set(found.claims.values()) == {"v" * size}


def test_bytes_that_look_like_an_extension_inside_a_value_are_not_one() -> None:
    forged = bytes.fromhex("30170603551d11") + bytes.fromhex(
        "060a2b0601040183bf30010c04060c04evil".replace("evil", "6576696c")
    )
    for number in (2, 8, 13):
        der = certificate("https://h/x", ((1, "good"), (number, forged), (15, "7"), (20, forged[5:])))
        assert names_of(der).claims == {"issuer_v1": "good", "source_repository_identifier": "7"}
        assert names_in(identity_of(der)) == ("https://h/x", names_of(der).claims)


def test_a_value_that_ends_with_the_identifier_of_the_next_ends_nothing() -> None:
    element = bytes.fromhex("060a2b0601040183bf3001")
    for tail in (b"", b"\x02", b"\x02\x04", element, b"\x30\x13" + element):
        der = certificate("https://h/x", ((1, "good"), (9, element + tail), (12, "x"), (15, "7"), (20, "push")))
        assert names_of(der).claims == names_in(identity_of(der))[1]
        assert len(names_of(der).claims) == 4


def test_of_a_claim_that_is_there_twice_the_first_counts() -> None:
    der = certificate("https://h/x", ((12, "first"), (13, "x"), (14, "y")))
    twice = der.replace(b"\x83\xbf\x30\x01\x0d", b"\x83\xbf\x30\x01\x0c")
    assert names_of(twice).claims["source_repository_uri"] == "first" == identity_of(twice).source_repository_uri


def test_an_issuer_of_either_encoding_and_any_extension_by_its_number() -> None:
    assert names_of(certificate("https://h/x", ((1, "old"),))).issuer == "old"
    assert names_of(certificate("https://h/x", ((1, "old"), (8, "new")))).issuer == "new"
    assert names_of(certificate("https://h/x", ())).issuer is None
    assert extension_text(certificate("https://h/x", ((14, "ref"),)), f"{ARC}14") == "ref"
    assert extension_text(certificate("https://h/x", ()), "1.2.3") is None
    assert names_of(certificate("a@b.example", (), True)).names == ("a@b.example",)


def test_what_is_no_certificate_is_refused() -> None:
    for wrong in (b"", b"0", b"\x30\x00", BASE[:-1], BASE[:40], b"\x00" * 100, BASE + b"\x00"):
        with pytest.raises(MalformedEvidence):
            names_of(wrong)
    with pytest.raises(HostileInput):
        names_of(bytes(300_000))


def test_a_certificate_of_thousands_of_extensions_takes_no_longer_than_its_length() -> None:
    element = bytes.fromhex("3011060a2b0601040183bf30010c04030c0178")[:19]
    many = element * 10_000
    tbs = bytes.fromhex("02010130003000300030003000")
    listed = b"\x30\x83" + len(many).to_bytes(3, "big") + many
    extensions = b"\xa3\x83" + len(listed).to_bytes(3, "big") + listed
    body = b"\x30\x83" + (len(tbs) + len(extensions)).to_bytes(3, "big") + tbs + extensions
    assert names_of(b"\x30\x83" + len(body).to_bytes(3, "big") + body).claims == {"source_repository_uri": "x"}


@pytest.mark.evidence
def test_real_certificates_are_read_as_cryptography_reads_them() -> None:
    if not EVIDENCE.is_dir():
        pytest.skip("the folder of evidence is not beside the checkout")
    count = 0
    for path in sorted((EVIDENCE / "rekor-v1" / "derived-from-bundles").glob("*.json")):
        for entry in json.loads(path.read_text()).values():
            der = parse_entry(decode_body(entry["body"].encode())).certificate
            if der is not None:
                count += 1
                found = names_of(der)
                assert found == by_cryptography(der), path.name
                name, claims = names_in(identity_of(der))
                assert (found.names[0], found.claims) == (name, claims)
    assert count >= 30
    v2 = json.loads((EVIDENCE / "bundles" / "bundle.dsse.rekor-v2.sigstore").read_text())
    body = base64.b64decode(v2["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"])
    der = parse_entry(body).certificate
    assert der is not None
    assert names_of(der).names == ("untrusted-sa@sigstore-conformance.iam.gserviceaccount.com",)

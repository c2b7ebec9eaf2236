"""The quick readers take nothing that the careful ones refuse, and read what both take alike."""

from __future__ import annotations

import binascii
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attestation_kit import Kit
from cryptography.x509 import PrecertificateSignedCertificateTimestamps, load_der_x509_certificate
from hypothesis import given
from hypothesis import strategies as st
from sigstore._internal.trust import KeyringPurpose
from sigstore.errors import VerificationError

from forensics.attestation.library import Library
from forensics.attestation.pep740 import parse_attestation
from forensics.attestation.raw import decode, parse_json
from forensics.model.errors import MalformedEvidence
from forensics.model.times import to_minute

_LIKE_BASE64 = st.text(st.sampled_from("ABQZaz059+/=-_ \n\0é"), max_size=24)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def _strict(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64("".join(text.split()) if text.isascii() else text, strict_mode=True)
    except ValueError:
        return None


@given(_LIKE_BASE64 | st.binary(max_size=40).map(lambda value: binascii.b2a_base64(value).decode()))
def test_base64_is_what_the_strict_decoder_takes(text: str) -> None:
    wanted = _strict(text)
    if wanted is None:
        with pytest.raises(MalformedEvidence):
            decode(text, "part")
    else:
        assert decode(text, "part") == wanted


@given(_JSON, st.booleans())
def test_json_is_read_as_by_the_standard_library(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    assert repr(parse_json(data)) == repr(json.loads(data))  # by `repr`: NaN is not equal to itself, 1 is to True


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1, "a": 2}',
        b"\xef\xbb\xbf[1]",
        '{"a": 1}'.encode("utf-16"),
        b"[1e999]",
        b'"\\ud800"',
        b"[-0, -0.0, 1E5]",
    ],
)
def test_odd_json_is_read_as_by_the_standard_library(data: bytes) -> None:
    assert repr(parse_json(data)) == repr(json.loads(data))


@pytest.mark.parametrize("data", [b"", b"{", b"[1,]", b"\xff", b"1" * 9000, b"{} {}", b"'a'"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(data)


def test_times_are_printed_in_utc_to_the_second() -> None:
    assert to_minute(datetime(2024, 12, 4, 20, 51, 12, 999999, UTC)) == "2024-12-04 20:51:12"
    east = timezone(timedelta(hours=5, minutes=30))
    assert to_minute(datetime(2024, 12, 5, 2, 21, 12, tzinfo=east)) == "2024-12-04 20:51:12"


def test_a_keyring_remembers_a_yes_for_exactly_the_same_bytes_and_never_a_no(kit: Kit) -> None:
    good, library = kit.attest(), Library(kit.root)
    for _ in range(2):
        assert library.judge(parse_attestation(good), None) == ""
    keyring: Any = library.verifier._trusted_root.ct_keyring(KeyringPurpose.VERIFY)
    assert keyring.verify.cache_info().hits == 1
    certificate = load_der_x509_certificate(decode(good["verification_material"]["certificate"], "certificate"))
    (sct,) = certificate.extensions.get_extension_for_class(PrecertificateSignedCertificateTimestamps).value
    for _ in range(2):
        with pytest.raises(VerificationError):
            keyring.verify(key_id=sct.log_id, signature=sct.signature, data=b"something else")
    assert keyring.verify.cache_info().currsize == 1

"""The lab's timestamping authority: RFC 3161 responses over real CMS, encoded here byte by byte.

Sources: RFC 3161 section 2.4 (request, response, TSTInfo); RFC 5652 section 5 (SignedData); RFC 5816 (ESSCertIDv2).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.pki import Authority

_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_POLICY = "1.3.6.1.4.1.57264.2"


class Stamper:
    """A timestamping authority with one certificate, which its responses carry if it ``embeds``."""

    def __init__(self, authority: Authority | None = None, *, embeds: bool = True) -> None:
        self.embeds = embeds
        self.authority = authority or Authority("stamper.example")
        self._key, self.certificate = self.authority.timestamping_leaf()
        self._serial = 0

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def answer(self, request: bytes, moment: datetime | None = None) -> bytes:
        """The response to a TimeStampReq, granted, for ``moment``."""
        imprint, nonce = _read_request(request)
        return self.stamp(imprint, nonce, moment or datetime.now(UTC))

    def stamp(self, imprint: bytes, nonce: bytes, moment: datetime) -> bytes:
        """A response over a MessageImprint and a nonce, both as DER."""
        self._serial += 1
        time = _tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())
        info = _sequence(_integer(1), _oid(_POLICY), imprint, _integer(self._serial), time, nonce)
        return _sequence(_sequence(_integer(0)), self._signed(info))

    def stamp_data(self, data: bytes, moment: datetime) -> bytes:
        """A response over the SHA-256 of ``data``, without a nonce."""
        imprint = _sequence(_sequence(_oid(_SHA256)), _tlv(0x04, hashlib.sha256(data).digest()))
        return self.stamp(imprint, b"", moment)

    def _signed(self, info: bytes) -> bytes:
        attributes = b"".join(sorted([
            _attribute(_CONTENT_TYPE, _oid(_TST_INFO)),
            _attribute(_MESSAGE_DIGEST, _tlv(0x04, hashlib.sha256(info).digest())),
            _attribute(_SIGNING_CERTIFICATE_V2, self._certificate_id()),
        ]))  # fmt: skip
        # Signed as a SET, carried as [0] IMPLICIT (RFC 5652 section 5.4).
        signature = self._key.sign(_tlv(0x31, attributes), ec.ECDSA(hashes.SHA256()))
        signer = _sequence(
            _integer(1), self._issuer_and_serial(), _sequence(_oid(_SHA256)), _tlv(0xA0, attributes),
            _sequence(_oid(_ECDSA_SHA256)), _tlv(0x04, signature),
        )  # fmt: skip
        content = _sequence(_oid(_TST_INFO), _tlv(0xA0, _tlv(0x04, info)))
        own = _tlv(0xA0, self.der) if self.embeds else b""
        data = _sequence(_integer(3), _tlv(0x31, _sequence(_oid(_SHA256))), content, own, _tlv(0x31, signer))
        return _sequence(_oid(_SIGNED_DATA), _tlv(0xA0, data))

    def _issuer_and_serial(self) -> bytes:
        return _sequence(self.certificate.issuer.public_bytes(), _integer(self.certificate.serial_number))

    def _certificate_id(self) -> bytes:
        name = _sequence(_tlv(0xA4, self.certificate.issuer.public_bytes()))
        serial = _integer(self.certificate.serial_number)
        digest = _tlv(0x04, self.certificate.fingerprint(hashes.SHA256()))
        return _sequence(_sequence(_sequence(digest, _sequence(name, serial))))


def _read_request(request: bytes) -> tuple[bytes, bytes]:
    """MessageImprint and nonce of a TimeStampReq, as DER."""
    imprint, nonce = b"", b""
    for number, (tag, whole) in enumerate(_elements(_body(request))):
        if number == 1:
            imprint = whole
        elif number > 1 and tag == 0x02:
            nonce = whole
    return imprint, nonce


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        size = _size(data)
        found.append((data[0], data[:size]))
        data = data[size:]
    return found


def _size(data: bytes) -> int:
    """Bytes of the first element, head included."""
    if data[1] < 0x80:
        return 2 + data[1]
    more = data[1] & 0x7F
    return 2 + more + int.from_bytes(data[2 : 2 + more], "big")


def _body(data: bytes) -> bytes:
    head = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    return data[head:]


def _tlv(tag: int, body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def _sequence(*parts: bytes) -> bytes:
    return _tlv(0x30, b"".join(parts))


def _integer(value: int) -> bytes:
    return _tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _attribute(oid: str, value: bytes) -> bytes:
    return _sequence(_oid(oid), _tlv(0x31, value))


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, x509.ObjectIdentifier(dotted).dotted_string.split("."))
    body = bytearray()
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        body += bytes(reversed(groups))
    return _tlv(0x06, bytes(body))

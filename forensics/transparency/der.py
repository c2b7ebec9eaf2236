"""A small reader of DER: enough for the parts of a certificate that say who signed.

Source: ITU-T X.690 (DER), RFC 5280 section 4.1 (certificate), RFC 6962 section 3.3 (SCT list). It never recurses and
never reads past what it was given. It decodes; it does not verify.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from forensics.model.errors import MalformedEvidence

SEQUENCE = 0x30
OBJECT_IDENTIFIER = 0x06
OCTET_STRING = 0x04
BOOLEAN = 0x01
UTF8_STRING = 0x0C
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
_VERSION = 0xA0
_EXTENSIONS = 0xA3
_KEPT = 256


class Extension(NamedTuple):
    """One X.509 extension; *value* is the content of its OCTET STRING."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class CertificateParts:
    """The parts of a certificate that are read without any cryptography. *issuer* and *subject* are DER names."""

    issuer: bytes
    subject: bytes
    not_before: datetime
    not_after: datetime
    extensions: tuple[Extension, ...]


class SignedTimestamp(NamedTuple):
    """One signed certificate timestamp: log id (32 bytes), time in milliseconds since the epoch, and the rest."""

    log_id: bytes
    millis: int
    extensions: bytes
    signature: bytes


def read(data: bytes, start: int, end: int) -> tuple[int, int, int]:
    """Return (tag, start of content, end of content) of the element at *start* within data[:end].

    Raises MalformedEvidence for a truncated element, a length that is not minimal or of more than four bytes, and a
    tag of more than one byte. Source: X.690 sections 8.1 and 10.1.
    """
    if start + 2 > end:
        raise MalformedEvidence("DER that ends inside an element")
    tag, length, content = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise MalformedEvidence("DER with a tag of several bytes")
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or content + count > end:
            raise MalformedEvidence("DER with a length that is not allowed")
        length = int.from_bytes(data[content : content + count], "big")
        content += count
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise MalformedEvidence("DER with a length that is not minimal")
    if content + length > end:
        raise MalformedEvidence("DER that ends inside an element")
    return tag, content, content + length


def children(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (tag, start of element, start of content, end) of each element in data[start:end].

    Raises MalformedEvidence as `read` does.
    """
    while start < end:
        tag, content, stop = read(data, start, end)
        yield tag, start, content, stop
        start = stop


def whole(data: bytes, expected: int) -> tuple[int, int]:
    """Return the bounds of the content of *data*, which must be exactly one element with the tag *expected*.

    Raises MalformedEvidence otherwise.
    """
    tag, content, end = read(data, 0, len(data))
    if tag != expected or end != len(data):
        raise MalformedEvidence(
            f"DER with tag {tag:#04x} of {end} bytes where {expected:#04x} of {len(data)} is needed"
        )
    return content, end


@lru_cache(maxsize=1024)
def oid_text(content: bytes) -> str:
    """Return the dotted form of an OBJECT IDENTIFIER's content. Raises MalformedEvidence. Source: X.690 8.19."""
    if not content or content[-1] & 0x80 or len(content) > 64:
        raise MalformedEvidence("an object identifier that is empty, truncated or too long")
    arcs: list[int] = []
    value = 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


def read_certificate(data: bytes) -> CertificateParts:
    """Return the parts of the certificate *data* (DER).

    Raises MalformedEvidence where the structure down to the list of extensions is not that of a certificate.
    Source: RFC 5280 section 4.1.
    """
    start, end = whole(data, SEQUENCE)
    tag, start, end = read(data, start, end)
    if tag != SEQUENCE:
        raise MalformedEvidence("a certificate without a body")
    fields = list(children(data, start, end))
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    if len(fields) < 6:  # serial, signature algorithm, issuer, validity, subject, public key
        raise MalformedEvidence("a certificate whose body is too short")
    issuer, validity, subject = fields[2], fields[3], fields[4]
    times = [_time(tag, data[content:stop]) for tag, _, content, stop in children(data, validity[2], validity[3])]
    if len(times) != 2:
        raise MalformedEvidence("a certificate without a validity of two times")
    extensions: list[Extension] = []
    for tag, _, content, stop in fields[6:]:
        if tag == _EXTENSIONS:
            extensions.extend(_extensions(data, content, stop))
    return CertificateParts(
        data[issuer[1] : issuer[3]], data[subject[1] : subject[3]], times[0], times[1], tuple(extensions)
    )


def utf8_string(value: bytes) -> str | None:
    """Return the text of *value* if it is exactly one DER UTF8String, else None. Source: X.690 section 8.23."""
    if value[:1] != b"\x0c":
        return None
    try:
        if len(value) == value[1] + 2 < 130:  # a length of one byte, as nearly always
            return value[2:].decode()
        start, end = whole(value, UTF8_STRING)
        return value[start:end].decode()
    except (MalformedEvidence, UnicodeDecodeError, IndexError):
        return None


def read_scts(value: bytes) -> list[SignedTimestamp]:
    """Return the SCTs in the extension content *value*.

    Raises MalformedEvidence where it is not a list of SCTs of version 1 with ECDSA or RSA signatures over SHA-256.
    Source: RFC 6962 sections 3.2 and 3.3, RFC 5246 section 4.7 (digitally-signed).
    """
    start, end = whole(value, OCTET_STRING)
    data = value[start:end]
    if len(data) < 2 or int.from_bytes(data[:2], "big") != len(data) - 2:
        raise MalformedEvidence("a list of SCTs of the wrong length")
    found: list[SignedTimestamp] = []
    at = 2
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        item = data[at + 2 : at + 2 + size]
        if len(item) != size or size < 47:  # version, log id, time, lengths of extensions and signature, algorithms
            raise MalformedEvidence("an SCT that is too short")
        found.append(_sct(item))
        at += 2 + size
    return found


def _sct(item: bytes) -> SignedTimestamp:
    end = 43 + int.from_bytes(item[41:43], "big")  # of the extensions
    extensions, algorithms, signature = item[43:end], item[end : end + 2], item[end + 4 :]
    if item[0] != 0 or algorithms not in (b"\x04\x03", b"\x04\x01"):
        raise MalformedEvidence("an SCT of another version, or not signed with SHA-256")
    if len(signature) != int.from_bytes(item[end + 2 : end + 4], "big"):
        raise MalformedEvidence("an SCT with a signature of the wrong length")
    return SignedTimestamp(item[1:33], int.from_bytes(item[33:41], "big"), extensions, signature)


def _extensions(data: bytes, start: int, end: int) -> Iterator[Extension]:
    tag, at, end = read(data, start, end)
    if tag != SEQUENCE:
        raise MalformedEvidence("a certificate whose extensions are not a list")
    while at < end:
        _, _, stop = read(data, at, end)
        element = data[at:stop]
        # Most extensions of a project's certificates are the same bytes each time; long ones are not kept.
        yield _extension(element) if len(element) <= _KEPT else _read_extension(element)
        at = stop


def _read_extension(data: bytes) -> Extension:
    tag, start, end = read(data, 0, len(data))
    # An identifier of fewer than 128 bytes has one byte of length; the slice below ends inside `data` or is short.
    if tag != SEQUENCE or end - start < 4 or data[start] != OBJECT_IDENTIFIER or data[start + 1] & 0x80:
        raise MalformedEvidence("a certificate with an extension that cannot be read")
    stop = start + 2 + data[start + 1]
    oid, critical = oid_text(data[start + 2 : min(stop, end)]), False
    if data[stop : stop + 2] == b"\x01\x01":  # BOOLEAN of one byte
        critical = data[stop + 2 : stop + 3] == b"\xff"
        stop += 3
    kind, start, stop = read(data, stop, end)
    if kind != OCTET_STRING or stop != end:
        raise MalformedEvidence("a certificate with an extension without a value")
    return Extension(oid, critical, data[start:stop])


_extension = lru_cache(maxsize=4096)(_read_extension)


def _time(tag: int, content: bytes) -> datetime:
    """RFC 5280 section 4.1.2.5: UTCTime with two digits of the year to 2049, GeneralizedTime after; always Z."""
    try:
        text = content.decode("ascii")
        if tag == UTC_TIME and len(text) == 13:
            text = ("20" if text[:2] < "50" else "19") + text
        elif tag != GENERALIZED_TIME or len(text) != 15:
            raise ValueError(text)
        if not text[:14].isdecimal() or text[14] != "Z":
            raise ValueError(text)
        numbers = [int(text[:4]), *(int(text[at : at + 2]) for at in range(4, 14, 2))]
        return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]
    except (ValueError, UnicodeDecodeError) as error:
        raise MalformedEvidence("a certificate with a time that cannot be read") from error

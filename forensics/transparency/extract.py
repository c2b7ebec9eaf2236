"""The names in a certificate, read as fast as Python can: subject alternative names and Fulcio's extensions.

Sources: RFC 5280 sections 4.1 and 4.2.1.6, X.690, sigstore/fulcio docs/oid-info.md. A walk over the extensions that
opens only those that name somebody; it passes over what it need not understand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from forensics.model.claims import BY_OID, Encoding
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency import der
from forensics.transparency.names import OTHER_NAME, claim_text, general_name

MAX_CERTIFICATE = 256 * 1024
_ARC = bytes.fromhex("2b0601040183bf3001")  # 1.3.6.1.4.1.57264.1
_SAN = bytes.fromhex("551d11")  # 2.5.29.17
_ARC_ELEMENT = b"\x06\x0a" + _ARC
_SAN_ELEMENT = b"\x06\x03" + _SAN
_CLAIMS = {_ARC + bytes([int(oid.rpartition(".")[2])]): claim for oid, claim in BY_OID.items()}
_BY_IDENTIFIER = {oid: claim.field for oid, claim in _CLAIMS.items()}
_BY_ELEMENT = {b"\x06\x0a" + oid: field for oid, field in _BY_IDENTIFIER.items()}  # with tag and length
_BY_NUMBER = [_BY_IDENTIFIER.get(_ARC + bytes([number])) for number in range(256)]
_USUAL_NAME = re.compile(rb"\x06\x03\x55\x1d\x11(?:\x01\x01\xff)?\x04(.)\x30(.)[\x81\x82\x86](.)", re.DOTALL)
_ENCODED = frozenset(claim.field for claim in BY_OID.values() if claim.encoding is Encoding.DER)


@dataclass(slots=True)
class CertificateNames:
    """What a certificate says about its holder: *names* in the order of the certificate, *claims* by field of Identity.

    Of a claim that is there twice, the first counts, as everywhere in this toolkit.
    """

    names: tuple[str, ...] = ()
    claims: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str | None:
        """The token issuer: the DER-encoded claim, or the deprecated raw one of older certificates."""
        return self.claims.get("issuer") or self.claims.get("issuer_v1")


def names_of(certificate: bytes) -> CertificateNames:
    """Return the names and claims of *certificate* (DER).

    A claim or name that is not text is left out. Raises MalformedEvidence for bytes whose extensions cannot be reached,
    HostileInput above 256 KiB. Source: RFC 5280 section 4.1, sigstore/fulcio docs/oid-info.md.
    """
    if len(certificate) > MAX_CERTIFICATE:
        raise HostileInput(f"a certificate of {len(certificate)} bytes; the limit is {MAX_CERTIFICATE}")
    found = CertificateNames()
    try:
        start, end = _extensions(certificate)
        _walk(certificate, start, end, found)
    except IndexError as error:
        raise MalformedEvidence("a certificate that ends inside an extension") from error
    return found


def extension_text(certificate: bytes, oid: str) -> str | None:
    """Return the text of the first extension *oid* of *certificate* (DER): a UTF8String, else the raw bytes as UTF-8.

    None where there is none or it is not text. Raises MalformedEvidence for bytes that are not a certificate.
    Source: RFC 5280 section 4.2.
    """
    for extension in der.read_certificate(certificate).extensions:
        if extension.oid == oid:
            return claim_text(extension.value, encoded=False)
    return None


def _extensions(data: bytes) -> tuple[int, int]:
    """The bounds of the list of extensions; an empty run for a certificate without any. Source: RFC 5280 4.1."""
    read = der.read
    usual = data[1:2] == b"\x82" and data[4:6] == b"\x30\x82" and data[2] and data[6]  # lengths of two bytes, minimal
    if usual and data[0] == 0x30 and len(data) == 4 + (data[2] << 8 | data[3]) >= 8 + (data[6] << 8 | data[7]):
        at, end = 8, 8 + (data[6] << 8 | data[7])
    else:
        start, end = der.whole(data, der.SEQUENCE)
        tag, at, end = read(data, start, end)
        if tag != der.SEQUENCE:
            raise MalformedEvidence("a certificate without a body")
    fields = 6 + (data[at] == 0xA0)  # version; serial, signature algorithm, issuer, validity, subject, public key
    for _ in range(fields):
        size = data[at + 1]
        at = at + 2 + size if size < 0x80 else read(data, at, end)[2]
    if data[at : at + 2] == b"\xa3\x82" and data[at + 4 : at + 6] == b"\x30\x82" and data[at + 2] and data[at + 6]:
        stop = at + 8 + (data[at + 6] << 8 | data[at + 7])
        if stop <= at + 4 + (data[at + 2] << 8 | data[at + 3]) <= end:
            return at + 8, stop
    while at < end:
        tag, content, at = read(data, at, end)
        if tag == 0xA3:
            tag, content, stop = read(data, content, at)
            if tag != der.SEQUENCE:
                raise MalformedEvidence("a certificate whose extensions are not a list")
            return content, stop
    return end, end


def _walk(data: bytes, at: int, end: int, found: CertificateNames) -> None:
    """Open the extensions in data[at:end] that name somebody.

    Nearly all are `30 L 06 0a <identifier> 04 L <value>` with lengths of one byte: those are read here, in one loop
    without calls, because a certificate has two dozen of them; any other by `_read`.
    """
    claims, known, run = found.claims, _BY_ELEMENT.get, False
    while at < end:
        start, size = at + 2, data[at + 1]
        if size == 0x81 and data[start] > 0x7F:
            start, size = at + 3, data[start]
        elif size > 0x7F:
            at = _read(data, at, end, found)
            continue
        name, value, stop = known(data[start : start + 12]), start + 14, start + size
        if name is None and data[at] == 0x30 and data[start] == 6 and size > 4:
            at = stop if data[start : start + 5] != _SAN_ELEMENT else _one_name(data, at, start, stop, end, found)
            continue
        if name is not None and not run:
            at, run = _run(data, at, end, claims), True  # once: splitting again and again would take forever
            continue
        if name is None or data[at] != 0x30 or data[value - 2] != 4 or not data[value - 1] == stop - value < 0x80:
            at = _read(data, at, end, found)
            continue
        if data[value] == 0x0C:
            if data[value + 1] != stop - value - 2 or stop == value + 2:
                at = _read(data, at, end, found)
                continue
            value += 2
        try:
            text = data[value:stop].decode()
        except UnicodeDecodeError:
            pass
        else:
            if name not in claims:
                claims[name] = text
        at = stop
    if at != end:
        raise MalformedEvidence("a certificate that ends inside an extension")


def _run(data: bytes, at: int, end: int, claims: dict[str, str]) -> int:
    """Read the claims that follow each other from *at* on into *claims*, and return where something else begins.

    Splitting at the identifiers' common part does in one call what a walk does byte by byte. Each part but the first is
    then `number 04 L value`, and `30 L` of the next extension; that all lengths agree is what makes it the same.
    """
    header, *parts = data[at:end].split(_ARC_ELEMENT)
    if len(header) != 2:
        return at
    tag, size = header
    try:
        for part in parts[:-1]:
            inside = len(part) - 5
            # Single bytes are cheap to compare and slices are not. Longer extensions have lengths of two bytes.
            if inside < 0 or part[2] != inside or part[1] != 4 or size != inside + 14 or tag != 0x30 or inside > 113:
                break
            if part[3] != 0x0C:
                text = part[3:-2].decode()
            elif part[4] == inside - 2 > 0:
                text = part[5:-2].decode()
            else:
                break
            name = _BY_NUMBER[part[0]]
            if name is None:
                break
            if name not in claims:
                claims[name] = text
            at += size + 2
            tag, size = part[-2], part[-1]
    except UnicodeDecodeError:
        pass
    return at


def _one_name(data: bytes, at: int, start: int, stop: int, end: int, found: CertificateNames) -> int:
    """Read the extension of names at *at*, with its content in data[start:stop], and return where it ends."""
    usual = _USUAL_NAME.match(data, start, end)
    if usual is not None:
        value, names, name = map(ord, usual.group(1, 2, 3))
        text = data[usual.end() : stop]
        if value == names + 2 == name + 4 < 0x80 and len(text) == name and text.isascii():
            found.names += (text.decode(),)
            return stop
    return _read(data, at, end, found)


def _read(data: bytes, at: int, end: int, found: CertificateNames) -> int:
    """Read the extension at *at*, of whatever shape, into *found*, and return where it ends."""
    tag, start, stop = der.read(data, at, end)
    if tag != der.SEQUENCE or stop - start < 4 or data[start] != der.OBJECT_IDENTIFIER or data[start + 1] & 0x80:
        raise MalformedEvidence("a certificate with an extension that cannot be read")
    content = start + 2 + data[start + 1]
    oid = data[start + 2 : content]
    name = _BY_IDENTIFIER.get(oid)
    if name is None and oid != _SAN:
        return stop
    if data[content : content + 2] == b"\x01\x01":  # critical
        content += 3
    tag, begin, value_end = der.read(data, content, stop)
    if tag != der.OCTET_STRING or value_end != stop:
        raise MalformedEvidence("a certificate with an extension without a value")
    value = data[begin:stop]
    if name is None:
        found.names += tuple(_names(value))
    elif (text := claim_text(value, encoded=name in _ENCODED)) is not None:
        found.claims.setdefault(name, text)
    return stop


def _names(value: bytes) -> list[str]:
    """The names of a subject alternative name that are text. Source: RFC 5280 section 4.2.1.6."""
    if value[:1] == b"\x30" and 5 < len(value) == value[1] + 2 == value[3] + 4 < 130 and value[2] != OTHER_NAME:
        name = general_name(value[2], value[4:])  # one name, as nearly always
        return [] if name is None else [name]
    try:
        start, end = der.whole(value, der.SEQUENCE)
        elements = list(der.children(value, start, end))
    except MalformedEvidence:
        return []
    found = (general_name(tag, value[content:stop]) for tag, _, content, stop in elements)
    return [name for name in found if name is not None]

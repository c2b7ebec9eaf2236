"""The names in a certificate, read as fast as Python can: subject alternative names and Fulcio's extensions.

Sources: RFC 5280 sections 4.1 and 4.2.1.6, X.690, sigstore/fulcio docs/oid-info.md. A walk over the extensions that
opens only those that name somebody; it passes over what it need not understand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from forensics.model.claims import BY_OID, USERNAME_OID, Encoding
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency import der

MAX_CERTIFICATE = 256 * 1024
_OTHER_NAME, _EMAIL, _DNS, _URI = 0xA0, 0x81, 0x82, 0x86
_ARC = bytes.fromhex("2b0601040183bf3001")  # 1.3.6.1.4.1.57264.1
_SAN = bytes.fromhex("551d11")  # 2.5.29.17
_FIELDS = {_ARC + bytes([int(oid.rpartition(".")[2])]): claim for oid, claim in BY_OID.items()}
_KNOWN = {oid: (claim.field, claim.encoding is Encoding.DER) for oid, claim in _FIELDS.items()}
_KEPT: dict[bytes, tuple[str, str]] = {}  # extension -> (claim, text): most certificates repeat most of them
_KEPT_LIMIT = 8192


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
            return _text(extension.value, False)
    return None


def _extensions(data: bytes) -> tuple[int, int]:
    """The bounds of the list of extensions; an empty run for a certificate without any. Source: RFC 5280 4.1."""
    read = der.read
    start, end = der.whole(data, der.SEQUENCE)
    tag, at, end = read(data, start, end)
    if tag != der.SEQUENCE:
        raise MalformedEvidence("a certificate without a body")
    fields = 6 + (data[at] == 0xA0)  # version; serial, signature algorithm, issuer, validity, subject, public key
    for _ in range(fields):
        _, _, at = read(data, at, end)
    while at < end:
        tag, content, at = read(data, at, end)
        if tag == 0xA3:
            tag, content, stop = read(data, content, at)
            if tag != der.SEQUENCE:
                raise MalformedEvidence("a certificate whose extensions are not a list")
            return content, stop
    return end, end


def _walk(data: bytes, at: int, end: int, found: CertificateNames) -> None:
    claims = found.claims
    kept = _KEPT.get
    while at < end:
        size = data[at + 1]
        if data[at] != 0x30 or data[at + 2 if size < 0x80 else at] & 0x80:
            raise MalformedEvidence("a certificate with an extension that cannot be read")
        if size < 0x80:
            content = at + 2
            stop = content + size
            if stop > end:
                raise MalformedEvidence("a certificate that ends inside an extension")
        else:
            _, content, stop = der.read(data, at, end)
        whole = data[content:stop]
        known = kept(whole)
        if known is None:
            known = _read(whole, found)
        if known is not None and known[0] not in claims:
            claims[known[0]] = known[1]
        at = stop


def _read(extension: bytes, found: CertificateNames) -> tuple[str, str] | None:
    """The claim in the content of one extension; names are added to *found*."""
    if len(extension) < 4 or extension[0] != der.OBJECT_IDENTIFIER or extension[1] & 0x80:
        raise MalformedEvidence("a certificate with an extension that cannot be read")
    at = 2 + extension[1]
    oid = extension[2:at]
    known = _KNOWN.get(oid)
    if known is None and oid != _SAN:
        return None
    if extension[at : at + 2] == b"\x01\x01":  # critical: BOOLEAN of one byte
        at += 3
    tag, content, stop = der.read(extension, at, len(extension))
    if tag != der.OCTET_STRING or stop != len(extension):
        raise MalformedEvidence("a certificate with an extension without a value")
    if known is None:
        found.names += tuple(_names(extension[content:stop]))
        return None
    text = _text(extension[content:stop], known[1])
    if text is None:
        return None
    if len(_KEPT) >= _KEPT_LIMIT:
        _KEPT.clear()
    if len(extension) < 256:
        _KEPT[extension] = (known[0], text)
    return known[0], text


def _text(value: bytes, encoded: bool) -> str | None:
    """The text of a claim, in either encoding: issuers have mixed them up before."""
    text = der.utf8_string(value)
    if text is not None and (encoded or len(value) > 2):
        return text
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _names(value: bytes) -> list[str]:
    """The names of a subject alternative name that are text. Source: RFC 5280 section 4.2.1.6."""
    try:
        start, end = der.whole(value, der.SEQUENCE)
        elements = list(der.children(value, start, end))
    except MalformedEvidence:
        return []
    names = []
    for tag, _, content, stop in elements:
        text = _username(value[content:stop]) if tag == _OTHER_NAME else _name(tag, value[content:stop])
        if text is not None:
            names.append(text)
    return names


def _name(tag: int, content: bytes) -> str | None:
    if tag not in (_EMAIL, _DNS, _URI):
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _username(content: bytes) -> str | None:
    """An OtherName of Fulcio's type .7: [0] EXPLICIT UTF8String. Source: RFC 5280 section 4.2.1.6."""
    try:
        kind, value = list(der.children(content, 0, len(content)))
        if kind[0] != der.OBJECT_IDENTIFIER or der.oid_text(content[kind[2] : kind[3]]) != USERNAME_OID:
            return None
    except (MalformedEvidence, ValueError):
        return None
    return der.utf8_string(content[value[2] : value[3]]) if value[0] == _OTHER_NAME else None

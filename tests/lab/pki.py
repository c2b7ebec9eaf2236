"""The lab's certificate authority: root, intermediate, and Fulcio-like leaf certificates with embedded SCTs.

Follows Fulcio's certificate specification (empty subject, one critical SAN, code signing, ten minutes) and
RFC 6962 section 3.2 for the signed certificate timestamp over the precertificate.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.lab.claims import Claims

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""The authority, its logs and its timestamping start here."""

END = EPOCH + timedelta(days=365 * 30)
LIFETIME = timedelta(minutes=10)
FULCIO_ARC = "1.3.6.1.4.1.57264.1"
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The DER SubjectPublicKeyInfo of a key's public half."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def der_utf8(value: str) -> bytes:
    """A DER UTF8String (X.690, tag 0x0C)."""
    return _der(0x0C, value.encode())


def _der(tag: int, body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


@dataclass(frozen=True)
class Signer:
    """A leaf key with its certificate, as one CI run holds it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM, ending in a newline."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256, in DER."""
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


class Authority:
    """A root, an intermediate and a CT log key, made afresh. The CT log writes ``sct_extensions``, usually none."""

    sct_extensions = b""

    def __init__(self, organization: str = "lab.example", purpose: x509.ObjectIdentifier | None = None) -> None:
        self.organization = organization
        usage = purpose or ExtendedKeyUsageOID.CODE_SIGNING
        self._root_key = ec.generate_private_key(ec.SECP384R1())
        self._key = ec.generate_private_key(ec.SECP384R1())
        self.ct_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._ca(f"{organization} root", self._root_key, None, 1, None)
        self.intermediate = self._ca(f"{organization} intermediate", self._key, self.root, 0, usage)

    @property
    def chain(self) -> list[bytes]:
        """Intermediate, then root, in DER."""
        return [certificate.public_bytes(serialization.Encoding.DER) for certificate in (self.intermediate, self.root)]

    def issue(self, claims: Claims, signed: datetime) -> Signer:
        """A leaf for a run that signs at ``signed``: it starts a second earlier and lasts ten minutes."""
        key = ec.generate_private_key(ec.SECP256R1())
        return Signer(key, self.certify(key.public_key(), claims, signed))

    def certify(self, key: ec.EllipticCurvePublicKey, claims: Claims, signed: datetime) -> x509.Certificate:
        """A leaf for somebody else's key, with its signed certificate timestamp."""
        not_before = signed.replace(microsecond=0) - timedelta(seconds=1)
        builder = self._leaf(key, claims, not_before)
        precertificate = builder.sign(self._key, hashes.SHA384())
        logged = int(not_before.timestamp() * 1000) + 428
        sct_list = self._sct_list(precertificate.tbs_certificate_bytes, logged)
        embedded = builder.add_extension(x509.UnrecognizedExtension(_SCT_LIST, sct_list), critical=False)
        return embedded.sign(self._key, hashes.SHA384())

    def timestamping_leaf(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        """A timestamping certificate (RFC 3161 section 2.3: critical, sole extended key usage)."""
        key = ec.generate_private_key(ec.SECP384R1())
        builder = self._builder(f"{self.organization} tsa", self.intermediate.subject, key.public_key(), EPOCH, END)
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
        return key, self._identified(builder, key.public_key(), self._key).sign(self._key, hashes.SHA384())

    def _leaf(self, key: ec.EllipticCurvePublicKey, claims: Claims, start: datetime) -> x509.CertificateBuilder:
        builder = self._builder("", self.intermediate.subject, key, start, start + LIFETIME)
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        builder = self._identified(builder, key, self._key)
        san = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(claims.san)])
        builder = builder.add_extension(san, critical=True)
        for number, value in claims.extensions(start).items():
            oid = x509.ObjectIdentifier(f"{FULCIO_ARC}.{number}")
            content = value.encode() if number <= 6 else der_utf8(value)
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, content), critical=False)
        return builder

    def _sct_list(self, tbs: bytes, timestamp: int) -> bytes:
        """An SCT list with one SCT (RFC 6962 sections 3.2 and 3.3), as the content of its extension."""
        issuer = hashlib.sha256(spki(self._key)).digest()
        extensions = struct.pack("!H", len(self.sct_extensions)) + self.sct_extensions
        entry = struct.pack("!BBQH", 0, 0, timestamp, 1) + issuer + len(tbs).to_bytes(3, "big") + tbs + extensions
        signature = self.ct_key.sign(entry, ec.ECDSA(hashes.SHA256()))
        log_id = hashlib.sha256(spki(self.ct_key)).digest()
        head = b"\x00" + log_id + struct.pack("!Q", timestamp) + extensions
        sct = head + struct.pack("!BBH", 4, 3, len(signature)) + signature
        return _der(0x04, struct.pack("!HH", len(sct) + 2, len(sct)) + sct)

    def _ca(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Certificate | None,
        path_length: int,
        purpose: x509.ObjectIdentifier | None,
    ) -> x509.Certificate:
        subject = _name(self.organization, name)
        builder = self._builder(name, issuer.subject if issuer else subject, key.public_key(), EPOCH, END)
        builder = builder.add_extension(x509.BasicConstraints(True, path_length), critical=True)
        builder = builder.add_extension(_usage(ca=True), critical=True)
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return self._identified(builder, key.public_key(), self._root_key).sign(self._root_key, hashes.SHA384())

    def _builder(
        self, name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(self.organization, name) if name else x509.Name([]))
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )

    @staticmethod
    def _identified(
        builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey, issuer: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        """Add subject and authority key identifiers."""
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
        return builder.add_extension(own, critical=False).add_extension(above, critical=False)


def _name(organization: str, name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _usage(*, digital_signature: bool = False, ca: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )

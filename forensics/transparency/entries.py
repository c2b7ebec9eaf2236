"""Entry bodies of Rekor v1 and v2: who signed, what, as the log holds it.

Sources: sigstore/rekor pkg/types (schemas of dsse 0.0.1, hashedrekord 0.0.1, intoto 0.0.1 and 0.0.2 and the older
kinds); sigstore/rekor-tiles api/proto (hashedrekord 0.0.2, dsse 0.0.2) in protobuf's JSON form. Nothing is verified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency.encoding import decode_base64, decode_json_base64, pem_blocks
from forensics.transparency.merkle import leaf_hash

MAX_ENTRY = 8 << 20
MAX_VERIFIERS = 64
_T = TypeVar("_T")
_NOTHING = Raw(b"null")  # msgspec has no optional raw value


class Digest(Struct, frozen=True, gc=False):
    """A digest that an entry states: *role* is `artifact`, `payload` or `envelope`, *value* is hex in lower case."""

    role: str
    algorithm: str
    value: str


class Verifier(Struct, frozen=True, gc=False):
    """What a signature is checked with: *raw* as the entry holds it (PEM in v1, DER in v2).

    *certificates* are DER, the signer's first; *public_key* is SubjectPublicKeyInfo DER. Both empty for keys of other
    kinds, such as PGP's.
    """

    raw: bytes
    certificates: tuple[bytes, ...] = ()
    public_key: bytes | None = None

    @property
    def fingerprints(self) -> frozenset[str]:
        """SHA-256 in hex of each form it has: PEM as Rekor v1's index knows it, certificate and key as monitors do.

        The key inside a certificate is not taken out.
        """
        forms = (self.raw, *self.certificates, *((self.public_key,) if self.public_key else ()))
        return frozenset(hashlib.sha256(form).hexdigest() for form in forms)


class EntryView(Struct, frozen=True, gc=False):
    """An entry of a log, in the few terms that all kinds share."""

    kind: str
    version: str
    verifiers: tuple[Verifier, ...] = ()
    digests: tuple[Digest, ...] = ()
    signatures: tuple[bytes, ...] = ()

    @property
    def certificate(self) -> bytes | None:
        """The certificate (DER) of the first signer that has one."""
        return next((each for verifier in self.verifiers for each in verifier.certificates), None)

    @property
    def public_key(self) -> bytes | None:
        """The bare key (SPKI DER) of the first signer that has one."""
        return next((verifier.public_key for verifier in self.verifiers if verifier.public_key), None)

    @property
    def signature(self) -> bytes | None:
        """The first signature."""
        return self.signatures[0] if self.signatures else None

    @property
    def payload_hash(self) -> str | None:
        """The digest (hex) of the DSSE payload, where the kind records one."""
        return next((digest.value for digest in self.digests if digest.role == "payload"), None)


class _Entry(Struct, gc=False):
    kind: str
    spec: Raw
    version: str = field(name="apiVersion")


class _HexHash(Struct, gc=False):
    algorithm: str
    value: str


class _Data(Struct, gc=False):
    hash: _HexHash


class _Content(Struct, gc=False):
    content: Raw


class _RecordSignature(Struct, gc=False):
    content: Raw
    key: _Content = field(name="publicKey")


class _Record(Struct, gc=False):
    data: _Data
    signature: _RecordSignature


class _DsseSignature(Struct, gc=False):
    signature: Raw
    verifier: Raw


class _Dsse(Struct, gc=False):
    signatures: list[_DsseSignature]
    payload: _HexHash = field(name="payloadHash")
    envelope: _HexHash | None = field(name="envelopeHash", default=None)


class _IntotoSignature(Struct, gc=False):
    key: Raw = field(name="publicKey")
    sig: Raw = _NOTHING


class _IntotoEnvelope(Struct, gc=False):
    signatures: list[_IntotoSignature] = []


class _IntotoContent(Struct, gc=False):
    hash: _HexHash | None = None
    payload: _HexHash | None = field(name="payloadHash", default=None)
    envelope: _IntotoEnvelope | None = None


class _Intoto(Struct, gc=False):
    content: _IntotoContent
    key: Raw = field(name="publicKey", default=_NOTHING)


class _Bytes(Struct, gc=False):
    raw: Raw = field(name="rawBytes")


class _TileVerifier(Struct, gc=False):
    certificate: _Bytes | None = field(name="x509Certificate", default=None)
    key: _Bytes | None = field(name="publicKey", default=None)


class _TileSignature(Struct, gc=False):
    content: Raw
    verifier: _TileVerifier


class _TileHash(Struct, gc=False):
    digest: Raw
    algorithm: str = "SHA2_256"


class _TileRecord(Struct, gc=False):
    data: _TileHash
    signature: _TileSignature


class _TileDsse(Struct, gc=False):
    payload: _TileHash = field(name="payloadHash")
    signatures: list[_TileSignature]


class _TileSpec(Struct, gc=False):
    record: _TileRecord | None = field(name="hashedRekordV002", default=None)
    dsse: _TileDsse | None = field(name="dsseV002", default=None)


class _TileEntry(Struct, gc=False):
    kind: str
    spec: _TileSpec
    version: str = field(name="apiVersion")


_ENTRY = msgspec.json.Decoder(_Entry)
_RECORD = msgspec.json.Decoder(_Record)
_DSSE = msgspec.json.Decoder(_Dsse)
_INTOTO = msgspec.json.Decoder(_Intoto)
_TILE = msgspec.json.Decoder(_TileEntry)
_OTHER = msgspec.json.Decoder(dict[str, Any])


class Generation(StrEnum):
    """Which Rekor: their entries have nothing but the names of kinds in common."""

    V1 = "v1"
    V2 = "v2"


def parse_entry(body: bytes, generation: Generation | None = None) -> EntryView:
    """Return what the entry *body* (the bytes that the leaf hash is over) says.

    With *generation*, only the kinds of that Rekor are entries. Kinds of Rekor v1 beside dsse, hashedrekord and intoto
    are read leniently: what is not found is left out.
    Raises MalformedEvidence for anything that is not an entry or that holds a value which is not base64, HostileInput
    beyond 8 MiB or 64 signers. Source: the schemas named at the top.
    """
    if len(body) > MAX_ENTRY:
        raise HostileInput(f"an entry of {len(body)} bytes; the limit is {MAX_ENTRY}")
    try:
        if generation is Generation.V2:
            return _tile_entry(body)
        entry = _ENTRY.decode(body)
        key = (entry.kind, entry.version)
        if generation is None and key in _TILE_KINDS:
            return _tile_entry(body)
        return EntryView(entry.kind, entry.version, *_V1.get(key, _other)(entry.spec))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedEvidence(f"a log entry that cannot be read: {error}") from error


def decode_body(body: bytes) -> bytes:
    """Return the entry from the `body` of a Rekor v1 answer, which is base64 of it.

    Raises MalformedEvidence for what is not base64, HostileInput above twice MAX_ENTRY.
    """
    if len(body) > 2 * MAX_ENTRY:
        raise HostileInput(f"an entry of {len(body)} characters; the limit is {2 * MAX_ENTRY}")
    return decode_base64(body)


def entry_leaf_hash(body: bytes) -> bytes:
    """Return the leaf hash (32 bytes) of the entry *body*: in Rekor v1 also its UUID. Source: RFC 6962 section 2.1."""
    return leaf_hash(body)


_Parts = tuple[tuple[Verifier, ...], tuple[Digest, ...], tuple[bytes, ...]]


def _record(spec: Raw) -> _Parts:
    found = _RECORD.decode(spec)
    signature = found.signature
    return (
        (_pem_verifier(signature.key.content),),
        (_hex(found.data.hash, "artifact"),),
        (decode_json_base64(signature.content),),
    )


def _dsse(spec: Raw) -> _Parts:
    found = _DSSE.decode(spec)
    digests = [_hex(found.payload, "payload")]
    if found.envelope is not None:
        digests.append(_hex(found.envelope, "envelope"))
    signers = _few(found.signatures)
    return (
        tuple(_pem_verifier(each.verifier) for each in signers),
        tuple(digests),
        tuple(decode_json_base64(each.signature) for each in signers),
    )


def _intoto(spec: Raw) -> _Parts:
    found = _INTOTO.decode(spec)
    content = found.content
    signers = _few(content.envelope.signatures if content.envelope else [])
    keys = [found.key] if found.key != _NOTHING else [each.key for each in signers]
    digests = ((content.payload, "payload"), (content.hash, "envelope"))
    return (
        tuple(_pem_verifier(key) for key in keys),
        tuple(_hex(value, role) for value, role in digests if value is not None),
        tuple(_signature_of_intoto(each.sig) for each in signers if each.sig != _NOTHING),
    )


def _signature_of_intoto(encoded: Raw) -> bytes:
    """The signature of an intoto 0.0.2 entry: base64 of base64 in practice, once by the schema."""
    once = decode_json_base64(encoded)
    try:
        return decode_base64(once)
    except MalformedEvidence:
        return once


_TILE_KINDS = {("hashedrekord", "0.0.2"), ("dsse", "0.0.2")}


def _tile_entry(body: bytes) -> EntryView:
    entry = _TILE.decode(body)
    record, dsse = entry.spec.record, entry.spec.dsse
    if (entry.kind, entry.version) == ("hashedrekord", "0.0.2") and record is not None:
        signers, digest = [record.signature], _tile_digest(record.data, "artifact")
    elif (entry.kind, entry.version) == ("dsse", "0.0.2") and dsse is not None:
        signers, digest = _few(dsse.signatures), _tile_digest(dsse.payload, "payload")
    else:
        raise MalformedEvidence(f"an entry of the unknown kind {entry.kind[:40]!r} {entry.version[:40]!r}")
    verifiers = tuple([_der_verifier(each.verifier) for each in signers])
    signatures = tuple([decode_json_base64(each.content) for each in signers])
    return EntryView(entry.kind, entry.version, verifiers, (digest,), signatures)


def _other(spec: Raw) -> _Parts:
    """Where jar, rpm, helm, alpine, rekord, cose and tuf keep the same things; what is elsewhere is left out."""
    found = _OTHER.decode(spec)
    keys = _texts(found, (("signature", "publicKey", "content"), ("publicKey", "content"), ("publicKey",)))
    hashes = [_at(found, (part, "hash")) for part in ("data", "archive", "package", "chart")]
    signatures = _texts(found, (("signature", "content"),))
    digests = [
        Digest("artifact", value["algorithm"].lower(), value["value"].lower())
        for value in hashes
        if isinstance(value, dict) and isinstance(value.get("algorithm"), str) and isinstance(value.get("value"), str)
    ]
    return (
        tuple(_lenient(keys, lambda text: _verifier_of_pem(decode_base64(text.encode())))),
        tuple(digests),
        tuple(_lenient(signatures, lambda text: decode_base64(text.encode()))),
    )


_V1: dict[tuple[str, str], Callable[[Raw], _Parts]] = {
    ("hashedrekord", "0.0.1"): _record,
    ("dsse", "0.0.1"): _dsse,
    ("intoto", "0.0.1"): _intoto,
    ("intoto", "0.0.2"): _intoto,
}


def _few(items: list[_T]) -> list[_T]:
    if len(items) > MAX_VERIFIERS:
        raise HostileInput(f"an entry with {len(items)} signers; the limit is {MAX_VERIFIERS}")
    return items


def _hex(value: _HexHash, role: str) -> Digest:
    return Digest(role, value.algorithm.lower(), value.value.lower())


def _tile_digest(value: _TileHash, role: str) -> Digest:
    algorithm = "sha256" if value.algorithm == "SHA2_256" else value.algorithm.lower().replace("sha2_", "sha")
    return Digest(role, algorithm, decode_json_base64(value.digest).hex())


def _pem_verifier(encoded: Raw) -> Verifier:
    return _verifier_of_pem(decode_json_base64(encoded))


def _verifier_of_pem(raw: bytes) -> Verifier:
    blocks = pem_blocks(raw) if b"-----BEGIN " in raw else []
    certificates = tuple(block.content for block in blocks if block.label == "CERTIFICATE")
    key = next((block.content for block in blocks if block.label == "PUBLIC KEY"), None)
    return Verifier(raw, certificates, key)


def _der_verifier(value: _TileVerifier) -> Verifier:
    if value.certificate is not None:
        raw = decode_json_base64(value.certificate.raw)
        return Verifier(raw, (raw,))
    if value.key is not None:
        raw = decode_json_base64(value.key.raw)
        return Verifier(raw, (), raw)
    raise MalformedEvidence("a signature without a certificate or a key")


def _at(found: object, path: Iterable[str]) -> object:
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _texts(found: dict[str, Any], paths: Iterable[tuple[str, ...]]) -> list[str]:
    return [value for path in paths if isinstance(value := _at(found, path), str)]


def _lenient(texts: list[str], read: Callable[[str], _T]) -> Iterable[_T]:
    for text in texts:
        try:
            yield read(text)
        except MalformedEvidence:
            continue

"""Keys of a package registry: which signatures they make, from when to when, and who vouches for them.

Two forms are read: the answer of `{npm}/-/npm/v1/keys`, and the key file that Sigstore's trust root distributes for
npm's registry (TUF target `keys.json` of sigstore/root-signing; Sigstore's protobuf specification, PublicKey). What
this distribution carries or the user names is vouched for. What a registry says about itself is a claim, also when it
stands in a case.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from importlib import resources
from typing import Any

from forensics.attestation.depth import text_within_depth
from forensics.attestation.trust import NAMED, SHIPPED, TrustRoot, shipped_root
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.times import parse_time
from forensics.transparency.keys import PublicKey

SIGNATURES = "npm:signatures"
ATTESTATIONS = "npm:attestations"
SERVED = "served by the registry"
MAX_KEYS = 256
MAX_FILE = 1 << 20


@dataclass(frozen=True)
class RegistryKey:
    """One key for one usage: `key_id` as signatures name it, `spki` in DER, the period it counts for.

    *usage* is `npm:signatures`, `npm:attestations`, or empty where the source does not say. *vouched_by* is empty
    where nobody but the registry itself does.
    """

    key_id: str
    spki: bytes
    usage: str = ""
    start: datetime | None = None
    end: datetime | None = None
    vouched_by: str = ""

    @cached_property
    def public(self) -> PublicKey:
        """The key, for checking signatures; loading it may raise MalformedEvidence."""
        return PublicKey(self.spki, f"registry key {self.key_id}")

    def covers(self, moment: datetime) -> bool:
        """Return whether the key counts at *moment*: from its start, and before its expiry (npm: time < expires)."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)

    def __getstate__(self) -> dict[str, Any]:
        """Only what was read travels to another process; the loaded key does not."""
        return {name: self.__dict__[name] for name in ("key_id", "spki", "usage", "start", "end", "vouched_by")}


@dataclass(frozen=True)
class RegistryKeys:
    """The keys that count, the better vouched first. Hashable: a verdict depends on them."""

    keys: tuple[RegistryKey, ...] = ()

    def find(self, key_id: str, usage: str) -> RegistryKey | None:
        """Return the key under *key_id* for *usage*; one that somebody vouches for before one that nobody does.

        A vouched key is never replaced by another of the same id, whoever serves it.
        """
        fitting = [key for key in self.keys if key.key_id == key_id and key.usage in (usage, "")]
        return min(fitting, key=lambda key: not key.vouched_by, default=None)

    @cached_property
    def sha256(self) -> str:
        """A digest of all the keys, in hex: what a verdict under them refers to."""
        rows = [
            [key.key_id, key.spki.hex(), key.usage, str(key.start), str(key.end), key.vouched_by] for key in self.keys
        ]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def parse_registry_keys(data: Any, vouched_by: str = "") -> RegistryKeys:
    """Return the keys in *data* (parsed JSON) of either form, vouched for by *vouched_by*.

    Unknown members and keys of other kinds are left out, a key whose period cannot be read as well. Raises
    MalformedEvidence where there is no list of keys, HostileInput for more than 256.
    """
    rows = data.get("keys") if isinstance(data, Mapping) else None
    if not isinstance(rows, list):
        raise MalformedEvidence("registry keys without a list of keys")
    if len(rows) > MAX_KEYS:
        raise HostileInput(f"a list of {len(rows)} registry keys; the limit is {MAX_KEYS}")
    found = (_key(row) for row in rows)
    return RegistryKeys(tuple(replace(key, vouched_by=vouched_by) for key in found if key is not None))


def load_registry_keys(raw: bytes, vouched_by: str = NAMED) -> RegistryKeys:
    """Return the keys in the file *raw*, vouched for by the user who named it.

    Raises MalformedEvidence for a file that is not JSON or holds no key that can be used, HostileInput above 1 MiB.
    """
    if len(raw) > MAX_FILE or not text_within_depth(raw):
        raise HostileInput(f"a file of registry keys of {len(raw)} bytes, or nested too deeply")
    try:
        keys = parse_registry_keys(json.loads(raw), vouched_by)
    except (ValueError, RecursionError) as error:
        raise MalformedEvidence("the file of registry keys is not JSON") from error
    if not keys.keys:
        raise MalformedEvidence("the file of registry keys holds no key that can be used")
    return keys


def load_named_key(raw: bytes) -> RegistryKey:
    """Return the public key in the PEM file *raw*, vouched for by the user who named it.

    Raises MalformedEvidence for a file that holds no public key, HostileInput above 1 MiB.
    Source: RFC 7468 section 13 (SubjectPublicKeyInfo in PEM).
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    if len(raw) > MAX_FILE:
        raise HostileInput(f"a key file of {len(raw)} bytes; the limit is {MAX_FILE}")
    try:
        spki = load_pem_public_key(raw).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedEvidence("the file holds no public key in PEM") from error
    return RegistryKey(f"SHA256:{hashlib.sha256(spki).hexdigest()[:16]}", spki, vouched_by=NAMED)


@cache
def shipped_keys() -> RegistryKeys:
    """Return the keys of npm's public registry that this distribution carries."""
    raw = resources.files("forensics").joinpath("trust", "npm-registry-keys.json").read_bytes()
    return load_registry_keys(raw, SHIPPED)


def keys_for(root: TrustRoot, served: RegistryKeys | None = None, named: RegistryKeys | None = None) -> RegistryKeys:
    """Return the keys that count under *root*: those the user *named*, those shipped, and those *served*.

    Under a root that trusts a log of Sigstore's public instance, the registry is npm's public one: the shipped keys
    count, and a served key is known but vouched for by nobody. Under another root (a reconstruction, a private
    instance) the registry belongs to the same world as the root, whoever vouches for that vouches for both.
    """
    public = is_public(root)
    served_keys = served.keys if served else ()
    if not public:
        served_keys = tuple(replace(key, vouched_by=SERVED) for key in served_keys)
    return RegistryKeys(
        _distinct((*(named.keys if named else ()), *(shipped_keys().keys if public else ()), *served_keys))
    )


def is_public(root: TrustRoot) -> bool:
    """Return whether *root* trusts a transparency log of Sigstore's public good instance."""
    return root.kind == "production" or bool(set(root.log_keys) & set(shipped_root().log_keys))


def _distinct(keys: Iterable[RegistryKey]) -> tuple[RegistryKey, ...]:
    return tuple(dict.fromkeys(keys))


def _key(row: Any) -> RegistryKey | None:
    """A key of either form; None where it is of another kind or cannot be read."""
    if not isinstance(row, Mapping):
        return None
    try:
        if isinstance(row.get("publicKey"), Mapping):
            inner = row["publicKey"]
            period = inner.get("validFor") if isinstance(inner.get("validFor"), Mapping) else {}
            fields = (row.get("keyId"), inner.get("rawBytes"), row.get("keyUsage"))
            start, end = _time(period.get("start")), _time(period.get("end"))
        else:
            fields, start, end = (row.get("keyid"), row.get("key"), ""), None, _time(row.get("expires"))
        key_id, encoded, usage = fields
        spki = base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError, binascii.Error):
        return None
    if not isinstance(key_id, str) or not key_id or not spki:
        return None
    return RegistryKey(key_id, spki, usage if isinstance(usage, str) else "", start, end)


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("not a time")
    return parse_time(value)

"""The BagIt tag files of a case (RFC 8493). All four follow from the payload, so each can be checked by the others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from forensics.evidence.meta import CaseMeta

BAGIT = "bagit.txt"
INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
TAG_FILES = (BAGIT, INFO, MANIFEST, TAG_MANIFEST)
SIGNATURE = f"{MANIFEST}.sigstore.json"
TIMESTAMP = f"{MANIFEST}.tsr"
SIGNATURES = (SIGNATURE, TIMESTAMP)
"""What may lie beside the tag files of a sealed case: a Sigstore bundle and an RFC 3161 timestamp of the manifest.

`case.json`, and with it the manifest, says which of them there must be; the tag manifest has their digests.
"""
_LINE = re.compile(r"([0-9a-f]{64})  ([^\r\n]+)")


def bagit_txt() -> bytes:
    """Return the bag declaration (RFC 8493 section 2.1.1)."""
    return b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def bag_info(meta: CaseMeta, octets: int, files: int) -> bytes:
    """Return the bag metadata (RFC 8493 section 2.2.2) of a payload of *octets* bytes in *files* files."""
    closed = meta.sealed_at or meta.closed_at or meta.created_at
    lines = [
        f"Bag-Software-Agent: {_line(meta.tool)}",
        f"Bagging-Date: {closed:%Y-%m-%d}",
        f"External-Description: Release forensics case for {_line(meta.project)}",
        f"External-Identifier: {meta.id}",
        f"Payload-Oxum: {octets}.{files}",
    ]
    if meta.reconstruction:
        lines.insert(
            4, f"Internal-Sender-Description: Reconstruction, not collected evidence: {_line(meta.reconstruction)}"
        )
    return ("\n".join(lines) + "\n").encode()


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def manifest(digests: Mapping[str, str]) -> bytes:
    """Return a manifest (RFC 8493 section 2.1.3) of SHA-256 *digests* by path, sorted by path."""
    return "".join(f"{digest}  {encode_path(name)}\n" for name, digest in sorted(digests.items())).encode()


def parse_manifest(data: bytes) -> dict[str, str]:
    """Return the digests of a manifest by path; lines that are none are left out."""
    digests: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").split("\n"):
        match = _LINE.fullmatch(line)
        if match:
            digests.setdefault(decode_path(match[2]), match[1])
    return digests


def encode_path(path: str) -> str:
    """Return a path as RFC 8493 section 2.1.3 wants it: CR, LF and percent percent-encoded."""
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def decode_path(text: str) -> str:
    """Return the path that `encode_path` encoded."""
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


def sha256(data: bytes) -> str:
    """Return the SHA-256 of *data* in hex."""
    return hashlib.sha256(data).hexdigest()


def tag_files(
    meta: CaseMeta, payload: Mapping[str, tuple[str, int]], signatures: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """Return all four tag files for a payload of (digest, size in bytes) by path, in the order of writing.

    *signatures* are the files by name that vouch for the manifest.
    """
    tags = {
        BAGIT: bagit_txt(),
        INFO: bag_info(meta, sum(size for _, size in payload.values()), len(payload)),
        MANIFEST: manifest({name: digest for name, (digest, _) in payload.items()}),
    }
    listed = {**tags, **(signatures or {})}
    tags[TAG_MANIFEST] = manifest({name: sha256(data) for name, data in listed.items()})
    return tags

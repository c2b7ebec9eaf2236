"""A project of an npm registry of a few lines: packuments and attestation answers in the registry's own shapes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from forensics.investigation import Analysis, Investigation
from forensics.model.document import Document
from forensics.model.endpoints import resolve_endpoints
from forensics.model.project import parse_project
from forensics.report.build import build_document
from tests.sources.tiny import FAST, Tiny

ROBOT = {
    "name": "GitHub Actions",
    "email": "npm-oidc-no-reply@github.com",
    "trustedPublisher": {"id": "github", "oidcConfigId": "oidc:1"},
}
ALICE = {"name": "alice", "email": "alice@demo.example"}
PROVENANCE = {"url": "ignored", "provenance": {"predicateType": "https://slsa.dev/provenance/v1"}}


def tarball(name: str, version: str, files: dict[str, str] | None = None, **manifest: Any) -> bytes:
    """The bytes of a tarball as `npm pack` lays it out, the same for the same arguments."""
    contents = {"package.json": json.dumps({"name": name, "version": version, **manifest}), **(files or {})}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path, text in sorted(contents.items()):
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    data = out.getvalue()
    return data[:4] + b"\0\0\0\0" + data[8:]  # gzip's time of packing


def integrity(data: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


class Registry:
    """One project and what the registry says about it; *put* serves it."""

    def __init__(self, tiny: Tiny, name: str = "demo") -> None:
        self.tiny = tiny
        self.name = name
        self.path = "/" + quote(name, safe="@").replace("%2F", "%2f")
        self.versions: dict[str, dict[str, Any]] = {}
        self.time: dict[str, Any] = {"created": "2026-01-01T00:00:00.000Z", "modified": "2026-02-01T00:00:00.000Z"}
        self.tags: dict[str, str] = {}
        self.more: dict[str, Any] = {"repository": {"type": "git", "url": f"git+https://github.com/team/{name}.git"}}

    def release(
        self,
        version: str,
        day: int,
        user: dict[str, Any] | None = None,
        *,
        data: bytes | None = None,
        attested: bool = False,
        dist: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Add a version published on *day* of January 2026 by *user*; its tarball is served."""
        data = tarball(self.name, version) if data is None else data
        base = self.name.rpartition("/")[2]
        entry: dict[str, Any] = {
            "name": self.name,
            "version": version,
            "_npmVersion": "10.8.2",
            "_nodeVersion": "22.1.0",
            "dist": {
                "tarball": f"https://registry.example/{self.name}/-/{base}-{version}.tgz",
                "shasum": hashlib.sha1(data).hexdigest(),
                "integrity": integrity(data),
                "fileCount": 2,
                "unpackedSize": 1000,
                "signatures": [{"keyid": "SHA256:x", "sig": "MEUCIQ=="}],
                **({"attestations": PROVENANCE} if attested else {}),
                **(dist or {}),
            },
            **({"_npmUser": user} if user else {}),
            **more,
        }
        self.versions[version] = entry
        self.time[version] = f"2026-01-{day:02d}T12:00:00.000Z"
        self.tags["latest"] = version
        self.tiny.put(f"/{self.name}/-/{base}-{version}.tgz", data)

    def forget(self, version: str) -> None:
        """Take a version away as the registry does: its time stays."""
        del self.versions[version]

    def document(self) -> dict[str, Any]:
        return {
            "_id": self.name,
            "name": self.name,
            "dist-tags": self.tags,
            "versions": self.versions,
            "time": self.time,
            **self.more,
        }

    def put(self, **more: Any) -> None:
        """Serve the packument; *more* replaces its keys, None takes one away."""
        document = {key: value for key, value in {**self.document(), **more}.items() if value is not None}
        self.tiny.put(self.path, document)
        self.tiny.put("/osv/v1/query", {})


def investigation(tiny: Tiny, path: Path, name: str = "npm:demo") -> Investigation:
    """A case about *name*, all of whose services are the tiny server, filled."""
    keys = ("npm", "files", "pypi")
    urls = {**dict.fromkeys(keys, tiny.url), "osv": f"{tiny.url}/osv", "rekor": f"{tiny.url}/rekor"}
    made = Investigation.start(parse_project(name), path, resolve_endpoints(urls))
    made.collect(limits=FAST)
    return made


def analysed(tiny: Tiny, path: Path, name: str = "npm:demo") -> tuple[Analysis, Document]:
    """What follows from a case filled by the tiny server, and the document of it."""
    analysis = investigation(tiny, path, name).analyse(workers=1)
    return analysis, build_document(analysis)

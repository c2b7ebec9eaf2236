"""Artifacts made by hand: wheels, sdists and trees from a few files, with the standard library's own writers."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping

from forensics.compare.archives import read_contents
from forensics.model.contents import Contents
from forensics.model.source import SourceTree

Files = Mapping[str, bytes]
METADATA = b"Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"


def record(files: Files, info: str) -> bytes:
    rows = [f"{path},sha256={_urlsafe(data)},{len(data)}" for path, data in files.items()]
    return "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def wheel(files: Files, version: str = "1.0", *, metadata: bytes = METADATA, **replaced: bytes) -> bytes:
    """A wheel of *files*; *replaced* overrides what the format adds, such as `RECORD`."""
    info = f"thing-{version}.dist-info"
    inside = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": b"Wheel-Version: 1.0\n"}
    return zipped({**inside, f"{info}/RECORD": replaced.get("RECORD", record(inside, info))})


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return buffer.getvalue()


def sdist(files: Files, version: str = "1.0", *, metadata: bytes = METADATA) -> bytes:
    """An sdist of *files* in the usual directory."""
    return tarred({f"thing-{version}/{path}": data for path, data in {**files, "PKG-INFO": metadata}.items()})


def npm(files: Files, package: Mapping[str, object] | None = None) -> bytes:
    """An npm tarball of *files* with a `package.json` of some fields."""
    described = {"name": "thing", "version": "1.0.0", **(package or {})}
    return tarred(
        {f"package/{path}": data for path, data in {"package.json": json.dumps(described).encode(), **files}.items()}
    )


def npm_contents(files: Files, package: Mapping[str, object] | None = None) -> Contents:
    return read_contents(npm(files, package), "thing-1.0.0.tgz")


def tarred(files: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), 1, mtime=0)


def wheel_contents(files: Files, version: str = "1.0", **more: bytes) -> Contents:
    return read_contents(wheel(files, version, **more), f"thing-{version}-py3-none-any.whl")


def sdist_contents(files: Files, version: str = "1.0", **more: bytes) -> Contents:
    return read_contents(sdist(files, version, **more), f"thing-{version}.tar.gz")


def blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def tree(files: Files, **modes: str) -> SourceTree:
    """The tree of a commit that holds *files*."""
    return SourceTree("c" * 40, tuple((path, "100644", blob(data)) for path, data in sorted(files.items())))

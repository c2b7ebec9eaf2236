"""A world with removed releases behind a real server, and one way to ask its log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from forensics.attestation.trust import TrustRoot, vouch
from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.investigation import Analysis, Investigation
from forensics.model.endpoints import Endpoints, resolve_endpoints
from forensics.model.project import parse_project
from forensics.sources.interface import Witness
from forensics.sources.rekor import Rekor
from tests.lab import LabServer

T = TypeVar("T")
FAST = Limits(per_second=1e9, attempts=2, max_wait_seconds=0.1, read_seconds=5, total_seconds=5)


def asked(server: LabServer, question: Callable[[Rekor], Awaitable[T]], witness: Witness | None = None) -> T:
    """What the log of *server* answers to *question*, asked over loopback."""

    async def run() -> T:
        async with Client(open_network(), FAST) as client:
            return await question(Rekor(client, f"{server.base}/rekor", witness or Witness("Rekor")))

    return asyncio.run(run())


def root_of(server: LabServer) -> TrustRoot:
    raw = Path(server.env()["FORENSICS_TRUST_ROOT"]).read_bytes()
    return vouch(raw, raw)


def investigation(
    server: LabServer, path: Path, *, imports: dict[str, tuple[str, str]] | None = None, collect: bool = True
) -> Investigation:
    """A case about the project of *server*; *imports* are kind and text by file name, there before any question.

    Only the index and the log are asked: the others remember removed releases too.
    """
    root = root_of(server)
    project = parse_project(f"pypi:{server.world.scenario.project}")
    urls = resolve_endpoints(environment=server.env()).urls
    endpoints = Endpoints({key: url for key, url in urls.items() if key not in {"journal", "depsdev", "github"}})
    made = Investigation.start(project, path, endpoints, trust_root=root.raw)
    for name, (kind, text) in (imports or {}).items():
        made.case.add_import(name, text.encode(), kind=kind, source=f"test {name}")
    if collect:
        made.collect(limits=FAST)
    return made


def hashes(server: LabServer, *versions: str, names: bool = True) -> str:
    """Digests of the files of *versions*, as `sha256sum` lists them, or without names."""
    files = [stored for version in versions for stored in server.world.files_of(version)]
    return "".join(f"{f.sha256}  {f.filename}\n" if names else f"{f.sha256}\n" for f in files)


def artifacts(analysis: Analysis, version: str) -> dict[str, Any]:
    return {a.filename: a for a in analysis.assessment(version).release.artifacts}

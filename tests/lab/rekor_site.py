"""A Rekor v1 log of its own behind HTTP: as many entries as wanted, of a few writers, without a world around it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from starlette.applications import Starlette

from tests.lab.http_rekor import rekor_routes
from tests.lab.pki import Authority
from tests.lab.rekor import RekorLog, dsse_body, hashedrekord_body
from tests.lab.tiles_http import serving, write_root
from tests.lab.tiles_log import START, writer


@dataclass
class RekorSite:
    """What is served: the first ``log_size`` entries of ``log``."""

    log: RekorLog
    log_size: int


@dataclass(frozen=True)
class RekorServer:
    """A site being served."""

    site: RekorSite
    url: str
    root: Path

    def env(self) -> dict[str, str]:
        """The environment that points the toolkit at this log, and at nothing else."""
        nowhere = {f"FORENSICS_{name}_URL": "http://127.0.0.1:9" for name in ("PYPI", "FILES", "OSV")}
        return {**nowhere, "FORENSICS_REKOR_URL": self.url, "FORENSICS_TRUST_ROOT": str(self.root)}


def big_rekor(
    authority: Authority,
    count: int,
    planted: dict[int, bytes],
    *,
    writers: int = 50,
    spread: timedelta = timedelta(days=10),
) -> RekorLog:
    """A log of ``count`` entries by many, the ``planted`` ones at their leaf indices, spread evenly over time.

    Every other entry of the writers is dsse, the rest hashedrekord; their signatures are noise.
    """
    log = RekorLog()
    noise = random.Random(count)
    pems = [writer(authority, number).signer.pem for number in range(writers)]

    def filler(index: int) -> bytes:
        pem, digest, signature = pems[index * writers // count], noise.randbytes(32), noise.randbytes(71)
        if index % 2:
            return hashedrekord_body(digest.hex(), signature, pem)
        return dsse_body(noise.randbytes(32), digest, signature, pem)

    for index in range(count):
        log.append(planted.get(index) or filler(index), START + spread * index / count, ())
    return log


@contextlib.contextmanager
def serve_rekor(site: RekorSite, authority: Authority, directory: Path) -> Iterator[RekorServer]:
    """Serve a site on loopback for the time of a ``with`` block."""
    with serving(Starlette(routes=rekor_routes(lambda: site))) as url:
        yield RekorServer(site, url, write_root(authority, [], directory / "rekor-root.json", site.log))

"""A log of Rekor v1 that rekor-monitor can watch: real signatures, and the TUF repository that names log and key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.lab.http_rekor import rekor_routes
from tests.lab.pki import Authority, Signer
from tests.lab.rekor import OFFSET, RekorLog, dsse_body, hashedrekord_body
from tests.lab.rekor_site import RekorSite
from tests.lab.signing_http import Repository
from tests.lab.tiles_http import serving, write_root
from tests.lab.tiles_log import START, writer

SIGNING_CONFIG = "application/vnd.dev.sigstore.signingconfig.v0.2+json"


@dataclass(frozen=True)
class Monitored:
    """Where the log is, and a folder with what both monitors read. Indices are the log's own, global ones."""

    url: str
    home: Path
    first: int
    last: int

    @property
    def identities(self) -> Path:
        """The file that rekor-monitor writes what it found to."""
        return self.home / "identities.txt"

    @property
    def configuration(self) -> Path:
        """The configuration that both read."""
        return self.home / "monitor.yaml"

    def configure(self, monitored: str) -> None:
        """Let *monitored*, YAML under the key ``monitoredValues``, be looked for in the whole log."""
        # rekor-monitor takes startIndex for the last entry that it saw.
        head = f"startIndex: {self.first - 1}\nendIndex: {self.last}\noutputIdentities: {self.identities}\n"
        lines = "".join(f"  {line}\n" for line in monitored.strip().splitlines())
        self.configuration.write_text(f"{head}monitoredValues:\n{lines}", "utf-8")

    def peer(self, program: Path) -> list[str]:
        """The command by which rekor-monitor looks once. It adds to what it finds there, and exits 0 on failure."""
        return [
            str(program), "--once", "--url", self.url, "--tuf-repository", f"{self.url}/tuf", "--tuf-root-path",
            str(self.home / "root.json"), "--config-file", str(self.configuration), "--file",
            str(self.home / "checkpoints.txt"),
        ]  # fmt: skip

    def forget(self) -> None:
        """Remove what rekor-monitor wrote."""
        for name in ("identities.txt", "checkpoints.txt"):
            (self.home / name).unlink(missing_ok=True)

    @property
    def env(self) -> dict[str, str]:
        """The environment that points the toolkit at this log, and at nothing else."""
        nowhere = {f"FORENSICS_{name}_URL": "http://127.0.0.1:9" for name in ("PYPI", "FILES", "OSV")}
        return {**nowhere, "FORENSICS_REKOR_URL": self.url, "FORENSICS_TRUST_ROOT": str(self.home / "trusted.json")}


def workflows(authority: Authority, count: int) -> list[Signer]:
    """The keys and certificates of so many GitHub workflows."""
    return [writer(authority, number).signer for number in range(count)]


def signed_log(signers: Sequence[Signer]) -> RekorLog:
    """A log with an entry of each of *signers*, in order: dsse and hashedrekord in turn.

    Each is signed, because rekor-monitor does not read a hashedrekord whose signature is not one.
    """
    log = RekorLog()
    for index, signer in enumerate(signers):
        what = b"artifact %d" % index
        signature, digest = signer.sign(what), hashlib.sha256(what)
        if index % 2:
            log.append(hashedrekord_body(digest.hexdigest(), signature, signer.pem), START, ())
        else:
            log.append(dsse_body(what, digest.digest(), signature, signer.pem), START, ())
    return log


@contextmanager
def monitored(
    home: Path, authority: Authority, log: RekorLog, wrapped: Callable[[ASGIApp], ASGIApp] | None = None
) -> Iterator[Monitored]:
    """Serve *log* and its TUF repository for the time of a ``with`` block; *wrapped* may stand before the server."""
    trusted = write_root(authority, [], home / "trusted.json", log)
    repository, site = Repository(), RekorSite(log, len(log.entries))

    async def target(request: Request) -> Response:
        data = repository.files.get(str(request.path_params["path"]))
        return Response(status_code=404) if data is None else Response(data)

    server: ASGIApp = Starlette(routes=[Route("/tuf/{path:path}", target), *rekor_routes(lambda: site)])
    with serving(wrapped(server) if wrapped else server) as url:
        service = {
            "url": url,
            "majorApiVersion": 1,
            "operator": "lab.example",
            "validFor": {"start": "2020-01-01T00:00:00Z"},
        }
        config = {
            "mediaType": SIGNING_CONFIG, "rekorTlogUrls": [service], "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        }  # fmt: skip
        targets = {"trusted_root.json": trusted.read_bytes(), "signing_config.v0.2.json": json.dumps(config).encode()}
        repository.publish(targets)
        (home / "root.json").write_bytes(repository.root)
        yield Monitored(url, home, OFFSET, OFFSET + len(log.entries) - 1)

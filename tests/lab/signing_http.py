"""A private Sigstore to sign with, over loopback HTTP: certificate authority, log, timestamps, and the TUF repository.

Follows Fulcio's `POST /api/v2/signingCert`, Rekor v1's `POST /api/v1/log/entries` for dsse 0.0.1, RFC 3161 section 3.4,
and a TUF repository (made with python-tuf) with the targets `trusted_root.json` and `signing_config.v0.2.json`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from tests.lab.claims import Claims
from tests.lab.pki import Authority
from tests.lab.rekor import RekorLog, dsse_body, dsse_keys
from tests.lab.tiles_http import serving
from tests.lab.timestamping import Stamper
from tests.lab.trust import trusted_root

SECRET = "the lab's identity provider, known to nobody else"
ISSUER = "https://oidc.lab.example"


class SigningSite:
    """Who signs, logs and stamps. ``refusing`` names the services (ca, log, tsa) that answer 503."""

    def __init__(self, claims: Claims) -> None:
        self.claims = claims
        self.authority, self.log, self.stamper = Authority(), RekorLog(), Stamper()
        self.log.append(rfc8785.dumps({"kind": "somebody else's"}), datetime.now(UTC) - timedelta(hours=1), ())
        self.refusing: set[str] = set()
        self.repository = Repository()
        self.url = ""

    @property
    def root(self) -> bytes:
        """The trust root of this Sigstore."""
        row = trusted_root(self.authority, self.log, (self.stamper.authority, self.stamper.der))
        return json.dumps(row, indent=2).encode()

    @property
    def config(self) -> bytes:
        """Its signing configuration (v0.2)."""
        start = {"start": "2020-01-01T00:00:00Z"}
        service = {"majorApiVersion": 1, "validFor": start, "operator": "lab.example"}
        document = {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [{"url": self.url, **service}],
            "oidcUrls": [{"url": ISSUER, **service}],
            "rekorTlogUrls": [{"url": self.url, **service}],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [{"url": f"{self.url}/tsa", **service}],
            "tsaConfig": {"selector": "ANY"},
        }
        return json.dumps(document).encode()

    def token(self, **claims: Any) -> str:
        """An identity token for the workload of the claims."""
        now = int(datetime.now(UTC).timestamp())
        standard = {"iss": ISSUER, "sub": self.claims.san, "aud": "sigstore", "iat": now, "exp": now + 600}
        return jwt.encode(standard | claims, SECRET, algorithm="HS256")

    def publish(self) -> None:
        """Put root and configuration of the moment into the TUF repository, as its next version."""
        self.repository.publish({"trusted_root.json": self.root, "signing_config.v0.2.json": self.config})

    def env(self) -> dict[str, str]:
        """The environment that points the toolkit at this Sigstore."""
        return {"FORENSICS_TUF_URL": f"{self.url}/tuf", "FORENSICS_TSA_URL": f"{self.url}/tsa"}

    def routes(self) -> list[Route]:
        """Every endpoint."""
        return [
            Route("/api/v2/signingCert", self._certificate, methods=["POST"]),
            Route("/api/v1/log/entries", self._entry, methods=["POST"]),
            Route("/tsa", self._stamp, methods=["POST"]),
            Route("/tuf/{path:path}", self._tuf),
        ]

    async def _certificate(self, request: Request) -> Response:
        if "ca" in self.refusing:
            return JSONResponse({"message": "not today"}, 503)
        try:
            token = request.headers["authorization"].removeprefix("Bearer ")
            jwt.decode(token, SECRET, algorithms=["HS256"], audience="sigstore")
        except (KeyError, jwt.InvalidTokenError):
            return JSONResponse({"message": "there was an error processing the identity token"}, 401)
        pem = base64.b64decode((await request.json())["certificateSigningRequest"])
        wanted = x509.load_pem_x509_csr(pem)
        key = wanted.public_key()
        if not wanted.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey):
            return JSONResponse({"message": "the request is not signed with its key"}, 400)
        leaf = self.authority.certify(key, self.claims, datetime.now(UTC))
        chain = [leaf, self.authority.intermediate, self.authority.root]
        certificates = [one.public_bytes(serialization.Encoding.PEM).decode() for one in chain]
        return JSONResponse({"signedCertificateEmbeddedSct": {"chain": {"certificates": certificates}}}, 201)

    async def _entry(self, request: Request) -> Response:
        if "log" in self.refusing:
            return JSONResponse({"code": 503, "message": "not today"}, 503)
        proposed = (await request.json())["spec"]["proposedContent"]
        envelope = json.loads(proposed["envelope"])
        pem, payload = base64.b64decode(proposed["verifiers"][0]), base64.b64decode(envelope["payload"])
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        body = dsse_body(proposed["envelope"].encode(), payload, signature, pem)
        keys = dsse_keys(proposed["envelope"].encode(), payload, pem, self.claims.san, [])
        entry = self.log.append(body, datetime.now(UTC), keys)
        return JSONResponse(self.log.rest_entry(entry, len(self.log.entries)), 201)

    async def _stamp(self, request: Request) -> Response:
        if "tsa" in self.refusing:
            return Response("not today", 503)
        answer = self.stamper.answer(await request.body())
        return Response(answer, media_type="application/timestamp-reply")

    async def _tuf(self, request: Request) -> Response:
        data = self.repository.files.get(str(request.path_params["path"]))
        return Response(status_code=404) if data is None else Response(data)


class Repository:
    """A TUF repository with one key for every role, consistent snapshots on."""

    def __init__(self) -> None:
        self.signer = CryptoSigner.generate_ed25519()
        self.files: dict[str, bytes] = {}
        self.version = 0
        root = Root(version=1, expires=_later(), consistent_snapshot=True)
        for role in ("root", "timestamp", "snapshot", "targets"):
            root.add_key(self.signer.public_key, role)
        self.root = self._signed(root)

    def publish(self, targets: dict[str, bytes], expires: datetime | None = None) -> None:
        """Make these the targets, in a new version of everything but the root."""
        self.version += 1
        number, expiry = self.version, expires or _later()
        listed = Targets(version=number, expires=expiry)
        for path, data in targets.items():
            target = TargetFile.from_data(path, data, ["sha256"])
            listed.targets[path] = target
            self.files[f"targets/{target.hashes['sha256']}.{path}"] = data
        snapshot = Snapshot(version=number, expires=expiry, meta={"targets.json": MetaFile(number)})
        timestamp = Timestamp(version=number, expires=expiry, snapshot_meta=MetaFile(number))
        self.files["1.root.json"] = self.root
        self.files[f"{number}.targets.json"] = self._signed(listed)
        self.files[f"{number}.snapshot.json"] = self._signed(snapshot)
        self.files["timestamp.json"] = self._signed(timestamp)

    def _signed(self, role: Any) -> bytes:
        metadata = Metadata(role)
        metadata.sign(self.signer)
        return bytes(metadata.to_bytes())


def _later() -> datetime:
    return (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)


@contextmanager
def signing_site(claims: Claims) -> Iterator[SigningSite]:
    """Serve a Sigstore whose authority knows one workload, for the time of a ``with`` block."""
    site = SigningSite(claims)
    with serving(Starlette(routes=list(site.routes()))) as site.url:
        site.publish()
        yield site

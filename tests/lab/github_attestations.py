"""GitHub's store of attestations: by digest, through addresses of their own whose answers are packed with Snappy.

Follows GitHub's REST documentation (repos/attestations) and google/snappy's `format_description.txt`. A file of an
attested release of a public repository has one, from the moment of its signature on, whatever becomes of the release.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.lab.world import World

_LONGEST = 1 << 16


@dataclass(frozen=True)
class Kept:
    """A bundle in the store: of which repository, since when; proven when it is asked for."""

    slug: str
    repository_id: int
    since: datetime
    bundle: Callable[[], dict[str, Any]]


def kept_by_digest(world: World) -> dict[str, Kept]:
    """Every bundle of the project's files by SHA-256 of the file; none of npm, whose statements name SHA-512."""
    if world.scenario.ecosystem != "pypi" or world.scenario.repository.visibility != "public":
        return {}
    digests = {stored.filename: stored.sha256 for stored in world.files}
    found = {}
    for item in world.signed:
        if item.release is not None and item.package == world.scenario.project and item.filename in digests:
            claims, bundle = item.release.claims, partial(item.statement.bundle, world.log, item.size)
            found[digests[item.filename]] = Kept(claims.slug, claims.repository_id, item.release.signed, bundle)
    return found


def snappy(data: bytes) -> bytes:
    """A raw block of Snappy that holds *data* in literals only."""
    length, head = len(data), bytearray()
    while length >= 0x80:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    for start in range(0, len(data), _LONGEST):
        piece = data[start : start + _LONGEST]
        head += bytes([61 << 2]) + (len(piece) - 1).to_bytes(2, "little") + piece
    return bytes(head)


def attestation_routes(world: World, now: Callable[[], datetime]) -> list[Route]:
    """The list by digest, and the store that it leads to."""
    kept = kept_by_digest(world)

    def found(digest: str) -> Kept | None:
        one = kept.get(digest)
        return one if one is not None and one.since <= now() else None

    async def listed(request: Request) -> Response:
        values = request.path_params
        one = found(values["digest"])
        if one is None or one.slug.lower() != f"{values['owner']}/{values['repo']}".lower():
            return JSONResponse({"message": "Not Found", "documentation_url": "about:blank"}, 404)
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
        address = f"{base}/attestation-store/{values['digest']}.json.sn?sig=lab"
        row = {"bundle": None, "bundle_url": address, "repository_id": one.repository_id, "initiator": "user"}
        return JSONResponse({"attestations": [row]})

    async def store(request: Request) -> Response:
        one = found(request.path_params["digest"])
        if one is None:
            return Response(status_code=404)
        return Response(snappy(json.dumps(one.bundle()).encode()), media_type="application/x-snappy")

    return [
        Route("/repos/{owner}/{repo}/attestations/sha256:{digest}", listed),
        Route("/attestation-store/{digest}.json.sn", store),
    ]

"""HTTP for the log: Rekor v1's read API (``openapi.yaml``), restricted to the entries of the moment."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.lab.rekor import TREE_ID, Entry, RekorLog


class Shown(Protocol):
    """What is served at one moment: the first ``log_size`` entries of ``log``."""

    @property
    def log(self) -> RekorLog: ...
    @property
    def log_size(self) -> int: ...


Now = Callable[[], Shown]

_HASH = re.compile(r"^(sha512:[0-9a-fA-F]{128}|sha256:[0-9a-fA-F]{64}|(sha1:)?[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$")
_ENTRY_ID = re.compile(r"^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_AT_ONCE = 10


def rekor_routes(now: Now) -> list[Route]:
    """All read endpoints. Writing is refused."""
    log = _Log(now)
    return [
        Route("/api/v1/log", log.info),
        Route("/api/v1/log/publicKey", log.public_key),
        Route("/api/v1/log/proof", log.proof),
        Route("/api/v1/log/entries", log.by_index),
        Route("/api/v1/log/entries/retrieve", log.retrieve, methods=["POST"]),
        Route("/api/v1/log/entries/{id}", log.by_uuid),
        Route("/api/v1/index/retrieve", log.search, methods=["POST"]),
    ]


class _Log:
    """Handlers of the log; each asks for the snapshot of the moment."""

    def __init__(self, now: Now) -> None:
        self._now = now

    async def info(self, request: Request) -> Response:
        shot = self._now()
        size = shot.log_size
        return JSONResponse(
            {
                "inactiveShards": [shot.log.old_shard()],
                "rootHash": shot.log.tree.root(size).hex(),
                "signedTreeHead": shot.log.checkpoint(size),
                "treeID": str(TREE_ID),
                "treeSize": size,
            }
        )

    async def public_key(self, request: Request) -> Response:
        return Response(self._now().log.public_key, media_type="application/x-pem-file")

    async def proof(self, request: Request) -> Response:
        """Consistency within the active shard. As in Rekor, ``rootHash`` is the current root, not that of lastSize."""
        shot = self._now()
        try:
            first = int(request.query_params.get("firstSize", "1"))
            last = int(request.query_params["lastSize"])
        except (KeyError, ValueError):
            return _error(422, "lastSize in query is required and must be a number")
        if request.query_params.get("treeID", str(TREE_ID)) != str(TREE_ID):
            return _error(400, "no proofs are kept of that shard")
        if not 0 < first <= last or last > shot.log_size:
            return _error(400, f"lastSize({last}) must be at least firstSize and at most the tree size")
        hashes = [step.hex() for step in shot.log.tree.consistency(first, last)]
        return JSONResponse({"hashes": hashes, "rootHash": shot.log.tree.root(shot.log_size).hex()})

    async def by_index(self, request: Request) -> Response:
        try:
            index = int(request.query_params["logIndex"])
        except (KeyError, ValueError):
            return _error(422, "logIndex in query is required and must be a number")
        entry = self._by_index(index)
        return self._one(entry) if entry else _error(404, "entry not found")

    async def by_uuid(self, request: Request) -> Response:
        name = str(request.path_params["id"])
        if not _ENTRY_ID.match(name):
            return _error(422, "entryUUID in path must be 64 or 80 hex digits")
        entry = self._by_uuid(name)
        return self._one(entry) if entry else _error(404, "entry not found")

    async def retrieve(self, request: Request) -> Response:
        """Up to ten entries by UUID and global index. ``entries`` (whole proposed entries) is not served."""
        wanted = await _object(request)
        # Clients generated for Go write what they leave out as null.
        uuids, indexes = (wanted.get(key) or [] for key in ("entryUUIDs", "logIndexes"))
        if not isinstance(uuids, list) or not isinstance(indexes, list):
            return _error(422, "entryUUIDs and logIndexes in body must be arrays")
        total = len(uuids) + len(indexes)
        if not 1 <= total <= _AT_ONCE:
            return _error(422, f"between 1 and {_AT_ONCE} entries can be retrieved at once, not {total}")
        bad_uuid = any(not isinstance(name, str) or not _ENTRY_ID.match(name) for name in uuids)
        if bad_uuid or any(not isinstance(index, int) or index < 0 for index in indexes):
            return _error(422, "validation failure: entryUUIDs and logIndexes")
        found = [self._by_uuid(name) for name in uuids] + [self._by_index(index) for index in indexes]
        shot = self._now()
        return JSONResponse([shot.log.rest_entry(entry, shot.log_size) for entry in found if entry is not None])

    async def search(self, request: Request) -> Response:
        """The index: by hash, e-mail, subject (exact, case-insensitive) or public key, joined by or/and."""
        wanted = await _object(request)
        keys = _search_keys(wanted)
        if isinstance(keys, str):
            return _error(422, keys)
        if not keys:
            return _error(400, "at least one of hash, email, subject, publicKey is required")
        shot = self._now()
        hits = [{entry.entry_id for entry in shot.log.by_key(key, shot.log_size)} for key in keys]
        both = wanted.get("operator", "or") == "and"
        return JSONResponse(sorted(set.intersection(*hits) if both else set.union(*hits)))

    def _by_index(self, index: int) -> Entry | None:
        shot = self._now()
        return shot.log.by_global_index(index, shot.log_size)

    def _by_uuid(self, name: str) -> Entry | None:
        wanted = name.lower()
        tree, uuid = wanted[:-64], wanted[-64:]
        if tree not in ("", f"{TREE_ID:016x}"):
            return None
        shot = self._now()
        return shot.log.by_uuid(uuid, shot.log_size)

    def _one(self, entry: Entry) -> Response:
        shot = self._now()
        return JSONResponse(shot.log.rest_entry(entry, shot.log_size))


def _search_keys(wanted: dict[str, Any]) -> list[str] | str:
    """The index keys that a search asks for, or what is wrong with it."""
    keys: list[str] = []
    if "hash" in wanted:
        if not _HASH.match(str(wanted["hash"])):
            return "hash in body should match its pattern"
        digest = str(wanted["hash"]).lower()
        keys.append(digest if ":" in digest else f"sha{'256' if len(digest) == 64 else '1'}:{digest}")
    if "email" in wanted:
        if not _EMAIL.match(str(wanted["email"])):
            return "email in body must be of type email"
        keys.append(str(wanted["email"]).lower())
    if "subject" in wanted:
        if not 1 <= len(str(wanted["subject"])) <= 512:
            return "subject in body should be 1 to 512 characters long"
        keys.append(str(wanted["subject"]).lower())
    if "publicKey" in wanted:
        key = wanted["publicKey"]
        try:
            pem = base64.b64decode(key["content"], validate=True)
        except (KeyError, TypeError, ValueError):
            return "publicKey.content in body must be base64"
        keys.append(hashlib.sha256(pem).hexdigest())  # without prefix: finds hashedrekord entries only
    return keys


async def _object(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.body())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _error(code: int, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, code)

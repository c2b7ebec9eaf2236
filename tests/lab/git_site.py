"""The repository served over smart HTTP by git's own server program, as it stood at the moment that is served."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.lab.git_history import GitHistory

_CONFIG = """[core]
	repositoryformatversion = 0
	bare = true
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
"""


class GitSite:
    """Repositories on disk, one a moment, made when first asked for. All share one store of objects."""

    def __init__(self, history: GitHistory, slugs: set[str]) -> None:
        self._history = history
        self._slugs = {slug.lower() for slug in slugs}
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._made: dict[datetime, Path] = {}

    def close(self) -> None:
        """Remove what was written."""
        if self._folder is not None:
            self._folder.cleanup()

    def path(self, moment: datetime) -> Path:
        """The folder that holds `repository.git` of a moment."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="lab-git-")
                self._write_objects(Path(self._folder.name) / "objects")
            if moment not in self._made:
                root = Path(self._folder.name) / f"at-{len(self._made)}"
                self._write_repository(root / "repository.git", moment)
                self._made[moment] = root
            return self._made[moment]

    def _write_objects(self, folder: Path) -> None:
        for sha, (kind, content) in self._history.objects.items():
            target = folder / sha[:2] / sha[2:]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(zlib.compress(f"{kind} {len(content)}\0".encode() + content, 1))

    def _write_repository(self, where: Path, moment: datetime) -> None:
        (where / "objects" / "info").mkdir(parents=True)
        (where / "refs").mkdir()
        assert self._folder is not None
        (where / "objects" / "info" / "alternates").write_text(f"{Path(self._folder.name) / 'objects'}\n")
        (where / "config").write_text(_CONFIG)
        (where / "HEAD").write_text(f"ref: refs/heads/{self._history.default_branch}\n")
        refs = sorted(self._history.refs_at(moment).items())
        lines = "".join(f"{sha} {name}\n" for name, sha in refs)
        (where / "packed-refs").write_text(f"# pack-refs with: sorted \n{lines}")

    def knows(self, slug: str) -> bool:
        """Whether the repository is known under this owner and name."""
        return slug.removesuffix(".git").lower() in self._slugs


def git_routes(site: GitSite, now: Callable[[], datetime]) -> list[Route]:
    """`/{owner}/{repo}/…` for every name that the repository has had."""

    async def serve(request: Request) -> Response:
        owner, name = request.path_params["owner"], request.path_params["repo"]
        if not site.knows(f"{owner}/{name}"):
            return Response("Repository not found.", 404, media_type="text/plain")
        body = await request.body()
        return await asyncio.to_thread(_answer, site.path(now()), request, body)

    return [Route("/{owner}/{repo}/{rest:path}", serve, methods=["GET", "POST"])]


def _answer(root: Path, request: Request, body: bytes) -> Response:
    """Run `git http-backend`, a CGI program (RFC 3875), for one request."""
    git = shutil.which("git")
    if git is None:
        return Response("git is not installed", 501, media_type="text/plain")
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/repository.git/{request.path_params['rest']}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }
    done = subprocess.run([git, "http-backend"], input=body, env=environment, capture_output=True, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200 OK").split()[0])
    return Response(content, status if done.stdout else 500, headers)

"""A cache beside the cases, never inside one: what was computed before, by the exact content that it follows from.

It is a convenience of this user on this machine. Whoever distrusts it passes `--no-cache` or removes the directory.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from forensics._version import __version__

MAX_BYTES = 512 * 2**20
"""Everything the cache may hold; the oldest entries go first."""
UNMEASURED = MAX_BYTES // 64
"""What one process may add before it looks how much is there: looking takes longer the more there is."""

_believed = True
_added: dict[Path, int] = {}


def believe(believed: bool) -> None:
    """Say whether what was computed before counts, from now on in this process; it is written either way."""
    global _believed
    _believed = believed


def folder() -> Path:
    """Return where the cache lies: FORENSICS_CACHE, else the user's cache directory."""
    if named := os.environ.get("FORENSICS_CACHE"):
        return Path(named)
    from platformdirs import user_cache_path

    return Path(user_cache_path("release-forensics"))


def key_of(*parts: str) -> str:
    """Return the key of a result: SHA-256 over *parts*, this version, and the code that would compute it again."""
    machine = hashlib.sha256()
    for part in (__version__, _code(), *parts):
        machine.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return machine.hexdigest()


@functools.cache
def _code() -> str:
    """Name, size and change time of every source file: a changed tool never meets an old result.

    Once in a process, which goes on with the code that it has loaded.
    """
    root = Path(__file__).resolve().parents[1]
    stats = sorted((str(p.relative_to(root)), p.stat()) for p in root.rglob("*.py"))
    return "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)


def get(key: str) -> bytes | None:
    """Return what was stored under *key*, or None. An entry whose digest is not that of its bytes is no entry."""
    if not _believed:
        return None
    try:
        data = (folder() / key).read_bytes()
    except OSError:
        return None
    digest, body = data[:32], data[32:]
    return body if hashlib.sha256(body).digest() == digest else None


def put(key: str, body: bytes) -> None:
    """Store *body* under *key*, whole or not at all. A cache that cannot be written to is not an error."""
    from tempfile import NamedTemporaryFile

    where = folder()
    try:
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
        with NamedTemporaryFile(dir=where, prefix=".new-", delete=False) as file:
            file.write(hashlib.sha256(body).digest() + body)
        Path(file.name).replace(where / key)
        _added[where] = _added.get(where, UNMEASURED) + len(body)
        if _added[where] >= UNMEASURED:
            _added[where] = 0
            _trim(where)
    except OSError:
        return


def _trim(where: Path) -> None:
    entries = sorted((p.stat().st_mtime, p.stat().st_size, p) for p in where.iterdir() if not p.name.startswith("."))
    total = sum(size for _, size, _ in entries)
    for _, size, path in entries:
        if total <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size

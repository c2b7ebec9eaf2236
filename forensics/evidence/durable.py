"""Getting bytes to the disk: atomic files, batched syncs, one writer at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
from pathlib import Path

from forensics.model.errors import EvidenceError, UsageError

SYNC_SECONDS = 0.2
"""Longest time, in seconds, that an exchange waits for its sync."""
SYNC_EXCHANGES = 32
"""Most exchanges that wait for one sync."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write *data* to *path* so that after a crash either the old or the new content is there, never a mixture.

    Raises EvidenceError when the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise EvidenceError(
            f"{path.name} could not be written: {error.strerror}.",
            meaning="What was there before is unchanged.",
            advice="Make room, or check the permissions of the directory, and run the same command again.",
        ) from error


def sync_directory(path: Path) -> None:
    """Make renames inside the directory *path* durable, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(descriptor: int, path: Path) -> None:
    """Take the writer's lock of an open file; raises UsageError while another process holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UsageError(
            f"Another process is collecting into {path.parent.parent}.",
            advice="Wait for it, or name another case with --case.",
        ) from None


class GroupCommit:
    """Syncs an open file from a thread: once for up to 32 writes, at most 200 ms after the first of them."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._wake = threading.Condition()
        self._pending = 0
        self._closed = False
        self._failed: OSError | None = None
        self._thread: threading.Thread | None = None

    def wrote(self) -> None:
        """Say that one more exchange was written; raises OSError when an earlier sync failed."""
        if self._failed:
            raise self._failed
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="case-sync", daemon=True)
            self._thread.start()
        with self._wake:
            self._pending += 1
            if self._pending in {1, SYNC_EXCHANGES}:
                self._wake.notify()

    def sync(self) -> None:
        """Sync now."""
        with self._wake:
            self._pending = 0
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Stop the thread and sync what is left; raises OSError when the disk refuses."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread:
            self._thread.join()
        os.fsync(self._descriptor)
        if self._failed:
            raise self._failed

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._pending or self._closed)
                if self._closed:
                    return
                self._wake.wait_for(lambda: self._pending >= SYNC_EXCHANGES or self._closed, SYNC_SECONDS)
                self._pending = 0
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                self._failed = error
                return

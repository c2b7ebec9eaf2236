"""Run a program that reads hostile input: fed through stdin, bounded in output and time, ended with all it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

from forensics.model.errors import HostileInput

_MAX_COMPLAINT = 2**20
_LAST_WORDS = 5.0
"""Seconds to wait for a killed program; only one that escaped its group can hold its pipes open for longer."""


class TooLarge(HostileInput):
    """What a program holds or prints is beyond a limit."""


async def talk(
    process: asyncio.subprocess.Process, stdin: bytes, limit: int, watch: asyncio.Future[None] | None, name: str
) -> tuple[bytes, bytes]:
    """Feed *stdin* and return both outputs; raises TooLarge beyond *limit* bytes and whatever *watch* raises.

    *name* is what messages call the program. The caller ends the process, also when this is cancelled.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None

    async def feed(pipe: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            pipe.write(stdin)
            await pipe.drain()
        pipe.close()

    work = asyncio.gather(
        feed(process.stdin), _read(process.stdout, limit, name), _read(process.stderr, None, name), process.wait()
    )
    try:
        waiting: list[asyncio.Future[Any]] = [work, *([watch] if watch else [])]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if watch is not None and watch.done():
            watch.result()
        _, out, words, _ = await work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    return out, words


async def _read(pipe: asyncio.StreamReader, limit: int | None, name: str) -> bytes:
    """Return what comes through *pipe*; without a *limit*, complaints, of which the beginning is kept."""
    parts: list[bytes] = []
    size = 0
    while chunk := await pipe.read(2**16):
        size += len(chunk)
        if limit is not None and size > limit:
            raise TooLarge(f"{name} prints more than {limit // 2**20} MiB")
        if limit is not None or size <= _MAX_COMPLAINT:
            parts.append(chunk)
    return b"".join(parts)


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill the whole group, for helpers can outlive the program, and wait for the program."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # asyncio counts a process as ended once its pipes are, and a pipe that nobody reads any more never ends.
    for pipe in filter(None, (process.stdout, process.stderr)):
        # A RuntimeError says that somebody else reads it still.
        with contextlib.suppress(TimeoutError, RuntimeError):
            async with asyncio.timeout(_LAST_WORDS):
                while await pipe.read(2**16):
                    pass
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS):
            await process.wait()

"""The same scan by rekor-monitor: one log of Rekor v1 on loopback, one configuration, one process on each side.

Answers of the log are made once and then given again, so that what is compared is those who ask.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench import log_corpus
from bench.row import NotMeasured
from bench.timing import alternate

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tests.lab.monitored import Monitored

AWAY = 0.02
"""Seconds that an answer of the log is under way, as for the row of collecting."""


def monitor_ratio(quick: bool) -> float:
    """Seconds of rekor-monitor against ours for one name, one entry in a thousand, from the first entry to the last.

    Raises NotMeasured where rekor-monitor is not to be had, and RuntimeError where one side finds something else.
    """
    from tests.lab.monitored import monitored, signed_log, workflows
    from tests.lab.pki import Authority
    from tests.lab.tiles_log import writer

    program, authority, count = _program(), Authority(), 1000 if quick else 5000
    others, wanted = workflows(authority, 200), writer(authority, 999, san=log_corpus.WANTED).signer
    log = signed_log([wanted if index % 1000 == 17 else others[index % 200] for index in range(count)])
    with tempfile.TemporaryDirectory() as folder, monitored(Path(folder), authority, log, _Remembering) as served:
        served.configure(f"certIdentities:\n  - certSubject: ^{log_corpus.WANTED.replace('.', '[.]')}$")
        sides = [_theirs(program, served, count // 1000), _ours(served, count // 1000)]
        theirs, ours = alternate(sides, 1 if quick else 3)
    return theirs / ours


def _program() -> Path:
    """Return rekor_monitor, built where that is possible."""
    import pytest

    from tests.real.go_tools import rekor_monitor

    try:
        return rekor_monitor()
    except pytest.skip.Exception as absent:
        raise NotMeasured(str(absent)) from None


def _theirs(program: Path, served: Monitored, matches: int) -> Callable[[], None]:
    def run() -> None:
        served.forget()
        env = {**os.environ, "HOME": str(served.home)}
        done = subprocess.run(served.peer(program), env=env, capture_output=True, text=True, check=False)
        found = served.identities.read_text("utf-8").splitlines() if served.identities.exists() else []
        if len(found) != matches:
            raise RuntimeError(f"rekor-monitor names {len(found)} of {matches} entries: {done.stderr[-500:]}")

    return run


def _ours(served: Monitored, matches: int) -> Callable[[], None]:
    from tests.command import COMMAND, environment

    line = [
        str(COMMAND), "log", "scan", "--log", "v1", "--config", str(served.configuration), "--from-index",
        str(served.first), "--concurrency", "16", "--json", "--quiet",
    ]  # fmt: skip

    def run() -> None:
        env = environment(served.home, served.env)
        done = subprocess.run(line, env=env, capture_output=True, text=True, check=False, cwd=served.home)
        found = json.loads(done.stdout)["logs"][0]["entries"] if done.stdout else []
        if len(found) != matches:
            raise RuntimeError(f"the scan names {len(found)} of {matches} entries: {done.stderr[-500:]}")

    return run


class _Remembering:
    """An ASGI application that says again what the log said when it was asked the same before, AWAY seconds later."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._said: dict[bytes, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        question = f"{scope['method']} {scope['path']}?{scope['query_string']!r}\n".encode() + body
        said = self._said.get(question)
        if said is None:
            said = self._said[question] = []
            kept: list[Message] = said

            async def again() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            async def keep(message: Message) -> None:
                kept.append(message)

            await self._inner(scope, again, keep)
        await asyncio.sleep(AWAY)
        for message in said:
            await send(message)

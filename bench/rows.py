"""One function for each row of the performance table. Each returns the ratio that the budget speaks of."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.growing import memory_ratio, warm_requests
from bench.material import attestations, jobs
from bench.monitor import monitor_ratio
from bench.peers import again_ratio, loop_ratio, node_ratio
from bench.row import Row
from bench.timing import alternate, command

BIN = Path(sys.executable).parent


def help_ratio(quick: bool) -> float:
    """`forensics --help` against `pypi-attestations --help`."""
    ours, theirs = alternate(
        [command(str(BIN / "forensics"), "--help"), command(str(BIN / "pypi-attestations"), "--help")],
        3 if quick else 9,
    )
    return ours / theirs


def timeline_ratio(quick: bool) -> float:
    """`timeline` of 865 releases, analysed before, from its case, against `pypi-attestations --help`."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "FORENSICS_HOME": folder, "FORENSICS_CACHE": str(Path(folder) / "cache")}
        case = _case_of(Path(folder) / "case", 865, env)
        ours = command(str(BIN / "forensics"), "timeline", "--case", str(case), "--offline", env=env)
        theirs = command(str(BIN / "pypi-attestations"), "--help")
        mine, other = alternate([ours, theirs], 3 if quick else 7)
        return mine / other


def _case_of(path: Path, releases: int, env: dict[str, str]) -> Path:
    """Record a case of a generated project on loopback."""
    from bench.index import serving

    with serving(releases) as urls:
        run = command(
            str(BIN / "forensics"), "timeline", "bench-project", "--case", str(path), "--quiet",
            env={**env, **urls},
        )  # fmt: skip
        run()
    return path


def one_process(quick: bool) -> float:
    """Verifications a second in one process, as a share of the bare signature checks that one bundle needs.

    In processor time: both sides are this process, and other programs take turns with it. As on PyPI, the two files of
    a release are signed with one certificate, whose path is built once (ADR 20); the bare side makes all five each.
    """
    from forensics.attestation.pool import evaluate_many
    from forensics.attestation.trust import vouch

    raw = attestations().root
    root = vouch(raw, named=raw)
    work = jobs(100 if quick else 300)
    bare = _bare_checks(len(work))
    ours, theirs = alternate([lambda: evaluate_many(root, work, workers=1), bare], 7, time.process_time)
    return theirs / ours


def _bare_checks(count: int) -> Callable[[], None]:
    """Four P-256 and one P-384 signature checks for each of *count* bundles."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    message = b"x" * 500
    keys = [(ec.generate_private_key(curve()), digest) for curve, digest in
            [(ec.SECP256R1, hashes.SHA256())] * 4 + [(ec.SECP384R1, hashes.SHA384())]]  # fmt: skip
    checks = [(k.public_key(), k.sign(message, ec.ECDSA(digest)), ec.ECDSA(digest)) for k, digest in keys]

    def run() -> None:
        for _ in range(count):
            for key, signature, algorithm in checks:
                key.verify(signature, message, algorithm)

    return run


def two_workers(quick: bool) -> float:
    """Two worker processes against one."""
    from forensics.attestation.pool import evaluate_many
    from forensics.attestation.trust import vouch

    raw = attestations().root
    root = vouch(raw, named=raw)
    work = jobs(1000 if quick else 3000)
    one, two = alternate(
        [lambda: evaluate_many(root, work, workers=1), lambda: evaluate_many(root, work, workers=2)], 1 if quick else 3
    )
    return one / two


def growth(quick: bool) -> float:
    """Time of the analysis of ten times the releases, against once."""
    from bench.histories import history
    from forensics.signals.engine import judge

    small, large = history(200 if quick else 1000), history(2000 if quick else 10_000)
    one, ten = alternate([lambda: judge(small), lambda: judge(large)], 1 if quick else 3)
    return ten / one


def collect_ratio(quick: bool) -> float:
    """Documents a second, recorded, 20 ms away and 32 in flight, against sequential httpx."""
    from bench.index import slow_documents

    count = 400 if quick else 1700
    with slow_documents(0.02) as base:
        urls = [f"{base}/{index}" for index in range(count)]
        ours, sequential = alternate(
            [lambda: asyncio.run(_recorded(urls)), lambda: asyncio.run(_sequential(urls[: count // 10]))],
            1 if quick else 3,
        )
    return (sequential * 10) / ours


async def _recorded(urls: list[str]) -> None:
    from datetime import UTC, datetime

    from forensics.evidence.archive import Archive
    from forensics.evidence.client import Client, Limits
    from forensics.evidence.network import open_network
    from forensics.evidence.transport import RecordingTransport

    limits = Limits(concurrency=32, per_second=1e9)
    with (
        tempfile.TemporaryDirectory() as folder,
        Archive.append_to(Path(folder) / "http.warc.gz", datetime.now(UTC)) as archive,
    ):
        async with Client(RecordingTransport(open_network(), archive), limits) as client:
            await asyncio.gather(*(client.get(url) for url in urls))


async def _sequential(urls: list[str]) -> None:
    import httpx

    async with httpx.AsyncClient() as client:
        for url in urls:
            (await client.get(url)).raise_for_status()


ROWS: tuple[Row, ...] = (
    Row("forensics --help / pypi-attestations --help", 0.25, False, help_ratio),
    Row("timeline of 865 releases from its case / pypi-attestations --help", 1.5, False, timeline_ratio),
    Row("verify, one process / bare signature checks", 0.45, True, one_process),
    Row("verify, 2 worker processes / 1", 1.75, True, two_workers),
    Row("verify, 2 worker processes / pypi-attestations loop", 2.2, True, loop_ratio),
    Row("verify, one process / npm @sigstore/verify", 5.0, True, node_ratio),
    Row("verify for the first time / again", 20.0, True, again_ratio),
    Row("judge 10x the releases / 1x", 11.0, False, growth),
    Row("memory of judging 100,000 releases / bytes of the index's answer", 8.0, False, memory_ratio),
    Row("requests of a warm second run", 0.0, False, warm_requests),
    Row("scan v1 for a name, the log 20 ms away / rekor-monitor", 5.0, True, monitor_ratio),
    Row("collect, 32 in flight, recorded / sequential httpx", 20.0, True, collect_ratio),
)

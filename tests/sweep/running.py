"""What tests of whole sweeps share: a cluster on loopback, and what a sweep has done so far."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

FAST = ("--per-second", "5000", "--quiet")


def done(out: Path) -> set[str]:
    """The names of the PyPI projects of which the sweep at ``out`` has kept the rows."""
    found = out.glob("projects/ecosystem=pypi/project=*/part-0.parquet")
    return {path.parent.name.removeprefix("project=") for path in found}


class cluster:  # noqa: N801 -- used as a function
    """A scheduler and workers of Dask as processes on loopback, ended with the block."""

    def __init__(self, home: Path, workers: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.home, self.count = home, workers
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> tuple[str, list[subprocess.Popen[bytes]]]:
        port = self.address.rpartition(":")[2]
        host = ["--host", "127.0.0.1", "--no-dashboard"]
        self._start("distributed.cli.dask_scheduler", *host, "--port", port)
        for _ in range(self.count):
            one = ["--nthreads", "1", "--nworkers", "1", "--no-nanny", "--local-directory", str(self.home)]
            self._start("distributed.cli.dask_worker", self.address, *host, *one)
        return self.address, self.processes[1:]

    def __exit__(self, *problem: object) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def _start(self, module: str, *words: str) -> None:
        line = [sys.executable, "-m", module, *words]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.processes.append(subprocess.Popen(line, cwd=self.home, **quiet))  # type: ignore[call-overload]

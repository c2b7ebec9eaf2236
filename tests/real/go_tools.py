"""Programs of the Go world, built once at a pinned version through the Go module proxy, outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

BUILD_SECONDS = 420
"""A build from nothing takes about two minutes on two cores; whoever has no proxy is told after this."""


def go_tool(module: str, version: str, *, named: str = "") -> Path:
    """The program of a module at a version; skips the test, with the reason, where it cannot be had.

    ``named`` is a variable that may name a binary that is there already. ``FORENSICS_GO_TOOLS`` is the folder to
    keep builds in.
    """
    if named and (path := os.environ.get(named)):
        return Path(path)
    if (go := shutil.which("go")) is None:
        pytest.skip("there is no Go to build the server with")
    base = Path(os.environ.get("FORENSICS_GO_TOOLS") or Path(tempfile.gettempdir()) / "forensics-go-tools")
    folder = base / f"{module.partition('/cmd/')[0].replace('/', '-')}-{version}"
    program = folder / module.rpartition("/")[2]
    if not program.exists():
        _install(go, f"{module}@{version}", folder)
    return program


def _install(go: str, what: str, folder: Path) -> None:
    # As in a checkout of its own: no go.mod above the folder has a say.
    env = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "-mod=mod"}
    with tempfile.TemporaryDirectory() as nowhere:
        try:
            done = subprocess.run(
                [go, "install", what], env=env, cwd=nowhere, capture_output=True, text=True, timeout=BUILD_SECONDS,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            pytest.skip(f"{what} is not built after {BUILD_SECONDS} seconds")
    if done.returncode:
        pytest.skip(f"{what} cannot be built: {done.stderr.strip().splitlines()[-1:]}")


def module_folder(module: str, version: str) -> Path:
    """Where Go keeps the source of a module that was built."""
    done = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, timeout=60, check=True)
    return Path(done.stdout.strip()) / f"{module}@{version}"


def rekor_monitor() -> Path:
    """sigstore's rekor_monitor; skips the test where it cannot be had. FORENSICS_REKOR_MONITOR may name one.

    The module proxy does not hand it out everywhere: one that was built from its own source serves as well.
    """
    return go_tool("github.com/sigstore/rekor-monitor/cmd/rekor_monitor", "v1.4.0", named="FORENSICS_REKOR_MONITOR")

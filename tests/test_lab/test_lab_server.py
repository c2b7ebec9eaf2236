"""The server: environment, request log, faults, the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.lab import Fault, LabError, LabServer
from tests.lab.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = "/index/simple/ultralytics/"


def test_environment(server: LabServer) -> None:
    env = server.env()
    assert env["FORENSICS_PYPI_URL"] == f"{server.base}/index"
    assert Path(env["FORENSICS_TRUST_ROOT"]).is_file()
    for name, value in env.items():
        assert name.startswith("FORENSICS_")
        assert value.startswith(server.base) or name == "FORENSICS_TRUST_ROOT"


def test_unserved_sources_say_so(server: LabServer, client: httpx.Client) -> None:
    assert client.get("/tiles/checkpoint").status_code == 501  # this world logs in Rekor v1 only


def test_request_log(server: LabServer, client: httpx.Client) -> None:
    client.get(PAGE)
    client.post("/osv/v1/query?x=1", json={})
    assert [(record.method, record.path, record.query) for record in server.requests] == [
        ("GET", PAGE, ""),
        ("POST", "/osv/v1/query", "x=1"),
    ]
    assert server.requests[0].time <= server.requests[1].time
    assert ("host", f"127.0.0.1:{server.port}") in server.requests[0].headers
    server.reset_requests()
    assert server.requests == []


def test_a_moment_needs_an_offset(server: LabServer) -> None:
    with pytest.raises(LabError, match="offset"):
        server.moment = datetime(2024, 12, 1)


def test_status_fault_with_retry_after_counts_down(server: LabServer, client: httpx.Client) -> None:
    fault = server.inject(Fault("/index/simple", status=429, retry_after="7", count=2))
    answers = [client.get(PAGE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert fault.hits == 2
    assert client.get("/rekor/api/v1/log").status_code == 200


def test_faults_are_picked_by_method_and_cleared(server: LabServer, client: httpx.Client) -> None:
    server.inject(Fault("/osv", status=500, method="POST"))
    assert client.post("/osv/v1/query", json={}).status_code == 500
    assert client.get("/osv/v1/vulns/PYSEC-2024-154").status_code == 200
    server.clear_faults()
    assert client.post("/osv/v1/query", json={"package": {"name": "x"}}).status_code == 200


def test_delay(server: LabServer, client: httpx.Client) -> None:
    server.inject(Fault(PAGE, kind="delay", seconds=0.5))
    with pytest.raises(httpx.ReadTimeout):
        client.get(PAGE, timeout=0.1)
    assert client.get(PAGE).status_code == 200


def test_truncated_body(server: LabServer, client: httpx.Client) -> None:
    server.inject(Fault(PAGE, kind="truncate", count=1))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(PAGE)
    assert client.get(PAGE).status_code == 200


def test_garbage_redirect_and_oversize(server: LabServer, client: httpx.Client) -> None:
    server.inject(Fault(PAGE, kind="garbage", count=1))
    with pytest.raises(ValueError, match=r"codec|Expecting"):
        client.get(PAGE).json()
    server.inject(Fault(PAGE, kind="redirect", location="http://elsewhere.invalid/x", count=1))
    answer = client.get(PAGE)
    assert (answer.status_code, answer.headers["location"]) == (302, "http://elsewhere.invalid/x")
    server.inject(Fault(PAGE, kind="oversize", size=300_001, count=1))
    answer = client.get(PAGE)
    assert "content-length" not in answer.headers
    assert len(answer.content) == 300_001


def test_serve_prints_the_environment_and_stops_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.lab", "serve", "svglib-2.0.0", "--directory", str(tmp_path)]
    command += ["--moment", "2026-02-28T16:00:00+00:00"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(10)]
        exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        page = httpx.get(
            f"{exported['FORENSICS_PYPI_URL']}/simple/svglib/", headers={"Accept": "application/json"}, trust_env=False
        ).json()
        assert page["versions"][-1] == "2.0.0"
        assert [item["provenance"] for item in page["files"] if "2.0.0" in item["filename"]] == [None, None]
        assert (tmp_path / "trusted_root.json").is_file()
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - started < 5


def test_command_line_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "never-happened"]) == 2
    assert "no scenario" in capsys.readouterr().err


STAND_IN = """#!{python}
import json, os, sys, pathlib
with open({log!r}, "a") as log:
    kept = {{k: v for k, v in os.environ.items() if k.startswith(("FORENSICS_", "GITHUB_"))}}
    log.write(json.dumps([sys.argv[1:], kept]) + "\\n")
if sys.argv[1:3] == ["case", "export"]:
    pathlib.Path(sys.argv[4]).write_bytes(b"PK")
sys.exit({code} if sys.argv[1] == "timeline" else 0)
"""


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> Path:
    """A command in place of ``forensics`` that notes how it was called."""
    log, command = tmp_path / "calls", tmp_path / "forensics"
    command.write_text(STAND_IN.format(python=sys.executable, log=str(log), code=code))
    command.chmod(0o755)
    monkeypatch.setattr("tests.lab.record.forensics_command", lambda: str(command))
    monkeypatch.setenv("GITHUB_TOKEN", "never-passed-on")
    return log


def test_record_drives_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = stand_in(tmp_path, monkeypatch, 11)
    target = tmp_path / "out" / "case.zip"
    assert main(["record", "ultralytics-2024-12", str(target)]) == 0
    assert target.is_file()
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    words = [call[0] for call in calls]
    assert words[0][:2] == ["timeline", "pypi:ultralytics"]
    assert words[0][-3:-1] == ["--json", "--reconstruction"]
    assert "ultralytics-2024-12" in words[0][-1]
    case = words[0][words[0].index("--case") + 1]
    assert [line[:3] for line in words[1:]] == [["case", "import", case]] * 2 + [["case", "export", case]]
    assert {Path(line[3]).name for line in words[1:3]} == {"distribution_metadata.jsonl", "facts.toml"}
    for _, env in calls:
        assert "GITHUB_TOKEN" not in env
        assert env["FORENSICS_PYPI_URL"].startswith("http://127.0.0.1:")


def test_record_reports_a_failing_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(tmp_path, monkeypatch, 1)
    assert main(["record", "svglib-2.0.0", str(tmp_path / "case")]) == 2
    assert "ended with 1" in capsys.readouterr().err

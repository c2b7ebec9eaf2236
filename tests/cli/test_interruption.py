"""A collection that is killed or stopped loses nothing that was recorded, and asks for nothing twice."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.command import COMMAND, environment
from tests.conftest import Forensics
from tests.lab import Fault, LabServer


def started(lab: LabServer, home: Path, *words: object) -> subprocess.Popen[str]:
    line = [str(COMMAND), "timeline", "ultralytics", *map(str, words)]
    env = environment(home, lab.env())
    return subprocess.Popen(line, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert process.poll() is None, "the command ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def asked(lab: LabServer) -> Counter[str]:
    return Counter(request.path for request in lab.requests if "/integrity/" in request.path)


def slowed(lab: LabServer) -> None:
    """Twenty answers come at once; everything after them takes longer than the test waits."""
    lab.inject(Fault("/index/integrity", kind="delay", seconds=100))
    lab.inject(Fault("/index/integrity", kind="delay", seconds=0, count=20))


ENOUGH = 10
"""Answers that must be on disk before the command is stopped: some of the twenty, and not all that there are."""


def in_case(case: Path) -> set[str]:
    from forensics.evidence.case import Case

    if not (case / "data" / "case.json").exists():
        return set()  # the command has only just made the directory
    return {o.url for o in Case.open(case).observations() if "/integrity/" in o.url and o.status == 200}


def test_killed_in_the_middle_and_resumed(lab: LabServer, tmp_path: Path, forensics: Forensics) -> None:
    slowed(lab)
    process = started(lab, tmp_path)
    home = tmp_path / "cases"
    wait_for(lambda: any(home.glob("*")) and len(in_case(next(home.glob("*")))) >= ENOUGH, process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    (case,) = home.glob("*")
    kept = in_case(case)
    assert len(kept) >= ENOUGH
    lab.clear_faults()
    lab.reset_requests()
    done = forensics("timeline", "ultralytics", "--json", env=lab.env())
    assert done.returncode == 11, done.stderr
    assert f"Going on with the unfinished case {case}" in done.stderr
    assert list(home.glob("*")) == [case], "no second case was made"
    again = {f"{lab.base}{path}" for path in asked(lab)}
    assert not again & kept, "what was recorded is not asked again"
    assert max(asked(lab).values()) == 1
    document = json.loads(done.stdout)
    assert document["case"]["complete"] is True
    assert [s["problem"] for s in document["sources"] if s["problem"]] == []
    listed = [f for r in document["releases"] if r["listed"] for f in r["files"]]
    assert {f["provenance"] for f in listed} == {"attested"}
    assert len(in_case(case)) == len(listed)
    assert forensics("case", "verify", case, env=lab.env()).returncode == 0


def test_ctrl_c_says_what_it_left_and_the_case_goes_on(lab: LabServer, tmp_path: Path, forensics: Forensics) -> None:
    slowed(lab)
    case = tmp_path / "mine"
    process = started(lab, tmp_path, "--case", case)
    wait_for(lambda: len(in_case(case)) >= ENOUGH, process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in stderr
    assert "run the same command" in stderr
    assert "Traceback" not in stderr
    kept = in_case(case)
    lab.clear_faults()
    lab.reset_requests()
    partial = forensics("timeline", "--case", case, "--offline", "--json", env=lab.env())
    assert lab.requests == []
    document = json.loads(partial.stdout)
    assert document["case"]["complete"] is False
    assert any(f["provenance"] == "not observed" for r in document["releases"] for f in r["files"] if r["listed"])
    assert in_case(case) == kept, "looking at an unfinished case leaves it as it is"
    strict = forensics("timeline", "--case", case, "--offline", "--strict", env=lab.env())
    assert strict.returncode == 4, "what is incomplete never passes for complete"
    assert "not finished" in strict.stdout
    done = forensics("timeline", "ultralytics", "--case", case, "-q", env=lab.env())
    assert done.returncode == 11
    assert done.stderr == ""
    assert not {f"{lab.base}{path}" for path in asked(lab)} & kept


def test_another_index_is_another_case(lab: LabServer, tmp_path: Path, forensics: Forensics) -> None:
    slowed(lab)
    process = started(lab, tmp_path)
    home = tmp_path / "cases"
    wait_for(lambda: any(home.glob("*/data/http.warc.gz")), process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    lab.clear_faults()
    nowhere = {**lab.env(), "FORENSICS_PYPI_URL": "http://127.0.0.1:9"}
    done = forensics("timeline", "ultralytics", "--max-wait", 0, env=nowhere)
    assert "Going on" not in done.stderr
    assert "The index could not be asked" in done.stdout
    assert len(list(home.glob("*"))) == 2

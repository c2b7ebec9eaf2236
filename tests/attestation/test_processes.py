"""Worker processes: they run nothing of the caller's script, and none outlives the process that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from forensics.attestation.processes import end_with_parent, worker_context

print("script", flush=True)
pool = ProcessPoolExecutor(2, mp_context=worker_context(), initializer=end_with_parent)
print("worker" if pool.submit(os.getpid).result() != os.getpid() else "none", flush=True)
time.sleep(60)
"""


def test_a_worker_of_a_killed_process_ends_and_the_script_is_run_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert [process.stdout.readline(), process.stdout.readline()] == ["script\n", "worker\n"]
    process.kill()
    # The pipe ends when the last process that has it open is gone: the workers have it from their parent.
    rest, _ = process.communicate(timeout=60)
    assert rest == ""

"""Record a case: drive the installed ``forensics`` command against a served scenario, as a responder would."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.server import LabServer, serve

ANALYSED = (0, 10, 11)
"""Exit codes of a finished analysis, whatever its verdict."""


def record(scenario: str, case: Path, *, port: int = 0, vouch: Path | None = None) -> int:
    """Record ``scenario`` at its ``as_of`` into ``case``: a directory, or a zip when the name ends in ``.zip``.

    ``vouch`` is the table of known trust roots to which the world's fresh root is added, in place of an earlier one
    of the same scenario: its private keys are gone when this returns.
    """
    command = forensics_command()
    with tempfile.TemporaryDirectory(prefix="lab-record-") as scratch:
        target = Path(scratch) / case.stem if case.suffix == ".zip" else case
        with serve(scenario, port=port, directory=Path(scratch) / "lab") as server:
            _drive(command, server, target)
            if case.suffix == ".zip":
                case.parent.mkdir(parents=True, exist_ok=True)
                _run(server, [command, "case", "export", str(target), str(case)], (0,))
            if vouch is not None:
                _vouch(server, vouch)
    return 0


def _vouch(server: LabServer, table: Path) -> None:
    """Write the digest of the world's root into the table, one block a scenario, other blocks as they are."""
    scenario = server.world.scenario
    name = f"Lab root of {scenario.id}"
    blocks = [block for block in table.read_text(encoding="utf-8").split("\n\n") if f'name = "{name}"' not in block]
    digest = hashlib.sha256(Path(server.env()["FORENSICS_TRUST_ROOT"]).read_bytes()).hexdigest()
    note = "made for a reconstruction; its private keys were never written down"
    blocks.append(f'["{digest}"]\nname = "{name}"\nkind = "lab"\nnote = "{note}"')
    table.write_text("\n\n".join(block.strip("\n") for block in blocks) + "\n", encoding="utf-8")


def forensics_command() -> str:
    """Return the ``forensics`` of this environment: beside the interpreter, else on the path."""
    beside = Path(sys.executable).with_name("forensics")
    found = str(beside) if beside.exists() else shutil.which("forensics")
    if found is None:
        raise LabError("the forensics command is not installed in this environment")
    return found


def _drive(command: str, server: LabServer, case: Path) -> None:
    """Collect and analyse, then import what the responder knows."""
    scenario = server.world.scenario
    project = f"{scenario.ecosystem}:{scenario.project}"
    label = (
        f"Reconstruction of “{scenario.title}”, made by the test lab from the scenario {scenario.id} and signed by the "
        "lab's own root, not by Sigstore's. No byte of it comes from the incident."
    )
    _run(server, [command, "timeline", project, "--case", str(case), "--json", "--reconstruction", label], ANALYSED)
    for path in server.write_known():
        _run(server, [command, "case", "import", str(case), str(path), "--ask"], (0,))


def _run(server: LabServer, arguments: list[str], accepted: tuple[int, ...]) -> None:
    """Run the command in the world's environment; its answer is shown only when it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FORENSICS_", "GITHUB_"))}
    done = subprocess.run(arguments, env={**kept, **server.env()}, capture_output=True, text=True, check=False)
    if done.returncode not in accepted:
        tail = (done.stderr or done.stdout)[-2000:]
        raise LabError(f"{' '.join(arguments)} ended with {done.returncode}:\n{tail}")

"""The command line inside this process: the same words and exit codes, without the time that a new process takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from forensics.cli import make_app
from forensics.model.errors import ForensicsError
from tests.command import environment


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


def inside(home: Path, env: Mapping[str, str], *words: object) -> Done:
    """Run `forensics` with these words; every error that is not ours is raised here."""
    done = CliRunner().invoke(make_app(), [str(word) for word in words], env=environment(home, env))
    error = done.exception
    if isinstance(error, ForensicsError):
        return Done(error.exit_code, done.stdout, done.stderr + error.diagnostics())
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Done(done.exit_code, done.stdout, done.stderr)

"""``python -m tests.lab``: serve a scenario, record a case of it, or evaluate a directory of them."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.evaluate import evaluate
from tests.lab.matrix import rewrite
from tests.lab.record import record
from tests.lab.server import serve


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "serve":
            return _serve(options)
        if options.command == "evaluate":
            return evaluate(options.directory, options.json, jobs=options.jobs, calibration=options.calibration)
        if options.command == "faults":
            return rewrite(options.document)
        return record(options.scenario, options.case, port=options.port, vouch=options.vouch)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="A private Sigstore and package index.")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve a scenario until stopped, after printing the environment")
    serving.add_argument("scenario", help="a scenario file, or the id of one in fixtures/scenarios")
    serving.add_argument("--port", type=int, default=0, help="default: any free port")
    serving.add_argument("--moment", type=_moment, help="the moment to serve, ISO 8601 (default: as_of)")
    serving.add_argument("--directory", type=Path, help="where trust root and known files go (default: temporary)")
    recording = commands.add_parser("record", help="record a case of a scenario with the installed forensics command")
    recording.add_argument("scenario", help="a scenario file, or the id of one in fixtures/scenarios")
    recording.add_argument("case", type=Path, help="a directory, or a file that ends in .zip")
    recording.add_argument("--port", type=int, default=0, help="default: any free port")
    recording.add_argument("--vouch", type=Path, metavar="TABLE", help="add the world's trust root to this table")
    judging = commands.add_parser("evaluate", help="run every scenario of a directory and compare the conclusions")
    judging.add_argument("directory", type=Path, help="a directory of scenario files")
    judging.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON, too")
    judging.add_argument("--calibration", type=Path, metavar="FILE", help="write the page of calibration, too")
    judging.add_argument("--jobs", type=int, help="scenarios at the same time (default: one for each core)")
    breaking = commands.add_parser("faults", help="run every source in every kind of fault, and write the table")
    breaking.add_argument("document", type=Path, help="the page whose table is made, docs/reliability.md")
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _serve(options: argparse.Namespace) -> int:
    """Print ``export`` lines, then serve until SIGINT or SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(options.scenario, port=options.port, moment=options.moment, directory=options.directory) as server:
        for name, value in server.env().items():
            print(f"export {name}={shlex.quote(value)}")
        for path in server.write_known():
            print(f"# known: {path}")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())

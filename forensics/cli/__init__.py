"""The command `forensics`: one file for each command. Parse, call, print."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT, as shells have it."""

READER_GONE = 141
"""Exit code when whoever read stdout left, as `head` does: 128 and the number of SIGPIPE."""


class ReaderGone(BaseException):
    """Nobody reads stdout any more. Not an OSError, so that nobody on the way takes it for one of theirs."""


class _Pipe(io.FileIO):
    """Stdout when it is a pipe or a file."""

    def write(self, data: Any) -> int:
        """Write; raises ReaderGone when the other end is closed."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ReaderGone from None


def make_app() -> typer.Typer:
    """Return the typer application with every command. Heavy libraries load inside the commands, never here."""
    import typer

    from forensics.cli import case, diff, exposure, log, recover, report, signals, sweep, timeline, verify
    from forensics.cli.common import version_option

    app = typer.Typer(
        name="forensics",
        help="Which releases are suspect, through which door did they come in, what is the last good version, how long "
        "were they exposed, and what is the evidence for each of these sentences?",
        epilog="Exit codes: 0 nothing above notable · 1 internal error · 2 usage · 3 no such project · 4 invalid or "
        "damaged evidence, or trust-root drift · 10 suspicious · 11 likely compromised.",
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help: boxes would cost more time to load than the rest of the command
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(version_option)
    app.command("timeline")(timeline.timeline)
    app.command("diff")(diff.diff)
    app.command("report")(report.report)
    app.command("verify")(verify.verify)
    app.command("recover")(recover.recover)
    app.command("exposure")(exposure.exposure)
    app.add_typer(log.app, name="log")
    app.add_typer(case.app, name="case")
    app.command("signals")(signals.signals)
    app.command("sweep")(sweep.sweep)
    for group in (app, log.app, case.app):
        _evaluate_annotations(group)
    return app


def _evaluate_annotations(group: typer.Typer) -> None:
    """Evaluate the annotations of all commands once: typer does so four times over where they are strings."""
    from inspect import get_annotations

    for command in group.registered_commands:
        if command.callback is not None:
            command.callback.__annotations__ = get_annotations(command.callback, eval_str=True)


def main() -> None:
    """Run the command line. Every error on purpose prints its three sentences and exits with its documented code."""
    from forensics.model.errors import ForensicsError

    _plain_streams()
    try:
        try:
            make_app()()
        finally:
            sys.stdout.flush()
    except ForensicsError as error:
        _complain(f"forensics: {error.diagnostics()}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as error:
        if error.code == INTERRUPTED:  # typer turns Ctrl-C into this, without a word
            _interrupted()
        raise
    except ReaderGone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing more can fail to be flushed at exit
        sys.exit(READER_GONE)
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            _refused_by_the_machine(error)
        _internal(error)


def _plain_streams() -> None:
    """The same bytes in every locale: a pipe gets UTF-8, a terminal what it can show and escapes for the rest."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.fileno() == 1 and not sys.stdout.isatty():
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Pipe(1, "w", closefd=False)))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _complain(text: str) -> None:
    """Print to stderr what may quote an attacker: line by line, nothing that a terminal would obey."""
    from forensics.model.text import visible

    print("\n".join(visible(line) for line in text.split("\n")), file=sys.stderr)


def _interrupted() -> None:
    _complain("forensics: interrupted. What was collected is kept; run the same command to go on.")
    sys.exit(INTERRUPTED)


def _refused_by_the_machine(error: OSError) -> None:
    """A full disk, a folder that may not be read, a name that is too long: not a defect, and nothing a source said."""
    _trace()
    named = f"{error.filename}: " if error.filename else ""
    _complain(
        f"forensics: {named}{error.strerror}.\n"
        "This machine refused it, which says nothing about the releases. What was recorded before is kept.\n"
        "Check the path, its permissions and the room on the disk, and run the same command again."
    )
    sys.exit(1)


def _trace() -> None:
    import traceback

    if os.environ.get("FORENSICS_DEBUG"):
        traceback.print_exc()


def _internal(error: Exception) -> None:
    """A defect of ours: said as such, with what to send, and a traceback only for who asks for it."""
    _trace()
    _complain(
        f"forensics: internal error: {type(error).__name__}: {error}\n"
        "This is a defect of the tool and says nothing about the releases. The case is kept as it was.\n"
        "Run again with FORENSICS_DEBUG=1 for the traceback, and report it with the case if you can."
    )
    sys.exit(1)

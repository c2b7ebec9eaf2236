"""zizmor as a witness: what static analysis finds in a workflow file, recorded once beside the file it read.

The findings of a case are those that were recorded when it was collected: whoever reads it anywhere gets the same, and
each states which zizmor made them. zizmor is an optional extra; without it the files are kept and nothing is found.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.evidence.wire import scrub
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import BadAnswer, EvidenceError, SourceError, Unreachable
from forensics.model.source import WorkflowRisks
from forensics.sources.git_record import LINT
from forensics.sources.interface import items, mapping, text
from forensics.sources.program import end, talk

if TYPE_CHECKING:
    from forensics.sources.git_record import Records

SECONDS = 20.0
"""Time that one file may take; a thousandth of it is usual."""
MAX_OUTPUT_BYTES = 8 * 2**20
COUNTED = frozenset({"low", "medium", "high"})
"""Severities that count: an informational finding is advice and no risk."""
_OPTIONS = ("--offline", "--no-config", "--no-progress", "--no-exit-codes", "--no-ignores", "--color=never")
"""No network, no configuration, and no comment in the file that could silence a rule. Source: zizmor's manual."""
_NO_WAY_OUT = "http://127.0.0.1:9"
_MISSING = "zizmor was not installed when the case was collected (pip install 'release-forensics[workflows]')"


class NoLinter(Unreachable):
    """The optional program zizmor is not installed."""

    default_advice = "Install release-forensics[workflows], then run the same command with --refresh."


def find_linter() -> str | None:
    """Return the zizmor that is installed beside this Python, else the one of the PATH, else None."""
    beside = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    return beside or shutil.which("zizmor")


async def lint(records: Records, url: str, files: Mapping[str, bytes]) -> None:
    """Record what zizmor finds in each of *files* (by blob id) of the repository *url*, or why it found nothing out."""
    waiting = {blob: data for blob, data in files.items() if not records.has(LINT, url, blob.encode())}
    if not waiting:
        return
    program = find_linter()
    if program is None:
        records.miss(LINT, url, NoLinter(_MISSING))
        return
    with tempfile.TemporaryDirectory(prefix="forensics-lint-", ignore_cleanup_errors=True) as scratch:
        try:
            tool = (await _run(program, ("--version",), b"", Path(scratch))).decode("utf-8", "replace").strip()
        except (SourceError, EvidenceError) as error:
            records.miss(LINT, url, error)
            return
        for blob, data in waiting.items():
            try:
                found = await _run(program, (*_OPTIONS, "--format=json-v1", "-"), data, Path(scratch))
                body = json.dumps({"tool": tool[:60], "findings": json.loads(found)}, separators=(",", ":")).encode()
                records.put(LINT, url, body, about=blob.encode())
            except ValueError:
                records.miss(LINT, url, BadAnswer("zizmor printed something else than JSON"), about=blob.encode())
            except (SourceError, EvidenceError) as error:
                records.miss(LINT, url, error, about=blob.encode())


async def _run(program: str, arguments: tuple[str, ...], stdin: bytes, scratch: Path) -> bytes:
    """Return what zizmor prints. Raises BadAnswer when it fails, Unreachable when it is too slow, TooLarge."""
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=_environment(scratch), cwd=scratch, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            out, words = await talk(process, stdin, MAX_OUTPUT_BYTES, None, "zizmor")
    except TimeoutError:
        raise Unreachable(f"zizmor was stopped after {SECONDS:g} seconds") from None
    finally:
        await end(process)
    if process.returncode:
        lines = [line.strip() for line in words.decode("utf-8", "replace").splitlines()]
        said = "; ".join(line for line in lines if line and not line.startswith("INFO"))
        raise BadAnswer(f"zizmor cannot read the workflow file: {scrub(said)[:400]}")
    return out


def _environment(scratch: Path) -> dict[str, str]:
    """Return an environment that holds no token and no way out of this machine."""
    return {
        "PATH": os.defpath,
        "HOME": str(scratch),
        "XDG_CACHE_HOME": str(scratch),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "ZIZMOR_OFFLINE": "true",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NO_WAY_OUT),
    }


def read_risks(records: Records, url: str, blob: str) -> Outcome[WorkflowRisks]:
    """Return what was recorded about the workflow file *blob*, or why nothing was."""
    if not records.was_asked(LINT, url, blob.encode()):
        if records.was_asked(LINT, url):
            return records.read(LINT, url)  # type: ignore[return-value] # only ever a failure
        return NotChecked("its workflow file was not examined when the case was collected", "zizmor")
    answer = records.read(LINT, url, blob.encode())
    if isinstance(answer, NotChecked):
        return NotChecked(answer.reason, "zizmor", answer.evidence)
    try:
        document = mapping(json.loads(answer.value))
    except (ValueError, RecursionError):
        return NotChecked("what zizmor found was not recorded as JSON", "zizmor", answer.evidence)
    found: set[str] = set()
    for raw in items(document.get("findings")):
        finding = mapping(raw)
        rule = text(finding.get("ident"), 100)
        severity = text(mapping(finding.get("determinations")).get("severity"), 20) or ""
        if rule and severity.lower() in COUNTED:
            found.add(rule)
    tool = text(document.get("tool"), 60) or "zizmor"
    return Checked(WorkflowRisks(tool, tuple(sorted(found))), answer.evidence)

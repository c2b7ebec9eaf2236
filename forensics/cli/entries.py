"""Log entries and their checks as lines of text. Outside text is made visible before it leaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from forensics.model.document import CheckDoc, LogRecordDoc
from forensics.model.text import visible

if TYPE_CHECKING:
    from forensics.transparency.history import Contradiction

_CLAIMS = (
    ("repository", "source_repository_uri"),
    ("workflow", "build_config_uri"),
    ("signer", "build_signer_uri"),
    ("commit", "source_repository_digest"),
    ("ref", "source_repository_ref"),
    ("trigger", "build_trigger"),
    ("run", "run_invocation_uri"),
    ("runner", "runner_environment"),
    ("environment", "deployment_environment"),
)


def show(lines: Iterable[str]) -> None:
    """Print *lines*, every character that is not plainly visible made so."""
    for line in lines:
        typer.echo(visible(line))


def identity_lines(identity: Mapping[str, str] | None) -> list[str]:
    """Return who signed, by the claims that a reader asks for first."""
    if not identity:
        return ["  signed by    a key without a certificate"]
    lines = [f"  signed by    {identity.get('subject_alternative_name', 'an unnamed signer')}"]
    lines += [f"  {label:<12} {identity[name]}" for label, name in _CLAIMS if name in identity]
    return lines


def check_lines(checks: Iterable[CheckDoc]) -> list[str]:
    """Return every step with its outcome."""
    return [f"    {check['result']:<12} {check['name']}: {check['detail']}" for check in checks]


def record_lines(record: LogRecordDoc) -> list[str]:
    """Return one entry: where it stands, when it was logged, who signed, and each step."""
    from forensics.report.words import when

    verdict = "verified" if record["verified"] else "NOT verified"
    at = f"{when(record['integrated_at'])} UTC" if record["integrated_at"] else "at a time that the log did not sign"
    size = f", proven in the tree of {record['tree_size']}" if record["tree_size"] else ""
    lines = [
        f"entry {record['index']} ({record['kind']}), {verdict}",
        f"  uuid         {record['uuid']}",
        f"  log          {record['log_origin'] or record['log_id']}{size}",
        f"  logged       {at}",
        *identity_lines(record["identity"]),
    ]
    if record["payload_hash"]:
        lines.append(f"  payload      sha256:{record['payload_hash']}")
    lines += [f"  artifact     {digest}" for digest in record["artifacts"]]
    return [*lines, *check_lines(record["checks"])]


def contradiction_lines(found: Contradiction, notes: Iterable[str]) -> list[str]:
    """Return two checkpoints that do not go together, with both signed *notes*, the smaller one's first."""
    lines = [
        f"  CONTRADICTION  {found.kind.value}: {found.reason}",
        f"    evidence   {', '.join(found.evidence) or 'files'}",
    ]
    for which, text in zip((found.old, found.new), notes, strict=True):
        lines += [f"    note of {which.size} entries:", *(f"      {line}" for line in text.splitlines())]
    return lines


def contradiction_doc(found: Contradiction, notes: Iterable[str]) -> dict[str, Any]:
    """Return the same as it stands in the JSON."""
    return {
        "kind": found.kind.value,
        "reason": found.reason,
        "notes": [*notes],
        "evidence": [*found.evidence],
    }

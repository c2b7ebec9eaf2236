"""What `forensics diff` says about the contents of artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked
from forensics.model.text import visible
from forensics.report.view import as_news
from forensics.report.words import plural

if TYPE_CHECKING:
    from forensics.compare.artifact_text import TextDiff
    from forensics.compare.artifacts import ContentsDiff
    from forensics.compare.releases import FileComparison, ReleaseComparison
    from forensics.evidence.case import Case
    from forensics.model.release import Artifact

SHOWN = 40
"""Names of one list that are printed; the JSON has all."""


def contents_json(comparison: ReleaseComparison, case: Case | None) -> list[dict[str, Any]]:
    """Return the comparison of contents, pair by pair; with the text of files when *case* is given."""
    pairs = list(_compared(comparison))
    return [_pair_json(*pair, texts) for pair, texts in zip(pairs, _texts(comparison, case, len(pairs)), strict=True)]


def _compared(comparison: ReleaseComparison) -> Iterator[tuple[FileComparison, ContentsDiff]]:
    for pair in comparison.files:
        if isinstance(pair.contents, Checked):
            yield pair, pair.contents.value


def _pair_json(pair: FileComparison, diff: ContentsDiff, texts: Sequence[TextDiff] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "before": pair.before.filename if pair.before else None,
        "after": pair.after.filename if pair.after else None,
        "added": [_member(c.path, c.after) for c in diff.added],
        "removed": [_member(c.path, c.before) for c in diff.removed],
        "changed": [{**_member(c.path, c.after), "newly_reaches": list(c.reaches)} for c in diff.changed],
        "surface": [{"what": one.what, "paths": list(one.paths)} for one in diff.surface],
        "dependencies": list(diff.dependencies),
        "commands": list(diff.commands),
        "problems": {"before": _problems(pair.before), "after": _problems(pair.after)},
        "evidence": list(pair.contents.evidence),
    }
    if texts is not None:
        row["text"] = [
            {"path": text.path, "lines": list(text.lines), "reason": text.reason, "left_out": text.left_out}
            for text in texts
        ]
    return row


def _member(path: str, member: Any) -> dict[str, Any]:
    return {"path": path, "size": member.size, "sha256": member.sha256 or None, "runs": member.runs.value,
            "reaches": list(member.reaches)}  # fmt: skip


def _problems(artifact: Artifact | None) -> list[str]:
    return list(artifact.contents.value.problems) if artifact and isinstance(artifact.contents, Checked) else []


def _texts(comparison: ReleaseComparison, case: Case | None, pairs: int) -> Sequence[Sequence[TextDiff] | None]:
    from forensics.compare.beside import texts_of

    return texts_of(comparison, case.file) if case is not None else [None] * pairs


def print_contents(comparison: ReleaseComparison, case: Case | None) -> None:
    """Print what differs inside the artifacts, every name and line made visible."""
    from rich.text import Text

    from forensics.cli.terminal import console

    out = console()
    pairs = list(_compared(comparison))
    for (pair, diff), texts in zip(pairs, _texts(comparison, case, len(pairs)), strict=True):
        out.print()
        out.print(Text(f"Inside {_name(pair.before)} → {_name(pair.after)}", style="bold"))
        for one in diff.surface:
            out.print(Text(f"  {visible(as_news(one.what))}", style="bold red"))
        for word, changes in (("added", diff.added), ("removed", diff.removed), ("changed", diff.changed)):
            for change in changes[:SHOWN]:
                member = change.after or change.before
                assert member is not None
                when = f", runs {member.runs.value}" if member.executable else ""
                newly = f", newly touches {', '.join(change.reaches)}" if change.reaches else ""
                out.print(Text(f"  {word:8}{visible(change.path)}  {member.size:,} bytes{when}{newly}"))
            if len(changes) > SHOWN:
                out.print(f"  {word:8}and {len(changes) - SHOWN} more")
        if diff.dependencies:
            out.print(Text(f"  newly required: {visible(', '.join(diff.dependencies))}"))
        for command in diff.commands:
            out.print(Text(f"  newly declared: {visible(command)}"))
        for problem in _problems(pair.after):
            out.print(Text(f"  odd about the new archive: {visible(problem)}", style="yellow"))
        if not (diff.added or diff.removed or diff.changed):
            out.print("  The same files.")
        out.print(f"  Evidence: {', '.join(pair.contents.evidence)}")
        for text in texts or ():
            print_text(text)


def _name(artifact: Artifact | None) -> str:
    return visible(artifact.filename) if artifact else "nothing"


def print_text(text: TextDiff) -> None:
    """Print how one text differs, every name and line made visible."""
    from rich.text import Text

    from forensics.cli.terminal import console

    out = console()
    out.print()
    out.print(Text(f"  {visible(text.path)}" + (f": {text.reason}" if text.reason else ""), style="bold"))
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in text.lines:
        # A carriage return at the end is a line ending, and shown as one.
        out.print(Text(f"    {line[:1]}{visible(line[1:])}", style=styles.get(line[:1], "")), soft_wrap=True)
    if text.left_out:
        out.print(f"    and {plural(text.left_out, 'more line')}")

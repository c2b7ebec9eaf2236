"""Comparisons of an analysis, in the words and shapes of the document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forensics.compare.artifact_text import TextDiff
from forensics.compare.artifacts import ContentsDiff, FileChange
from forensics.compare.beside import MOST_SPELT_OUT, Beside
from forensics.compare.releases import FileComparison, SourceComparison
from forensics.model.checked import Checked
from forensics.model.document_parts import ComparisonDoc, ContentsDiffDoc, SourceDiffDoc, TextDiffDoc, WorkflowDiffDoc
from forensics.model.times import to_iso

MOST_LINES = 1500
"""Lines of difference in the document for one release; what is left out is counted, and `forensics diff` has it."""
MOST_COMMITS = 200


def comparison_doc(found: Beside) -> ComparisonDoc:
    """Return a comparison of the document. A text that two files share stands under the first of them."""
    comparison = found.comparison
    pairs = [(pair, pair.contents.value) for pair in comparison.files if isinstance(pair.contents, Checked)]
    texts: Sequence[tuple[TextDiff, ...] | None] = found.texts or [None] * len(pairs)
    teller = _Teller()
    return {
        "before": comparison.identity.before,
        "after": comparison.identity.after,
        "source": _source(comparison.source) if comparison.source else None,
        "contents": [_contents(*pair, spelt, teller) for pair, spelt in zip(pairs, texts, strict=True)],
        "not_compared": [
            {"what": what, "reason": o.reason, "needs": o.needs, "evidence": [*o.evidence]}
            for what, o in comparison.not_compared
        ],
    }


class _Teller:
    """Spells each text out once, and counts the lines that are left."""

    def __init__(self) -> None:
        self.left = MOST_LINES
        self.told: dict[tuple[str, tuple[str, ...]], str] = {}

    def tell(self, text: TextDiff, change: FileChange, filename: str) -> TextDiffDoc:
        lines, reason, left_out = text.lines, text.reason, text.left_out
        first = self.told.setdefault((text.path, lines), filename) if lines else filename
        if first != filename:
            lines, reason, left_out = (), f"the same as in {first}", 0
        elif len(lines) > self.left:
            left_out += len(lines) - self.left
            lines = lines[: self.left]
            reason = (
                "" if lines else f"more than {MOST_LINES:,} lines of this release differ; `forensics diff` has them"
            )
        self.left -= len(lines)
        return {
            "path": text.path,
            "change": "changed" if change.before else "added",
            "runs": change.after.runs.value if change.after else "",
            "newly_reaches": [*change.reaches],
            "lines": [*lines],
            "reason": reason,
            "left_out": left_out,
        }


def _contents(
    pair: FileComparison, diff: ContentsDiff, texts: tuple[TextDiff, ...] | None, teller: _Teller
) -> ContentsDiffDoc:
    after = pair.after.contents.value if pair.after and isinstance(pair.after.contents, Checked) else None
    filename = pair.after.filename if pair.after else ""
    return {
        "before": pair.before.filename if pair.before else None,
        "after": pair.after.filename if pair.after else None,
        "added": [c.path for c in diff.added],
        "removed": [c.path for c in diff.removed],
        "changed": [c.path for c in diff.changed],
        "surface": [one.what for one in diff.surface],
        "dependencies": [*diff.dependencies],
        "problems": [*after.problems] if after else [],
        "texts": list(_texts(diff, texts, teller, filename)),
        "evidence": [*pair.contents.evidence],
    }


def _texts(
    diff: ContentsDiff, texts: tuple[TextDiff, ...] | None, teller: _Teller, filename: str
) -> Iterator[TextDiffDoc]:
    changes = {change.path: change for change in (*diff.added, *diff.changed)}
    if texts is None:
        reason = (
            f"texts of the first {MOST_SPELT_OUT} flagged releases are in the document; `forensics diff` has this one"
        )
        texts = tuple(TextDiff(path, (), reason) for path in sorted(changes))
    for text in texts:
        yield teller.tell(text, changes[text.path], filename)


def _source(source: SourceComparison) -> SourceDiffDoc:
    return {
        "before": source.before,
        "after": source.after,
        "count": len(source.commits),
        "commits": [
            {"sha": c.sha, "committed": to_iso(c.committed) if c.committed else None, "subject": c.subject}
            for c in source.commits[:MOST_COMMITS]
        ],
        "workflow": _workflow(source),
        "evidence": [*source.evidence],
    }


def _workflow(source: SourceComparison) -> WorkflowDiffDoc | None:
    if source.workflow is None:
        return None
    before, after = source.workflow
    text = source.workflow_text
    reason = "" if before == after or text else "its text was not collected; compare the two blobs in the repository"
    return {
        "path": text.path if text else "",
        "before": before,
        "after": after,
        "lines": [*text.lines] if text else [],
        "reason": text.reason if text else reason,
        "left_out": text.left_out if text else 0,
    }

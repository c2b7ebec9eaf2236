"""Two releases side by side, as frames and as a page."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked
from forensics.notebook import markup
from forensics.timeline.tables import frame_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from markupsafe import Markup

    from forensics.compare.artifact_text import TextDiff
    from forensics.compare.releases import ReleaseComparison
    from forensics.model.finding import Assessment

_SHOWN_LINES = 400


class Difference:
    """What differs between two releases, and what could not be compared.

    `before` and `after` are the assessments, `comparison` everything that the frames are made of.
    """

    def __init__(
        self, before: Assessment, after: Assessment, comparison: ReleaseComparison, load: Callable[[str], bytes | None]
    ) -> None:
        self.before = before
        self.after = after
        self.comparison = comparison
        self._load = load

    @cached_property
    def claims(self) -> pl.DataFrame:
        """Claims of both signers: claim, label, before, after, change (same, changed, added, removed, expected).

        `expected` claims differ with every release: commit, run, digests. Empty where a side has no observed signer;
        `not_checked` says why.
        """
        rows = [(r.claim, r.label, r.before, r.after, r.change.value) for r in self.comparison.identity.rows]
        return frame_of(rows, dict.fromkeys(("claim", "label", "before", "after", "change"), "str"))

    @cached_property
    def files(self) -> pl.DataFrame:
        """The artifacts of both: kind, side (before, after), filename, sha256, size, evidence."""
        rows = [
            (pair.kind, side, one.filename, one.sha256, one.size, list(one.evidence))
            for pair in self.comparison.files
            for side, one in (("before", pair.before), ("after", pair.after))
            if one is not None
        ]
        kinds = dict.fromkeys(("kind", "side", "filename", "sha256"), "str")
        return frame_of(rows, {**kinds, "size": "int", "evidence": "list[str]"})

    @cached_property
    def contents(self) -> pl.DataFrame:
        """Files inside the artifacts: artifact, path, change, runs (when it runs unasked), newly_reaches, sha256.

        `newly_reaches` is what it could not touch before: processes, network, decoded text.
        """
        rows: list[tuple[Any, ...]] = []
        for pair in self.comparison.files:
            if not isinstance(pair.contents, Checked) or pair.after is None:
                continue
            found = pair.contents.value
            for change, some in (("added", found.added), ("changed", found.changed), ("removed", found.removed)):
                for one in some:
                    member = one.after or one.before
                    runs, digest = (member.runs.value, member.sha256) if member else (None, None)
                    rows.append((pair.after.filename, one.path, change, runs, list(one.reaches), digest))
        kinds = dict.fromkeys(("artifact", "path", "change", "runs"), "str")
        return frame_of(rows, {**kinds, "newly_reaches": "list[str]", "sha256": "str"})

    @cached_property
    def commits(self) -> pl.DataFrame:
        """Commits that the later release has and the earlier one has not, latest first: sha, committed, subject."""
        source = self.comparison.source
        rows = [(c.sha, c.committed, c.subject) for c in source.commits] if source else []
        return frame_of(rows, {"sha": "str", "committed": "datetime", "subject": "str"})

    @cached_property
    def not_checked(self) -> pl.DataFrame:
        """What could not be compared: what, reason, needs, evidence."""
        rows = [(what, o.reason, o.needs, list(o.evidence)) for what, o in self.comparison.not_compared]
        identity = self.comparison.identity
        if not identity.rows:
            rows.insert(0, ("identity", identity.reason, "an attestation of both", list(identity.evidence)))
        return frame_of(rows, {"what": "str", "reason": "str", "needs": "str", "evidence": "list[str]"})

    def texts(self) -> list[TextDiff]:
        """Return the lines that differ, file by file; reads the artifacts, so it takes a moment."""
        from forensics.compare.beside import texts_of

        return [text for pair in texts_of(self.comparison, self._load) for text in pair]

    @property
    def workflow(self) -> TextDiff | None:
        """How the text of the workflow file differs; None where it is the same or not known."""
        return self.comparison.source.workflow_text if self.comparison.source else None

    def __repr__(self) -> str:
        from forensics.model.text import visible

        changed = sum(row.change.value in {"changed", "added", "removed"} for row in self.comparison.identity.rows)
        names = f"{visible(self.before.release.version)} → {visible(self.after.release.version)}"
        return (
            f"<{names}: {changed} claims of the signer, {self.commits.height} commits, "
            f"{self.contents.height} files inside the artifacts differ; {self.not_checked.height} not compared>"
        )

    def _repr_html_(self) -> str:
        title = f"{self.before.release.version} → {self.after.release.version}"
        return str(markup.section(title, *self._signer(), self._contents(), self._source(), self._unknown()))

    def _signer(self) -> list[Markup]:
        rows = self.comparison.identity.rows
        if not rows:
            return [markup.paragraph(f"The signers cannot be compared: {self.comparison.identity.reason}.")]
        moved = [
            (r.change.value, r.label, r.before, r.after) for r in rows if r.change.value not in {"same", "expected"}
        ]
        usual = [(r.label, r.before, r.after) for r in rows if r.change.value == "expected"]
        same = sum(r.change.value == "same" for r in rows)
        before, after = self.before.release.version, self.after.release.version
        first = (
            markup.table(("", "claim", before, after), moved, "Claims of the signer that differ")
            if moved
            else markup.paragraph("No claim of the signer differs but those that differ with every release.")
        )
        second = markup.table(("claim", before, after), usual) if usual else markup.items(())
        return [first, markup.folded(f"{len(usual)} differ with every release; {same} are the same", second)]

    def _contents(self) -> Markup:
        rows = [(a, p, change, runs, reaches) for a, p, change, runs, reaches, _ in self.contents.iter_rows()]
        if not rows:
            return markup.paragraph("No file inside the artifacts is known to differ.")
        return markup.table(("artifact", "path", "change", "runs", "newly reaches"), rows, "Inside the artifacts")

    def _source(self) -> Markup:
        if self.comparison.source is None:
            return markup.items(())
        rows = list(self.commits.iter_rows())
        table = markup.table(("commit", "committed (git's word)", "subject"), rows) if rows else markup.items(())
        lines = self.workflow.lines[:_SHOWN_LINES] if self.workflow else ()
        workflow = markup.items(lines) if lines else markup.items(())
        return markup.folded(f"{len(rows)} commits between them", table) + markup.folded("The workflow file", workflow)

    def _unknown(self) -> Markup:
        rows = [(what, reason, needs) for what, reason, needs, _ in self.not_checked.iter_rows()]
        return markup.table(("", "reason", "needs"), rows, "Could not compare") if rows else markup.items(())

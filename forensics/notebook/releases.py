"""One release as a notebook shows it, and several of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from forensics.model.times import to_minute
from forensics.notebook import markup
from forensics.report.words import plural

if TYPE_CHECKING:
    import polars as pl

    from forensics.model.finding import Assessment, Verdict
    from forensics.model.identity import Identity
    from forensics.notebook.difference import Difference
    from forensics.notebook.view import CaseView


class ReleaseView:
    """One release of a case: its verdict, and the rows of the case's frames that are about it."""

    def __init__(self, case: CaseView, assessment: Assessment) -> None:
        self._case = case
        self.assessment = assessment

    @property
    def version(self) -> str:
        """The version as its index writes it."""
        return self.assessment.release.version

    @property
    def verdict(self) -> Verdict:
        """What the signals come to, with everything that is known today."""
        return self.assessment.verdict

    @property
    def at_publish(self) -> Verdict:
        """The same with what was knowable within an hour of publication; a lower bound."""
        return self.assessment.at_publish

    @property
    def door(self) -> str:
        """How it came into the index; `unknown` is a value."""
        return self.assessment.door.value

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Who signed its files, each once."""
        return self.assessment.release.identities

    @cached_property
    def findings(self) -> pl.DataFrame:
        """The signals that fired on it; columns as in `findings` of the case."""
        return self._rows("findings")

    @cached_property
    def not_checked(self) -> pl.DataFrame:
        """What could not be checked of it or of its files; columns as in `not_checked` of the case."""
        import polars as pl

        names = [self.version, *(artifact.filename for artifact in self.assessment.release.artifacts)]
        return self._case.not_checked.filter(pl.col("subject").is_in(names))

    @cached_property
    def artifacts(self) -> pl.DataFrame:
        """Its files; columns as in `artifacts` of the case."""
        return self._rows("artifacts")

    @cached_property
    def attestations(self) -> pl.DataFrame:
        """Its attestations; columns as in `attestations` of the case."""
        return self._rows("attestations")

    @cached_property
    def events(self) -> pl.DataFrame:
        """What happened to it; columns as in `events` of the case."""
        return self._rows("events")

    def diff(self, other: str | None = None) -> Difference:
        """Return what differs from *other*, or from the release that it was measured against.

        Raises NoSuchVersion; UsageError where it was measured against none and *other* is not given.
        """
        from forensics.model.errors import UsageError

        before = other or self.assessment.predecessor
        if before is None:
            raise UsageError(
                f"{self.version} was measured against no other release.",
                meaning="It is the first of its line, or nothing is known of earlier ones.",
                advice="Name one: `.diff('1.2.3')`.",
            )
        return self._case.diff(before, self.version)

    def _rows(self, name: str) -> pl.DataFrame:
        import polars as pl

        frame: pl.DataFrame = getattr(self._case, name)
        return frame.filter(pl.col("version") == self.version)

    def __repr__(self) -> str:
        from forensics.model.text import visible

        return f"<release {visible(self.version)}: {self.verdict.value}, door {self.door}>"

    def _repr_html_(self) -> str:
        a, r = self.assessment, self.assessment.release
        facts = [
            ("verdict", markup.verdict(a.verdict)),
            ("at publication", markup.verdict(a.at_publish)),
            ("published", f"{to_minute(r.published)} UTC ({r.published_by})" if r.published else "not known"),
            ("in the index", {True: "listed", False: "not listed", None: "not observed"}[r.listed]),
            ("door", a.door.value),
            ("measured against", a.predecessor),
        ]
        fired = [
            (f.signal, f.severity.value, f.observed, f.expected, markup.items(f.benign_if), f.evidence)
            for f in a.findings
        ]
        files = [
            (f.filename, f.sha256, {True: "attested", False: "no attestation", None: "not observed"}[f.attested])
            for f in r.artifacts
        ]
        unknown = markup.items(f"{u.signal}: {u.outcome.reason} [needs {u.outcome.needs}]" for u in a.not_checked)
        head = ("signal", "weight", "observed", "expected", "benign if", "evidence")
        parts = [
            markup.table(("", ""), facts),
            markup.table(head, fired, "What differs") if fired else markup.paragraph("No signal fired."),
            markup.table(("file", "sha256", "provenance"), files, "Files"),
            markup.folded(f"{plural(len(a.not_checked), 'signal')} could not be checked", unknown),
        ]
        return str(markup.section(r.version, *parts))


class Releases(tuple[ReleaseView, ...]):
    """Several releases in order of publication. A pivot takes them as they are."""

    __slots__ = ()

    @property
    def versions(self) -> list[str]:
        """Their versions."""
        return [one.version for one in self]

    def _repr_html_(self) -> str:
        rows = [
            (
                one.version,
                one.assessment.release.published,
                one.door,
                markup.verdict(one.verdict),
                markup.verdict(one.at_publish),
                [f.signal for f in one.assessment.findings],
                len(one.assessment.not_checked),
            )
            for one in self
        ]
        head = ("version", "published (UTC)", "door", "verdict", "at publication", "signals", "not checked")
        return str(markup.table(head, rows) if rows else markup.paragraph("No release."))

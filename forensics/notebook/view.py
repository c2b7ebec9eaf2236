"""A case as a notebook holds it: frames, pictures, pivots, comparisons and reports of one analysis."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast, overload

from forensics.notebook import markup
from forensics.notebook.columns import docstring

if TYPE_CHECKING:
    import polars as pl
    from markupsafe import Markup

    from forensics.graph import Graph, Pivots
    from forensics.investigation import Analysis, CaseFacts, Investigation
    from forensics.model.document import Document
    from forensics.model.finding import Assessment, Verdict
    from forensics.model.project import Project
    from forensics.notebook.difference import Difference
    from forensics.notebook.exposed import Exposed
    from forensics.notebook.hunt import LogView
    from forensics.notebook.releases import Releases, ReleaseView
    from forensics.report.pictures import Picture, Pictures

    Start: TypeAlias = str | ReleaseView | Iterable[str | ReleaseView] | pl.DataFrame


class Frame:
    """An attribute that is a frame of the case. Its docstring names each column with type and meaning."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.__doc__ = docstring(name)

    @overload
    def __get__(self, case: None, owner: type[CaseView]) -> Frame: ...
    @overload
    def __get__(self, case: CaseView, owner: type[CaseView]) -> pl.DataFrame: ...
    def __get__(self, case: CaseView | None, owner: type[CaseView]) -> Frame | pl.DataFrame:
        return self if case is None else case._frame(self.name)


class Conclusion:
    """What a case comes to: `headline`, and `sentences` as (text, ids of observations)."""

    def __init__(self, document: Document, verdict: Verdict) -> None:
        self.verdict = verdict
        self.headline = document["headline"]
        self.sentences = tuple((s["text"], tuple(s["evidence"])) for s in document["sentences"])
        self.label = document["case"]["label"] or ""
        self.unknown = len(document["not_checked"]) + len(document["not_collected"])

    def __str__(self) -> str:
        from forensics.model.text import visible

        return "\n".join(visible(text) for text in (self.label, *(text for text, _ in self.sentences)) if text)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        label = markup.paragraph(self.label) if self.label else markup.items(())
        unknown = markup.paragraph("Not everything could be checked: read not_checked before you act on this.")
        body = markup.items(text for text, _ in self.sentences)
        return str(markup.section(markup.verdict(self.verdict), label, body, unknown))


class CaseView:
    """One analysed case. Frames are polars frames, each computed once; `columns()` explains them.

    `analysis` is what everything follows from, `investigation` the case itself.
    """

    def __init__(self, investigation: Investigation, analysis: Analysis) -> None:
        self.investigation = investigation
        self.analysis = analysis
        self._frames: dict[str, pl.DataFrame] = {}

    releases = Frame("releases")
    artifacts = Frame("artifacts")
    publications = Frame("publications")
    attestations = Frame("attestations")
    identities = Frame("identities")
    builds = Frame("builds")
    registry_signatures = Frame("registry_signatures")
    events = Frame("events")
    observations = Frame("observations")
    not_checked = Frame("not_checked")
    verdicts = Frame("verdicts")
    findings = Frame("findings")
    waves = Frame("waves")

    @property
    def project(self) -> Project:
        """The project."""
        return self.analysis.project

    @property
    def facts(self) -> CaseFacts:
        """What a reader must know about the case: when, with which tool and trust root, what was missed."""
        return self.analysis.case

    @property
    def verdict(self) -> Verdict:
        """The highest verdict of any release."""
        return self.analysis.verdict

    @cached_property
    def conclusion(self) -> Conclusion:
        """What the case comes to, in sentences."""
        return Conclusion(self.document, self.verdict)

    @cached_property
    def document(self) -> Document:
        """The document that every report shows; the JSON of `forensics timeline --json`."""
        from forensics.report.build import build_document

        return build_document(self.analysis)

    def columns(self, name: str) -> pl.DataFrame:
        """Return the columns of the frame *name*: column, type, meaning. Raises UsageError."""
        from forensics.notebook.columns import columns

        return columns(name)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables that the case keeps as Parquet, by name."""
        return self.analysis.tables()

    def _frame(self, name: str) -> pl.DataFrame:
        from forensics.notebook import frames

        if not self._frames:
            self._frames.update(self.analysis.tables())
            judged = self.analysis.assessments
            self._frames["not_checked"] = frames.not_checked(self._frames["not_checked"], judged)
            self._frames["verdicts"] = frames.verdicts(judged)
            self._frames["findings"] = frames.findings(judged)
            self._frames["waves"] = frames.waves(self.analysis)
        return self._frames[name]

    # One release, several, two.

    def release(self, version: str) -> ReleaseView:
        """Return one release. Raises NoSuchVersion, naming near ones."""
        return self._view(self.analysis.assessment(version))

    @cached_property
    def suspects(self) -> Releases:
        """The releases whose verdict is suspicious or worse, in order of publication."""
        from forensics.notebook.releases import Releases

        return Releases(self._view(a) for a in self.analysis.assessments if a.verdict.flagged)

    def diff(self, before: str, after: str) -> Difference:
        """Return what differs between two releases: signer, files, contents, commits. Raises NoSuchVersion."""
        from forensics.compare.releases import compare_releases
        from forensics.notebook.difference import Difference

        old, new = self.analysis.assessment(before), self.analysis.assessment(after)
        comparison = compare_releases(old.release, new.release, self.analysis.history.repository)
        return Difference(old, new, comparison, self.investigation.case.file)

    def _view(self, assessment: Assessment) -> ReleaseView:
        from forensics.notebook.releases import ReleaseView

        return ReleaseView(self, assessment)

    # Pictures, the same as in the report.

    @cached_property
    def pictures(self) -> Pictures:
        """All pictures of the report: timeline, waves, history, identities, graph; None where nothing can be drawn."""
        from forensics.report.pictures import pictures_of

        return pictures_of(self.document)

    def timeline(self, wave: int | None = None) -> Picture:
        """Return the picture of events on lanes around the flagged releases, or close up around one *wave*.

        Raises UsageError where there is nothing to draw, or no such wave.
        """
        from forensics.model.errors import UsageError

        if wave is not None and not 1 <= wave <= len(self.analysis.waves):
            raise UsageError(
                f"There is no wave {wave}.",
                meaning="Nothing was drawn.",
                advice=f"This case has {len(self.analysis.waves)}; `.waves` lists them.",
            )
        near = {picture.name: picture for picture in self.pictures.waves}
        picture = self.pictures.timeline if wave is None else near.get(f"wave-{wave}", self.pictures.timeline)
        if picture is None:
            raise UsageError("No event of this case has a known time.", meaning="Nothing was drawn.", advice="")
        return picture

    # Ties and pivots.

    @cached_property
    def graph(self) -> Graph:
        """Who is tied to whom: `.frame()`, `.around(versions)`, `.networkx()`, `.components()`."""
        from forensics.graph import graph_of

        return graph_of(self.analysis.history, self.suspects.versions)

    @cached_property
    def pivots(self) -> Pivots:
        """What pivots go over; its `rows` are the frame `pivots` of `columns()`."""
        from forensics.graph import pivots_of

        return pivots_of(self.analysis.history, self.graph)

    def same_identity(self, start: Start) -> pl.DataFrame:
        """Return everything that the signers of *start* signed: same issuer, repository and owner id, workflow.

        *start* of this and every pivot: a version, a release, several, or a frame with a column `version`, so that
        pivots chain. The result has the columns of `pivots`, `shared` (the value) and `found_from` (its versions).
        """
        return self.pivots.same_identity(_versions(start))

    def same_run(self, start: Start) -> pl.DataFrame:
        """Return everything that came out of the CI runs of *start*, attempt by attempt."""
        return self.pivots.same_run(_versions(start))

    def same_commit(self, start: Start) -> pl.DataFrame:
        """Return everything that was built from the commits of *start*."""
        return self.pivots.same_commit(_versions(start))

    def same_workflow_digest(self, start: Start) -> pl.DataFrame:
        """Return everything that was built by the same bytes of a workflow file."""
        return self.pivots.same_workflow_digest(_versions(start))

    def same_payload(self, start: Start) -> pl.DataFrame:
        """Return everything that is, or holds, the same file, by SHA-256."""
        return self.pivots.same_payload(_versions(start))

    @cached_property
    def log(self) -> LogView:
        """The transparency log as the case knows it, and ways to ask it."""
        from forensics.notebook.hunt import LogView

        return LogView(self.investigation, self.analysis)

    def exposure(self, *places: str | Path, history: bool = False) -> Exposed:
        """Return which lockfiles could have pulled a suspect; *places* are lockfiles, manifests, or directories.

        With *history* every version in the git history of each directory is read, too. Raises UsageError for a place
        that is not there.
        """
        from forensics.investigation.exposure import search, suspects_of
        from forensics.notebook.exposed import Exposed

        return Exposed(search(suspects_of([self.analysis]), [Path(one) for one in places], history=history))

    # Evidence and reports.

    def evidence(self, observation: str) -> bytes:
        """Return the bytes of one observation, as they came. Raises UsageError for an id that is not in the case."""
        return self.investigation.case.bytes_of(observation)

    def report(self, path: str | Path, format: str | None = None) -> Path:  # noqa: A002 - the word of the command
        """Write the report to *path*, in the *format* that its suffix or the argument names; return where it lies.

        Raises UsageError for an unknown format, and for a place that cannot be written to.
        """
        from forensics.report import FORMATS, format_of
        from forensics.report.writing import write_out

        where = Path(path)
        write_out(where, FORMATS[format_of(format or where)](self.document))
        return where

    def __dir__(self) -> list[str]:
        """What completion offers: the frames, pivots and views, without what is for the inside."""
        return sorted(name for name in object.__dir__(self) if not name.startswith("_"))

    def __repr__(self) -> str:
        total = len(self.analysis.assessments)
        return f"<case of {self.project}: {self.verdict.value}, {len(self.suspects)} of {total} releases suspect>"

    def _repr_html_(self) -> str:
        parts: list[Markup] = [
            markup.paragraph(self.facts.reconstruction) if self.facts.reconstruction else markup.items(()),
            markup.items(text for text, _ in self.conclusion.sentences),
        ]
        if self.suspects:
            parts.append(_trusted(self.suspects._repr_html_()))
        rows = [(row[0], row[1], row[2], row[3]) for row in self.not_checked.iter_rows()]
        parts.append(
            markup.folded(
                f"{len(rows)} things could not be checked", markup.table(("", "what", "reason", "needs"), rows)
            )
        )
        return str(markup.section(f"{self.project}: {self.verdict.value.replace('-', ' ')}", *parts))


def _trusted(html: str) -> Markup:
    """Return HTML that `markup` made as what it is."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704 - made of escaped parts


def _versions(start: Start) -> str | list[str] | pl.DataFrame:
    """Return what a pivot starts from, with releases as their versions."""
    from forensics.notebook.releases import ReleaseView

    if isinstance(start, ReleaseView):
        return start.version
    if isinstance(start, str) or hasattr(start, "columns"):
        return cast("str | pl.DataFrame", start)
    return [one.version if isinstance(one, ReleaseView) else one for one in start]

"""From one release to everything that shares something with it. Frames in, frames out, so that questions chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forensics.graph.ties import Graph, NodeType, identity_key, workflow_digest
from forensics.model.checked import Checked
from forensics.model.identity import Identity
from forensics.model.release import History, Release
from forensics.timeline.tables import frame_of

if TYPE_CHECKING:
    import polars as pl

KEYS = ("identity", "run", "commit", "workflow_digest", "payload")
"""What a pivot can go over. `identity` is issuer, ids and workflow; `payload` is the SHA-256 of a file or of a file
inside one."""

COLUMNS = ("version", "filename", "log_index", *KEYS)


@dataclass(frozen=True, slots=True)
class Pivots:
    """One row for each signature, unattested file and file inside a suspect's artifact: what it can be found by.

    Each pivot takes a version, several, or a frame with a column `version` (or the column it pivots over), and returns
    the rows of `rows` that share a value, with `shared` (the value) and `found_from` (the versions it was seen with).
    Rows that only the log knows have no version. A value that nobody observed is shared with nobody.
    """

    rows: pl.DataFrame

    def same_identity(self, start: str | Iterable[str] | pl.DataFrame) -> pl.DataFrame:
        """Return everything that the signers of *start* signed: same issuer, repository and owner id, workflow."""
        return self._same("identity", start)

    def same_run(self, start: str | Iterable[str] | pl.DataFrame) -> pl.DataFrame:
        """Return everything that came out of the CI runs of *start*, attempt by attempt."""
        return self._same("run", start)

    def same_commit(self, start: str | Iterable[str] | pl.DataFrame) -> pl.DataFrame:
        """Return everything that was built from the commits of *start*."""
        return self._same("commit", start)

    def same_workflow_digest(self, start: str | Iterable[str] | pl.DataFrame) -> pl.DataFrame:
        """Return everything that was built by the same bytes of a workflow file, by git blob id."""
        return self._same("workflow_digest", start)

    def same_payload(self, start: str | Iterable[str] | pl.DataFrame) -> pl.DataFrame:
        """Return everything that is, or holds, the same file, by SHA-256."""
        return self._same("payload", start)

    def _same(self, key: str, start: str | Iterable[str] | pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        if isinstance(start, pl.DataFrame):
            begin = self._begin(key, start)
        else:
            versions = [start] if isinstance(start, str) else list(start)
            begin = self.rows.filter(pl.col("version").is_in(versions))
        known = begin.filter(pl.col(key).is_not_null())
        values = known.group_by(key, maintain_order=True).agg(pl.col("version").unique().sort().alias("found_from"))
        found = self.rows.join(values, on=key, how="inner", maintain_order="left")
        return found.with_columns(pl.col(key).alias("shared"))

    def _begin(self, key: str, start: pl.DataFrame) -> pl.DataFrame:
        """Return rows to start from: a frame of pivots has its rows, another one is asked for its versions."""
        import polars as pl

        from forensics.model.errors import UsageError

        if set(COLUMNS) <= set(start.columns):
            versions = start["version"].drop_nulls().unique().to_list()
            whole = self.rows.filter(pl.col("version").is_in(versions))
            return pl.concat([whole, start.select(self.rows.columns)]).unique(maintain_order=True)
        if "version" in start.columns:
            return self.rows.filter(pl.col("version").is_in(start["version"].drop_nulls().to_list()))
        if key in start.columns:
            return self.rows.filter(pl.col(key).is_in(start[key].drop_nulls().to_list()))
        raise UsageError(
            f"A pivot starts from a column 'version' or {key!r}; this frame has {', '.join(start.columns) or 'none'}.",
            advice="Name a version, or take a frame of the case or of another pivot.",
        )


def pivots_of(history: History, graph: Graph) -> Pivots:
    """Return the pivots over *history*; *graph* says which files inside artifacts tell something."""
    telling = {node.id.partition(":")[2] for node in graph.nodes if node.type is NodeType.PAYLOAD}
    rows = [row for release in history.releases for row in _of_release(release, telling)]
    for one in history.log_only:
        record = one.record
        digest = next((a.partition(":")[2] for a in record.artifacts if a.startswith("sha256:")), None)
        rows.append((one.version, one.filename, record.index, *_keys(record.identity), None, digest, [*one.evidence]))
    kinds = dict.fromkeys(COLUMNS, "str") | {"log_index": "int", "evidence": "list[str]"}
    return Pivots(frame_of(rows, kinds))


def _of_release(release: Release, telling: set[str]) -> Iterator[tuple[Any, ...]]:
    version, blob = release.version, workflow_digest(release)
    for artifact in release.artifacts:
        for attestation in artifact.attestations:
            index = attestation.log_entry.index if attestation.log_entry else None
            keys = _keys(attestation.identity)
            digest = attestation.subject_sha256 or artifact.sha256
            yield version, artifact.filename, index, *keys, blob, digest, [*attestation.evidence]
        if not artifact.attestations:
            yield version, artifact.filename, None, None, None, None, None, artifact.sha256, [*artifact.evidence]
        if isinstance(artifact.contents, Checked):
            for member in artifact.contents.value.members:
                if member.sha256 in telling:
                    where = f"{artifact.filename}!{member.path}"
                    yield version, where, None, None, None, None, None, member.sha256, [*artifact.contents.evidence]


def _keys(who: Identity | None) -> tuple[str | None, str | None, str | None]:
    return (identity_key(who), who.run_invocation_uri, who.commit) if who else (None, None, None)

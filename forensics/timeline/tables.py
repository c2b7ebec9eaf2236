"""The history as polars tables with declared schemas: what the case keeps as Parquet and the notebook works on."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked, NotChecked
from forensics.model.event import Event
from forensics.model.observation import Observation
from forensics.model.publication import Publication
from forensics.model.release import History

if TYPE_CHECKING:
    import polars as pl

_TIME = "datetime"
_TEXTS = "list[str]"

SCHEMAS: dict[str, dict[str, str]] = {
    "releases": {
        "version": "str", "published": _TIME, "published_by": "str", "listed": "bool", "removed": _TIME,
        "removed_reason": "str", "yanked": "bool", "yanked_reason": "str", "files": "int", "mentions": "int",
        "evidence": _TEXTS,
    },
    "artifacts": {
        "version": "str", "filename": "str", "kind": "str", "sha256": "str", "size": "int", "uploaded_at": _TIME,
        "listed": "bool", "provenance": "str", "provenance_reason": "str", "attestations": "int", "path": "str",
        "upload_client": "str", "evidence": _TEXTS, "sha512": "str",
    },
    "publications": {
        "version": "str", "account": "str", "email": "str", "trusted_publisher": "str", "approver": "str",
        "reason": "str", "stated_provenance": "str", "client": "str", "runtime": "str", "git_head": "str",
        "hooks": _TEXTS, "requirements": _TEXTS, "unpacked_size": "int", "file_count": "int", "deprecated": "str",
        "evidence": _TEXTS,
    },
    "attestations": {
        "version": "str", "filename": "str", "digest": "str", "predicate_type": "str", "status": "str",
        "signed_at": _TIME, "log_id": "str", "log_index": "int", "log_origin": "str", "publisher_kind": "str",
        "subject_sha256": "str", "evidence": _TEXTS, "subject_sha512": "str", "registry_key": "str",
    },
    "identities": {"version": "str", "filename": "str", "digest": "str", "claim": "str", "value": "str"},
    "builds": {"version": "str", "filename": "str", "digest": "str", "claim": "str", "value": "str"},
    "registry_signatures": {
        "purl": "str", "integrity": "str", "registry_key": "str", "published": _TIME, "status": "str",
        "evidence": _TEXTS,
    },
    "events": {
        "at": _TIME, "kind": "str", "lane": "str", "what": "str", "version": "str", "subject": "str",
        "detail": "str", "evidence": _TEXTS,
    },
    "observations": {
        "id": "str", "method": "str", "url": "str", "at": _TIME, "status": "int", "sha256": "str", "size": "int",
        "media_type": "str", "problem": "str",
    },
    "not_checked": {"subject": "str", "what": "str", "reason": "str", "needs": "str", "evidence": _TEXTS},
}  # fmt: skip
"""Columns of each table by name: str, int, bool, datetime (UTC, microseconds) or list[str]. All may be null."""


def build_tables(
    history: History, events: Sequence[Event], observations: Sequence[Observation]
) -> dict[str, pl.DataFrame]:
    """Return every table of SCHEMAS, rows in the order of the history."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in SCHEMAS}
    for release in history.releases:
        removed = release.removed
        rows["releases"].append((
            release.version, release.published, release.published_by, release.listed,
            removed.value if isinstance(removed, Checked) else None,
            removed.reason if isinstance(removed, NotChecked) else None,
            release.yanked, release.yanked_reason, len(release.artifacts), len(release.mentions),
            list(release.evidence),
        ))  # fmt: skip
        _artifact_rows(release.version, release.artifacts, rows)
        if isinstance(release.publication, Checked):
            rows["publications"].append(_publication_row(release.version, release.publication))
    for each in history.registry_signatures:
        rows["registry_signatures"].append((
            each.purl, each.integrity, each.registry_key, each.published, each.verification.status.value,
            list(each.evidence),
        ))  # fmt: skip
    for event in events:
        rows["events"].append((
            event.at, event.kind.value, event.lane.value, event.what, event.version, event.subject, event.detail,
            list(event.evidence),
        ))  # fmt: skip
    for seen in observations:
        rows["observations"].append((
            seen.id, seen.method, seen.url, seen.at, seen.status, seen.sha256, seen.size, seen.media_type,
            seen.problem,
        ))  # fmt: skip
    for what, outcome in history.not_checked:
        rows["not_checked"].append(("project", what, outcome.reason, outcome.needs, list(outcome.evidence)))
    for c in history.contradictions:
        reason = f"two sources differ about the {c.about}: {c.first} and {c.second}"
        needs = "a third source, or the file itself"
        rows["not_checked"].append((c.version, "contradiction", reason, needs, list(dict.fromkeys(c.evidence))))
    return {name: frame_of(rows[name], SCHEMAS[name]) for name in SCHEMAS}


def _publication_row(version: str, outcome: Checked[Publication]) -> tuple[Any, ...]:
    stated = outcome.value
    uploader = stated.uploader.value if isinstance(stated.uploader, Checked) else None
    return (
        version, uploader.account.name if uploader else None, uploader.account.email if uploader else None,
        uploader.trusted_publisher if uploader else None,
        str(uploader.approver) if uploader and uploader.approver else None,
        stated.uploader.reason if isinstance(stated.uploader, NotChecked) else None,
        stated.provenance.value if isinstance(stated.provenance, Checked) else None, stated.client, stated.runtime,
        stated.git_head, [f"{name}: {command}" for name, command in stated.hooks],
        [f"{one.name}@{one.spec}" for one in stated.requirements], stated.unpacked_size, stated.file_count,
        stated.deprecated, list(outcome.evidence),
    )  # fmt: skip


def _artifact_rows(version: str, artifacts: Sequence[Any], rows: dict[str, list[tuple[Any, ...]]]) -> None:
    for artifact in artifacts:
        unknown = artifact.provenance.reason if isinstance(artifact.provenance, NotChecked) else None
        state = {True: "attested", False: "absent", None: "not observed"}[artifact.attested]
        rows["artifacts"].append((
            version, artifact.filename, artifact.kind, artifact.sha256, artifact.size, artifact.uploaded_at,
            artifact.listed, state, unknown, len(artifact.attestations), artifact.path, artifact.upload_client,
            list(artifact.evidence), artifact.sha512,
        ))  # fmt: skip
        if unknown is not None:
            needs = artifact.provenance.needs
            rows["not_checked"].append(
                (artifact.filename, "provenance", unknown, needs, list(artifact.provenance.evidence))
            )
        for a in artifact.attestations:
            entry = a.log_entry
            rows["attestations"].append((
                version, artifact.filename, a.digest, a.predicate_type, a.verification.status.value, a.signed_at,
                entry.log_id if entry else None, entry.index if entry else None, entry.origin if entry else None,
                a.publisher.kind if a.publisher else None, a.subject_sha256, list(a.evidence),
                a.subject_sha512, a.registry_key,
            ))  # fmt: skip
            for claim, value in a.build.claims() if a.build else ():
                rows["builds"].append((version, artifact.filename, a.digest, claim, value))
            for claim, value in a.identity.claims().items() if a.identity else ():
                rows["identities"].append((version, artifact.filename, a.digest, claim, value))


def frame_of(rows: Sequence[tuple[Any, ...]], kinds: Mapping[str, str]) -> pl.DataFrame:
    """Return *rows* as a frame with columns of these *kinds*, in the words of SCHEMAS.

    A lone surrogate, which no table can hold, becomes an escape such as `\\ud800`.
    """
    import polars as pl

    types: dict[str, Any] = {
        "str": pl.String, "int": pl.Int64, "bool": pl.Boolean, _TIME: pl.Datetime("us", "UTC"),
        _TEXTS: pl.List(pl.String),
    }  # fmt: skip
    schema = {column: types[kind] for column, kind in kinds.items()}
    try:
        return pl.DataFrame(rows, schema=schema, orient="row")
    except UnicodeEncodeError:
        return pl.DataFrame([tuple(map(_encodable, row)) for row in rows], schema=schema, orient="row")


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return [_encodable(one) for one in value] if isinstance(value, list) else value


def to_parquet(frame: pl.DataFrame) -> bytes:
    """Return *frame* as Parquet. The bytes depend on the polars version; compare frames, not files."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=False)
    return buffer.getvalue()


def from_parquet(data: bytes) -> pl.DataFrame:
    """Return the frame of a Parquet file; raises polars' errors for what is not one."""
    import polars as pl

    return pl.read_parquet(io.BytesIO(data))

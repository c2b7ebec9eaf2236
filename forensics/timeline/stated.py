"""What sources state about one version or one file, joined: the best record of each, and whose word counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.event import TimeKind
from forensics.model.release import Artifact
from forensics.model.times import to_iso
from forensics.sources.index import Index, VersionRecord
from forensics.sources.supplements import NamedFile, StatedTime


def words_of(record: VersionRecord, removed_at: datetime | None) -> list[str]:
    """Return in words what the index says about a version beside listing it."""
    words = [record.note] if record.note else []
    if not record.listed:
        words.insert(0, "remembers when it was published, and no longer lists it")
        words += [f"records that it was removed at {to_iso(removed_at)}"] if removed_at else []
    publication = record.publication
    if isinstance(publication, Checked) and publication.value.deprecated:
        words.append(f"deprecated it: {publication.value.deprecated}")
    return words


def merged(named: list[NamedFile]) -> list[NamedFile]:
    """Return one record a file: the first that states most, completed by those that do not contradict its digests.

    An export knows where the file store keeps a deleted file, a lockfile its digest: together they fetch and check it.
    """
    best: dict[str, NamedFile] = {}
    for file in named:
        known = best.get(file.filename)
        if known is None or _states(file) > _states(known):
            best[file.filename] = file
    return [_completed(file, [n for n in named if n.filename == file.filename]) for file in best.values()]


def _states(file: NamedFile) -> tuple[bool, bool]:
    return (file.uploaded_at is not None, file.digest is not None)


def _completed(file: NamedFile, others: list[NamedFile]) -> NamedFile:
    for other in others:
        if _agree(file, other):
            file = replace(
                file,
                sha256=file.sha256 or other.sha256,
                sha512=file.sha512 or other.sha512,
                size=file.size if file.size is not None else other.size,
                path=file.path or other.path,
                upload_client=file.upload_client or other.upload_client,
            )
    return replace(file, evidence=tuple(dict.fromkeys(i for n in others if _agree(n, file) for i in n.evidence)))


def _agree(one: NamedFile, other: NamedFile) -> bool:
    """Whether no digest that both state differs, and their sizes do not."""
    pairs = ((one.sha256, other.sha256), (one.sha512, other.sha512), (one.size, other.size))
    return all(first == second for first, second in pairs if first is not None and second is not None)


def published_of(
    artifacts: list[Artifact], times: list[StatedTime], record: VersionRecord | None, *, listed: bool
) -> tuple[datetime | None, str]:
    """Return the first upload and whose word it is: the index's, a copy of the index's, a responder's or a lead's."""
    if record is not None and record.published is not None:
        return record.published, TimeKind.ASSERTED_BY_INDEX.value
    uploads = [a.uploaded_at for a in artifacts if a.uploaded_at is not None]
    if uploads:
        kind = TimeKind.ASSERTED_BY_INDEX if listed else TimeKind.COPIED
        return min(uploads), kind.value
    stated = [t for t in times if t.what == "published"]
    if stated:
        first = min(stated, key=lambda t: (list(TimeKind).index(t.kind), t.at))
        return first.at, f"{first.kind.value}: {first.source}"
    return None, "no source states it"


def removed_of(
    times: list[StatedTime], index: Index | None, record: VersionRecord | None, *, listed: bool
) -> Outcome[datetime | None]:
    """Return when a version was removed, None for one that is *listed*; not checked where nobody states a time."""
    if listed:
        return Checked(None)
    if index is not None and index.removed_at is not None and record is not None:
        return Checked(index.removed_at, index.evidence)
    stated = [t for t in times if t.what in {"removed", "quarantined"}]
    if stated:
        first = min(stated, key=lambda t: (list(TimeKind).index(t.kind), t.at))
        return Checked(first.at, first.evidence)
    if index is None:
        return NotChecked("the index could not be asked whether it still lists it", "index")
    return NotChecked("the index does not list it, and no source states when it was removed", "journal or a fact")

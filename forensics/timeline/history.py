"""From answers to one ordered history: the index leads, every other source that names a release adds it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from forensics.model.attestation import Attestation
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.held import Held
from forensics.model.project import Project
from forensics.model.publication import NO_PUBLICATION, Publication
from forensics.model.release import (
    Advisory,
    Artifact,
    Contradiction,
    History,
    Mention,
    ProjectStatus,
    Release,
)
from forensics.model.versions import rules_of
from forensics.sources.ecosystems import package_index
from forensics.sources.gather import Gathered
from forensics.sources.git_facts import source_history, with_sources
from forensics.sources.index import Index, IndexFile, VersionRecord
from forensics.sources.supplements import NamedFile, StatedTime, Supplements
from forensics.timeline.advisories import advisories_of
from forensics.timeline.contradictions import contradiction_events, contradictions_of
from forensics.timeline.depsdev import opinion_supplements, with_opinions
from forensics.timeline.earlier import Earlier
from forensics.timeline.held import held_contradictions, held_events, held_not_checked
from forensics.timeline.journal import journal_supplements
from forensics.timeline.logged import Logged
from forensics.timeline.missed import import_status, missed_of
from forensics.timeline.ordering import order_releases, with_ranges
from forensics.timeline.stated import merged, published_of, removed_of, words_of
from forensics.timeline.told import told_events
from forensics.timeline.witnesses import with_witnesses

Attested = Mapping[str, tuple[Attestation, ...]]
"""Verified attestations by file name."""

_REMOVED_FILE = NotChecked("the index no longer lists this file, and took its attestations along", "log")


def build_history(
    project: Project,
    gathered: Gathered,
    supplements: Supplements,
    attested: Attested,
    collected_at: datetime,
    logged: Logged | None = None,
    earlier: Earlier | None = None,
    held: Sequence[Held] = (),
) -> History:
    """Return the history of *project*: releases in order of publication, undated ones after the version below them.

    *held* are attestations that GitHub holds, verified.
    """
    logged, earlier = logged or Logged(), earlier or Earlier()
    index = gathered.index.value if isinstance(gathered.index, Checked) else None
    rules = rules_of(project.ecosystem)
    others = gathered.others
    gathered = replace(gathered, advisories=advisories_of(gathered, supplements))
    if isinstance(others.journal, Checked):
        supplements = supplements.joined(journal_supplements(others.journal.value, index))
    supplements = supplements.joined(opinion_supplements(others.opinions, index, rules))
    builder = _Builder(project, gathered, supplements, attested, index, logged, earlier)
    releases = with_sources(order_releases(builder.releases(), rules), gathered.repository, project)
    releases = with_opinions(with_witnesses(releases, others), others.opinions, rules)
    contradictions = [*builder.contradictions, *contradictions_of(releases, others, index)]
    contradictions += held_contradictions(releases, held)
    told = [*told_events(others, index, releases), *held_events(releases, held)]
    told += contradiction_events(contradictions, releases, collected_at)
    return History(
        project=project,
        status=index.status if index else ProjectStatus.UNKNOWN,
        releases=releases,
        advisories=builder.advisories,
        latest=index.latest if index else None,
        collected_at=collected_at,
        sources=(*gathered.sources, *import_status(supplements)),
        not_checked=(
            *missed_of(gathered, supplements, index, releases),
            *logged.not_checked,
            *held_not_checked(releases, held),
        ),
        contradictions=tuple(contradictions),
        unasked=gathered.index if isinstance(gathered.index, NotChecked) else None,
        repository=source_history(gathered.repository),
        log_only=logged.log_only,
        tags=index.tags if index else (),
        earlier_cases=earlier.cases,
        journal=others.journal,
        members=others.members,
        told=tuple(told),
        names=others.names,
    )


class _Builder:
    """Joins the index's files with what supplements name, version by version."""

    def __init__(
        self,
        project: Project,
        gathered: Gathered,
        supplements: Supplements,
        attested: Attested,
        index: Index | None,
        logged: Logged,
        earlier: Earlier,
    ) -> None:
        self.rules = rules_of(project.ecosystem)
        self.named_by = package_index(project.ecosystem)
        self.gathered = gathered
        self.logged = logged
        self.earlier = earlier
        self.published_then = {self.rules.spelled(v): stated for v, stated in earlier.publications.items()}
        self.attested = attested
        self.index = index
        self.supplements = supplements
        self.contradictions: list[Contradiction] = []
        self.spelling: dict[str, str] = {}
        self.listed: dict[str, list[IndexFile]] = defaultdict(list)
        for file in index.files if index else ():
            self.listed[self._key(file.version)].append(file)
        self.empty = {self._key(v) for v in (index.empty_versions if index else ())}
        self.records = {self._key(v): record for v, record in (index.versions if index else {}).items()}
        self.named: dict[str, list[NamedFile]] = defaultdict(list)
        for named in supplements.files:
            self.named[self._key(named.version)].append(named)
        self.times: dict[str, list[StatedTime]] = defaultdict(list)
        for stated in supplements.times:
            self.times[self._key(stated.version)].append(stated)
        self.mentions: dict[str, list[Mention]] = defaultdict(list)
        for version, mentions in supplements.mentions.items():
            self.mentions[self._key(version)] += mentions
        self.advisories = with_ranges(gathered.advisories, self.spelling.values(), self.rules)
        self._take_advisories()

    def _key(self, version: str) -> str:
        """Return the key that spellings of one version share; the first spelling seen is kept."""
        key = self.rules.spelled(version)
        self.spelling.setdefault(key, version)
        return key

    def _take_advisories(self) -> None:
        """An advisory that names a version the index does not list is another source that remembers it."""
        advisories: tuple[Advisory, ...] = ()
        if isinstance(self.advisories, Checked):
            advisories = self.advisories.value
        for advisory in advisories:
            for version in () if advisory.withdrawn else advisory.versions:
                self.mentions[self._key(version)].append(
                    Mention(f"advisory {advisory.id}", "names this version as affected", advisory.evidence)
                )

    def releases(self) -> list[Release]:
        """Return all releases, unordered."""
        keys = dict.fromkeys([*self.listed, *self.empty, *self.records, *self.named, *self.times, *self.mentions])
        return [self._release(key) for key in keys]

    def _release(self, key: str) -> Release:
        listed, named, times = self.listed.get(key, []), self.named.get(key, []), self.times.get(key, [])
        known = {file.filename for file in listed}
        artifacts = [self._from_index(file, named) for file in listed]
        self._disagreements([file for file in named if file.filename not in known])
        artifacts += [self._from_name(file) for file in merged(named) if file.filename not in known]
        artifacts.sort(key=lambda a: (a.kind != "sdist", a.filename))
        record = self.records.get(key)
        published, published_by = published_of(artifacts, times, record, listed=bool(listed))
        unreadable = self.index is None
        there = bool(listed) or (key in self.empty and not (named or self.mentions.get(key)))
        return Release(
            version=self.spelling[key],
            published=published,
            published_by=published_by,
            artifacts=tuple(artifacts),
            listed=None if unreadable else there,
            removed=removed_of(times, self.index, record, listed=there),
            yanked=bool(listed) and all(file.yanked for file in listed),
            yanked_reason=next((file.yanked_reason for file in listed if file.yanked_reason), None),
            mentions=tuple(self._mentions(key, listed=bool(listed))),
            evidence=self._evidence(key),
            publication=self._publication(key, record),
        )

    def _publication(self, key: str, record: VersionRecord | None) -> Outcome[Publication]:
        """What the index states of the version; of one that it only remembers, what it stated in an earlier case."""
        if record is not None and record.listed:
            return record.publication
        if (then := self.published_then.get(key)) is not None:
            return then
        if record is None or not self.index:
            return NO_PUBLICATION
        reason = "the index remembers when it was published, and nothing else of it"
        return NotChecked(reason, "an earlier case, or a copy of the packument", self.index.evidence)

    def _mentions(self, key: str, *, listed: bool) -> list[Mention]:
        mentions = list(self.mentions.get(key, []))
        source = self.named_by.name
        if not listed and key in self.empty and self.index:
            mentions.append(Mention(source, "lists the version without any file", self.index.evidence))
        record = self.records.get(key)
        if record and self.index:
            words = words_of(record, self.index.removed_at)
            mentions += [Mention(source, word, self.index.evidence) for word in words]
        return mentions

    def _evidence(self, key: str) -> tuple[str, ...]:
        ids = [i for file in self.listed.get(key, []) for i in file.evidence]
        ids += [i for mention in self.mentions.get(key, []) for i in mention.evidence]
        ids += [i for named in self.named.get(key, []) for i in named.evidence]
        if self.index and not self.listed.get(key):
            ids += list(self.index.evidence)  # that the index does not list it is what the index answered
        return tuple(dict.fromkeys(ids))

    def _disagreements(self, named: Sequence[NamedFile | IndexFile]) -> None:
        """Note every file of which two sources state different digests; the first that states one leads."""
        first: dict[tuple[str, str], NamedFile | IndexFile] = {}
        noted: set[tuple[str, str, str]] = set()
        for file in named:
            for algorithm, digest in (("SHA-256", file.sha256), ("SHA-512", file.sha512)):
                if digest is None:
                    continue
                known = first.setdefault((file.filename, algorithm), file)
                stated = known.sha256 if algorithm == "SHA-256" else known.sha512
                if stated == digest or (key := (file.filename, algorithm, digest)) in noted:
                    continue
                noted.add(key)
                evidence = tuple(dict.fromkeys((*known.evidence, *file.evidence)))
                about = f"{algorithm} of {file.filename}"
                self.contradictions.append(Contradiction(file.version, about, str(stated), digest, evidence))

    def _from_index(self, file: IndexFile, named: list[NamedFile]) -> Artifact:
        twins = [n for n in named if n.filename == file.filename]
        self._disagreements([file, *twins])
        client = next((n.upload_client for n in twins if n.upload_client), None)
        evidence = tuple(dict.fromkeys((*file.evidence, *(i for n in twins for i in n.evidence))))
        return Artifact(
            filename=file.filename,
            kind=file.kind,
            sha256=file.sha256,
            size=file.size,
            uploaded_at=file.uploaded_at,
            listed=True,
            provenance=self._provenance(file),
            path=file.path,
            upload_client=client or self._client(file.version),
            evidence=evidence,
            sha512=file.sha512,
            vanished=self._vanished(file),
        )

    def _vanished(self, file: IndexFile) -> tuple[Attestation, ...]:
        """Return attestations of a listed file that an earlier case or the log holds, and that the index serves not."""
        outcome = self.gathered.provenance.get(file.filename)
        if not isinstance(outcome, Checked):
            return ()
        attested = self.attested.get(file.filename, ())
        logged = self.logged.of(file.filename, file.digest)
        known = [*self.earlier.attested.get(file.filename, ())]
        known += logged.value if isinstance(logged, Checked) and not attested else ()
        served = {attestation.digest for attestation in attested}
        return tuple({a.digest: a for a in known if a.digest not in served}.values())

    def _client(self, version: str) -> str | None:
        """The program that published it, where the index states one."""
        record = self.records.get(self._key(version))
        publication = record.publication if record else None
        return publication.value.client if isinstance(publication, Checked) else None

    def _provenance(self, file: IndexFile) -> Outcome[tuple[Attestation, ...]]:
        outcome = self.gathered.provenance.get(file.filename)
        if outcome is None:
            outcome = NotChecked("its provenance was not asked for", "the Integrity API", file.evidence)
        if isinstance(outcome, NotChecked):
            logged = self.logged.of(file.filename, file.digest)
            return logged if isinstance(logged, Checked) else outcome
        evidence = tuple(dict.fromkeys((*file.provenance.evidence, *outcome.evidence)))
        attested = self.attested.get(file.filename, ())
        if not attested:
            self._withheld(file, evidence)
        return Checked(attested, evidence)

    def _withheld(self, file: IndexFile, evidence: tuple[str, ...]) -> None:
        """Note an attestation that the log proves and the index does not serve with the file."""
        logged = self.logged.of(file.filename, file.digest)
        for attestation in logged.value if isinstance(logged, Checked) else ():
            about = f"attestation of {file.filename}"
            entry = attestation.log_entry.index if attestation.log_entry else "unknown"
            ids = (*evidence, *attestation.evidence)
            words = ("none, says the index", f"the log holds one that verifies, entry {entry}")
            self.contradictions.append(Contradiction(file.version, about, *words, ids))

    def _from_name(self, file: NamedFile) -> Artifact:
        """A file that the index does not list: its attestations are the log's to tell."""
        return Artifact(
            filename=file.filename,
            kind=self.named_by.kind_of(file.filename),
            sha256=file.sha256,
            size=file.size,
            uploaded_at=file.uploaded_at,
            listed=False,
            provenance=self._remembered(file),
            path=file.path,
            upload_client=file.upload_client,
            evidence=file.evidence,
            sha512=file.sha512,
        )

    def _absence(self, file: NamedFile) -> tuple[str, ...]:
        """Return what it rests on that a file is gone: the index's answer, and whoever names the file."""
        return tuple(dict.fromkeys((*(self.index.evidence if self.index else ()), *file.evidence)))

    def _remembered(self, file: NamedFile) -> Outcome[tuple[Attestation, ...]]:
        """Return the attestations of a file that is gone: those that an earlier case saw, else the log's."""
        logged = self.logged.of(file.filename, file.digest) or replace(_REMOVED_FILE, evidence=self._absence(file))
        then = self.earlier.attested.get(file.filename)
        if then is None or (isinstance(logged, Checked) and not then):
            return logged
        return Checked(then, self.earlier.evidence)

"""What the transparency log tells about releases that the index forgot: rebuilt, attributed, absent, or left over.

Anybody can put a statement about any file into a public log. So an entry counts for a file only if it verifies and was
signed by a repository that the project is known to publish from, or was there before the file was uploaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from forensics.attestation.entry import LoggedEntry
from forensics.attestation.record import record_of
from forensics.attestation.recover import Rebuilt, Statements, candidate_names
from forensics.model.attestation import Attestation, VerificationStatus
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.identity import Identity
from forensics.model.log import LogOnly, LogRecord
from forensics.model.project import Project
from forensics.model.versions import rules_of
from forensics.sources.ecosystems import package_index
from forensics.sources.gather import Gathered
from forensics.sources.index import IndexFile
from forensics.sources.rekor import Found
from forensics.sources.rekor_gather import LogAnswers
from forensics.sources.rekor_plan import CONTROLS, Target, missing_versions
from forensics.sources.supplements import NamedFile, Supplements

if TYPE_CHECKING:
    from forensics.attestation.trust import TrustRoot

LOG = "transparency log"
Files = Mapping[tuple[str, str], Outcome[tuple[Attestation, ...]]]
"""What the log says about a file, by its name and SHA-256."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What follows from the log's answers.

    `records` are all entries found for a digest, by SHA-256; `invalid` are attestations that were rebuilt and do not
    verify; `attributed` are files whose name only the log told; `unattributed` are digests left without one.
    """

    outcomes: Files = field(default_factory=dict)
    records: Mapping[str, tuple[LogRecord, ...]] = field(default_factory=dict)
    invalid: Mapping[tuple[str, str], tuple[Attestation, ...]] = field(default_factory=dict)
    attributed: tuple[NamedFile, ...] = ()
    unattributed: tuple[tuple[str, str], ...] = ()
    log_only: tuple[LogOnly, ...] = ()
    not_checked: tuple[tuple[str, NotChecked], ...] = ()

    def of(self, filename: str, sha256: str | None) -> Outcome[tuple[Attestation, ...]] | None:
        """Return what the log says about a file; None where it was not asked."""
        return self.outcomes.get((filename, sha256)) if sha256 else None


def read_log(
    project: Project,
    gathered: Gathered,
    supplements: Supplements,
    attested: Mapping[str, tuple[Attestation, ...]],
    root: TrustRoot,
) -> Logged:
    """Return what the log's answers tell about *project*, every entry verified under *root*.

    *attested* are the verified attestations of listed files: they say from which repositories the project publishes,
    and which runs are accounted for. Files that only the log could name are added to *supplements*.
    """
    if gathered.log is None:
        reason = "{} names it; this case was collected without the log"
        leads = supplements.log_indices
        rows = [(f"log entry {i}", NotChecked(reason.format(source), "log", ids)) for i, _, source, ids in leads]
        return Logged(not_checked=tuple(rows))
    return _Reader(project, gathered, gathered.log, supplements, attested, root).read()


class _Reader:
    """The answers of one run, and what they are compared with."""

    def __init__(
        self,
        project: Project,
        gathered: Gathered,
        answers: LogAnswers,
        supplements: Supplements,
        attested: Mapping[str, tuple[Attestation, ...]],
        root: TrustRoot,
    ) -> None:
        self.project = project
        self.rules = rules_of(project.ecosystem)
        self.answers = answers
        self.supplements = supplements
        self.root = root
        index = gathered.index.value if isinstance(gathered.index, Checked) else None
        self.index_files: tuple[IndexFile, ...] = index.files if index else ()
        self.forgotten = tuple(r.version for r in index.versions.values() if not r.listed) if index else ()
        known = [a for some in attested.values() for a in some if a.verification.status is VerificationStatus.VALID]
        identities = [a.identity for a in known if a.identity]
        self.repositories = {_repository(i) for i in identities} - {None}
        self.runs = {run for i in identities if (run := _run(i))}
        self.named = self._named(gathered)
        offsets = answers.info.value.offsets if isinstance(answers.info, Checked) else {}
        self.entries = {entry.uuid: entry for entry in _all_entries(answers)}
        self.records = {uuid: record_of(entry, root, offsets) for uuid, entry in self.entries.items()}

    def _named(self, gathered: Gathered) -> set[str]:
        """Versions that anybody lists or names."""
        named = {file.version for file in self.index_files} | self.supplements.versions() | set(self.forgotten)
        if isinstance(gathered.advisories, Checked):
            named |= {v for a in gathered.advisories.value if not a.withdrawn for v in a.versions}
        return named

    def read(self) -> Logged:
        rebuilt = self._rebuild()
        good, bad = self._sorted(rebuilt)
        attributed = self._attribute(good)
        outcomes = {
            (t.filename, t.digest): self._outcome(t, good, bad) for t in self.answers.plan.targets if t.filename
        }
        for file in attributed:
            pair = (file.filename, str(file.sha256))
            outcomes[pair] = Checked(good[pair], file.evidence)
        told = {str(file.sha256) for file in attributed}
        loose = [t.digest for t in self.answers.plan.targets if t.why == "loose" and t.digest not in told]
        unattributed = tuple((sha256, self._why_not(sha256)) for sha256 in loose)
        for file in attributed:
            self.supplements.files.append(file)
            words = f"holds a verified statement of the project about {file.filename}"
            self.supplements.mention(file.version, LOG, words, file.evidence)
        return Logged(
            outcomes=outcomes,
            records={sha256: self._records(found) for sha256, found in self.answers.found.items()},
            invalid=bad,
            attributed=attributed,
            unattributed=unattributed,
            log_only=tuple(self._log_only(good, attributed)),
            not_checked=tuple(self._not_checked(unattributed)),
        )

    def _version_of(self, filename: str) -> str | None:
        return package_index(self.project.ecosystem).version_of(filename, self.project)

    def _rebuild(self) -> list[Rebuilt]:
        """Match every entry with a statement about a file that is named, or about a loose digest and a likely name."""
        statements = Statements()
        for target in self._targets():
            if target.filename:
                statements.add([target.filename], [target.digest])
        missing = missing_versions(self.index_files, self.supplements, self.rules, self.forgotten)
        loose = [t.digest for t in self._targets() if t.why == "loose"]
        named = [f.filename for f in self.supplements.files if f.version in missing]
        statements.add([*named, *candidate_names(missing, self._patterns())], loose)
        return [found for entry in self.entries.values() if (found := statements.rebuild(entry))]

    def _targets(self) -> tuple[Target, ...]:
        return self.answers.plan.targets

    def _patterns(self) -> dict[str, str]:
        newest = sorted(self.index_files, key=lambda f: (str(f.uploaded_at or ""), f.filename), reverse=True)
        return {file.filename: file.version for file in newest[:40]}

    def _sorted(
        self, rebuilt: list[Rebuilt]
    ) -> tuple[dict[tuple[str, str], tuple[Attestation, ...]], dict[tuple[str, str], tuple[Attestation, ...]]]:
        """Verify what was rebuilt; return what verifies and what does not, by file."""
        import json

        from forensics.attestation.pool import Job, evaluate_many

        jobs = [
            Job("pep740", json.dumps(r.pep740()).encode(), None, r.filename, r.sha256, r.entry.evidence)
            for r in rebuilt
        ]
        good: dict[tuple[str, str], list[Attestation]] = defaultdict(list)
        bad: dict[tuple[str, str], list[Attestation]] = defaultdict(list)
        for one, attestation in zip(rebuilt, evaluate_many(self.root, jobs), strict=True):
            holds = attestation.verification.status is VerificationStatus.VALID
            sound = holds and self.records[one.entry.uuid].verified
            (good if sound else bad)[one.filename, one.sha256].append(replace(attestation, recovered=True))
        return {k: _oldest_first(v) for k, v in good.items()}, {k: _oldest_first(v) for k, v in bad.items()}

    def _attribute(self, good: Mapping[tuple[str, str], tuple[Attestation, ...]]) -> tuple[NamedFile, ...]:
        """Return files for loose digests of which a statement of the project's own names one."""
        loose = {t.digest for t in self._targets() if t.why == "loose"}
        sources = {sha256: ids for sha256, _, ids in self.supplements.loose_hashes}
        files = []
        for (filename, sha256), attestations in sorted(good.items()):
            version = self._version_of(filename)
            own = [a for a in attestations if self._is_own(a.identity)]
            if sha256 in loose and own and version:
                evidence = (*sources.get(sha256, ()), *(i for a in own for i in a.evidence))
                files.append(NamedFile(filename, version, sha256, evidence=tuple(dict.fromkeys(evidence))))
        return tuple(files)

    def _is_own(self, identity: Identity | None) -> bool:
        """Whether a known repository of the project signed; where none is known, anybody's statement is taken."""
        return identity is not None and (not self.repositories or _repository(identity) in self.repositories)

    def _outcome(
        self,
        target: Target,
        good: Mapping[tuple[str, str], tuple[Attestation, ...]],
        bad: Mapping[tuple[str, str], tuple[Attestation, ...]],
    ) -> Outcome[tuple[Attestation, ...]]:
        """What the log says about one named file."""
        pair = (str(target.filename), target.digest)
        uploaded = self._uploaded(*pair)
        counted = tuple(a for a in good.get(pair, ()) if self._is_own(a.identity) or _was_before(a, uploaded))
        found = self.answers.found[target.digest]
        if counted:
            return Checked(counted, tuple(dict.fromkeys((*found.evidence, *(i for a in counted for i in a.evidence)))))
        if isinstance(found, NotChecked):
            return found
        if pair in bad:
            return _unsound(bad[pair])
        if found.value.missed:
            return found.value.missed[0]
        return self._nothing_of_theirs(target, found, good.get(pair, ()))

    def _nothing_of_theirs(
        self, target: Target, found: Checked[Found], strangers: tuple[Attestation, ...]
    ) -> Outcome[tuple[Attestation, ...]]:
        evidence = (*found.evidence, *(i for entry in found.value.entries for i in entry.evidence))
        signed = [e for e in found.value.entries if e.raw.kind != "hashedrekord"]
        if len(signed) > len(strangers):
            reason = (
                f"the log holds {_entries(len(signed))} for its digest, but no publish statement fits: another "
                "predicate or another file name; that is no sign of tampering"
            )
            return NotChecked(reason, "the statement itself", evidence)
        controls = self.answers.plan.controls.get(target.version or "", ())
        outcomes = [self.answers.controls[c.digest] for c in controls]
        names = " and ".join(c.version for c in controls)
        if len(controls) < CONTROLS:
            reason = "no entry was found for its digest, but too few attested neighbours are known to test the search"
            return NotChecked(reason, "log with positive control", evidence)
        if not all(isinstance(o, Checked) and o.value for o in outcomes):
            reason = f"no entry was found for its digest, nor were those of {names}, which are there"
            return NotChecked(reason, "log with positive control", evidence)
        caveat = f"a best-effort search found no entry for its digest; in the same run it found those of {names}"
        if strangers:
            caveat = f"only strangers signed a statement about it, after its upload; the search found those of {names}"
        ids = (*evidence, *(i for o in outcomes for i in o.evidence))
        return Checked((), tuple(dict.fromkeys(ids)), caveat)

    def _uploaded(self, filename: str, sha256: str) -> datetime | None:
        files = [f for f in self.supplements.files if (f.filename, f.digest) == (filename, sha256)]
        times = [f.uploaded_at for f in files if f.uploaded_at]
        times += [f.uploaded_at for f in self.index_files if f.filename == filename and f.uploaded_at]
        return min(times, default=None)

    def _why_not(self, sha256: str) -> str:
        found = self.answers.found[sha256]
        if isinstance(found, NotChecked):
            return found.reason
        count = len(found.value.entries)
        return f"{_entries(count)} found for it, none of a likely file" if count else "no entry was found for it"

    def _records(self, found: Outcome[Found]) -> tuple[LogRecord, ...]:
        return tuple(self.records[e.uuid] for e in found.value.entries) if isinstance(found, Checked) else ()

    def _log_only(
        self, good: Mapping[tuple[str, str], tuple[Attestation, ...]], attributed: tuple[NamedFile, ...]
    ) -> Iterable[LogOnly]:
        """Entries by the project's own signers whose run belongs to no listed and no named release, oldest first."""
        runs, accounted = set(self.runs), set(self.answers.plan.known)
        names: dict[int, tuple[str, str | None]] = {}
        fresh = {(f.filename, f.sha256) for f in attributed if f.version not in self.named}
        for pair, attestations in good.items():
            for a in attestations:
                assert a.log_entry is not None
                if pair in fresh:
                    names[a.log_entry.index] = (pair[0], self._version_of(pair[0]))
                elif self._is_own(a.identity) and (run := _run(a.identity)):
                    runs.add(run)
        about = {index: f"{words} ({source})" for index, words, source, _ in self.supplements.log_indices}
        about |= {self.entries[e[-64:]].raw.index: f"{w} ({s})" for e, w, s, _ in self._found_ids()}
        leads = {*self.answers.indices, *about}
        for record in sorted(self.records.values(), key=lambda r: r.index):
            own = record.signer is not None and self._is_own(record.signer)
            wanted = record.index in names or record.index in leads or record.uuid in self._by_subject()
            if own and wanted and record.uuid not in accounted and (_run(record.signer) or "") not in runs:
                filename, version = names.get(record.index, (None, None))
                yield LogOnly(record, filename, version, about.get(record.index, ""), record.evidence)

    def _found_ids(self) -> list[tuple[str, str, str, tuple[str, ...]]]:
        """The entries that supplements name by id and that the log has."""
        return [lead for lead in self.supplements.log_ids if lead[0][-64:] in self.entries]

    def _by_subject(self) -> set[str]:
        answers = [o.value for o in self.answers.subjects.values() if isinstance(o, Checked)]
        return {entry.uuid for found in answers for entry in found.entries}

    def _not_checked(self, unattributed: tuple[tuple[str, str], ...]) -> Iterable[tuple[str, NotChecked]]:
        leads = [(f"log entry {index}", "at this index", answer) for index, answer in self.answers.indices.items()]
        leads += [(f"log entry {entry}", "of this id", answer) for entry, answer in self.answers.ids.items()]
        for entry, where, answer in leads:
            if isinstance(answer, NotChecked):
                yield entry, answer
            elif answer.value is None:
                yield entry, NotChecked(f"the log has no entry {where}", "log", answer.evidence)
            elif not self.records[answer.value.uuid].verified:
                yield entry, _unverified(self.records[answer.value.uuid])
        for sha256, why in unattributed:
            sources = " and ".join(dict.fromkeys(s for h, s, _ in self.supplements.loose_hashes if h == sha256))
            ids = tuple(i for h, _, some in self.supplements.loose_hashes if h == sha256 for i in some)
            reason = f"{sources} names it without a file; {why}, so which file it is is not known"
            yield f"digest {sha256}", NotChecked(reason, "log or an export", ids)
        supported = self.answers.subjects_supported
        if isinstance(supported, NotChecked):
            yield "log-only releases", supported
        elif not supported.value:
            reason = "this log does not search by signer, so runs that nobody names are not found"
            yield "log-only releases", NotChecked(reason, "rekor 1.5.4 or newer, or an export", supported.evidence)
        for outcome in self.answers.subjects.values():
            for missed in [outcome] if isinstance(outcome, NotChecked) else outcome.value.missed:
                yield "log-only releases", missed


def _all_entries(answers: LogAnswers) -> Iterable[LoggedEntry]:
    for outcome in (*answers.found.values(), *answers.subjects.values()):
        if isinstance(outcome, Checked):
            yield from outcome.value.entries
    for single in (*answers.indices.values(), *answers.ids.values()):
        if isinstance(single, Checked) and single.value is not None:
            yield single.value


def _repository(identity: Identity) -> str | None:
    return identity.source_repository_identifier or identity.repository or identity.subject_alternative_name


def _run(identity: Identity | None) -> str | None:
    """The run without its attempt: a second attempt is the same run."""
    uri = identity.run_invocation_uri if identity else None
    return uri.partition("/attempts/")[0] if uri else None


def _was_before(attestation: Attestation, uploaded: datetime | None) -> bool:
    at = attestation.signed_at
    return uploaded is not None and at is not None and at <= uploaded


def _oldest_first(attestations: list[Attestation]) -> tuple[Attestation, ...]:
    """One statement may be logged more than once; it is dated by its first entry."""
    return tuple(sorted(attestations, key=lambda a: (str(a.signed_at), a.log_entry.index if a.log_entry else 0)))


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _unsound(attestations: tuple[Attestation, ...]) -> NotChecked:
    first = attestations[0]
    names = ", ".join(check.name for check in first.verification.failed()) or "keys that the trust root does not know"
    return NotChecked(f"the log's answer for it does not verify: {names}", "log", first.evidence)


def _unverified(record: LogRecord) -> NotChecked:
    names = ", ".join(check.name for check in record.failed()) or "keys that the trust root does not know"
    return NotChecked(f"the log's answer does not verify: {names}", "log", record.evidence)

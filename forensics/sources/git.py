"""Git as a witness: asked by the `git` program when a case is collected, read from the case ever after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forensics.attestation.certificate import identity_of
from forensics.attestation.entry import read_body
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import BadAnswer, EvidenceError
from forensics.model.source import Commit
from forensics.sources import git_record as r
from forensics.sources.git_facts import Repository
from forensics.sources.git_read import Trees, read_bumps, read_listing, read_log, read_refs
from forensics.sources.git_record import Records
from forensics.sources.git_url import Home, attested_commits, home_of
from forensics.sources.git_workflows import read_workflows
from forensics.sources.interface import Witness
from forensics.sources.workflow_lint import read_risks

if TYPE_CHECKING:
    from forensics.sources.git_collect import Collector
    from forensics.sources.rekor_gather import LogAnswers

Tick = Callable[[int, int], None]


@dataclass(slots=True)
class GitWitness:
    """Reads a repository from the archive; with a *collector*, asks first what is not there yet.

    *named* is the repository that the user names, a URL or an absolute path; it is asked in place of any other.
    """

    records: Records
    collector: Collector | None = None
    named: str | None = None

    async def ask(self, home: Outcome[Home], witness: Witness, tick: Tick | None = None) -> Outcome[Repository]:
        """Return what the repository of *home* says, or why nothing is known of it.

        From a case, the repository that was asked is the one that is read, whoever would be asked today.
        """
        named = self.named
        if named is None and self.records.fresh_after is None:  # going on with a case: the same one as before
            named = next(reversed(self.records.urls()), None)
        if named is not None:
            home = Checked(_at(named, home))
        if self.collector is not None and isinstance(home, Checked):
            await self.collector.collect(home.value, tick)
        asked = self.records.urls()
        if not asked:
            reason = "the repository was not asked when the case was collected"
            return home if isinstance(home, NotChecked) else NotChecked(reason, "git")
        return _read(self.records, _at(asked[-1], home), witness)

    async def ask_more(self, known: Checked[Repository], commits: tuple[str, ...]) -> Outcome[Repository]:
        """Return the repository with what it says about further attested commits, asked for if no ref leads to them."""
        old = known.value
        commits = tuple(sha for sha in commits if sha not in old.asked)
        if isinstance(old.commits, NotChecked) or all(sha in old.commits.value for sha in commits):
            return known
        every = tuple(dict.fromkeys((*commits, *old.wanted)))
        home = Home(old.url, old.named_by, old.ids, old.names, every, old.workflow_paths)
        if self.collector is not None:
            await self.collector.collect(home)
        return _read(self.records, home, Witness("git"))


def _at(url: str, home: Outcome[Home]) -> Home:
    """Return *home* asked for at *url*; where that is another place than it names, the user named it."""
    if isinstance(home, NotChecked):
        return Home(url, "the user")
    return home.value if home.value.url == url else replace(home.value, url=url, named_by="the user")


def commits_in_log(answers: LogAnswers) -> tuple[str, ...]:
    """Return the commits that certificates in entries of the log attest."""
    found = [outcome.value for outcome in answers.found.values() if isinstance(outcome, Checked)]
    entries = [entry for one in found for entry in one.entries]
    entries += [o.value for o in answers.indices.values() if isinstance(o, Checked) and o.value is not None]
    identities = []
    for entry in entries:
        try:
            certificate = read_body(entry.raw).certificate
            identities += [identity_of(certificate)] if certificate else []
        except EvidenceError:
            continue
    return attested_commits(identities)


def _read(records: Records, home: Home, witness: Witness) -> Outcome[Repository]:
    """Return the repository as recorded; every answer is counted, and the first failure remembered."""
    url = home.url

    def take(method: str) -> Outcome[bytes]:
        outcome = records.read(method, url)
        witness.asked += 1
        if isinstance(outcome, NotChecked):
            return witness.miss(outcome.reason, outcome.needs, outcome.evidence)
        witness.answered += 1
        return outcome

    listed = take(r.REFS)
    if isinstance(listed, NotChecked):
        return listed
    fetched = take(r.FETCH)
    if isinstance(fetched, NotChecked):
        return fetched
    listing, refs = read_listing(listed.value), read_refs(fetched.value)
    log, packed, bumps = take(r.LOG), take(r.TREES), take(r.BUMPS)
    head = listing.get("HEAD")
    branch = head.symbolic.removeprefix("refs/heads/") if head and head.symbolic else None
    pulls = [name for name in listing if name.startswith(("refs/pull/", "refs/merge-requests/"))]
    commits: Outcome[Mapping[str, Commit]]
    commits = log if isinstance(log, NotChecked) else Checked(read_log(log.value), log.evidence)
    asked = _asked(records, home)
    files = records.read(r.WORKFLOWS, url)
    workflows = {} if isinstance(files, NotChecked) else read_workflows(files.value)
    repository = Repository(
        url=url,
        named_by=home.named_by,
        ids=home.ids,
        names=home.names or frozenset({"/".join(url.rstrip("/").split("/")[-2:]).lower()}),
        default_branch=branch,
        refs={name: ref for name, ref in refs.items() if not name.startswith("refs/attested/")},
        commits=commits,
        trees=_trees(packed, witness),
        bumps={} if isinstance(bumps, NotChecked) else read_bumps(bumps.value),
        asked=asked,
        evidence=(*listed.evidence, *fetched.evidence),
        log_evidence=tuple(i for one in (log, bumps) for i in one.evidence),
        collected_at=records.at(r.REFS, url),
        unasked_pulls=sum(name not in refs for name in pulls) if asked else 0,
        wanted=home.commits,
        workflows=workflows,
        workflow_paths=home.workflows,
        risks={blob: read_risks(records, url, blob) for blob in sorted(workflows)},
    )
    return Checked(repository, repository.evidence)


def _asked(records: Records, home: Home) -> dict[str, Outcome[bool]]:
    """Return of each attested commit that was asked for by id whether it was given out."""
    found: dict[str, Outcome[bool]] = {}
    for sha in home.commits:
        if records.was_asked(r.COMMIT, home.url, sha.encode()):
            outcome = records.read(r.COMMIT, home.url, sha.encode())
            found[sha] = outcome if isinstance(outcome, NotChecked) else Checked(
                not outcome.caveat, outcome.evidence
            )  # fmt: skip
    return found


def _trees(packed: Outcome[bytes], witness: Witness) -> Outcome[Trees]:
    if isinstance(packed, NotChecked):
        return packed
    try:
        return Checked(Trees(packed.value), packed.evidence)
    except BadAnswer as error:
        return witness.miss(error.what, "git", packed.evidence)


__all__ = ["GitWitness", "Repository", "commits_in_log", "home_of"]

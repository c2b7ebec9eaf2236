"""From the repository's answers to facts about each release: its tag, its commit, from where that can be reached."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.identity import Identity
from forensics.model.project import Project
from forensics.model.release import Release
from forensics.model.source import (
    NOT_LINTED,
    Commit,
    Reachability,
    SourceFacts,
    SourceHistory,
    SourceTree,
    WorkflowRisks,
)
from forensics.model.versions import PEP440, SEMVER, VersionRules, rules_of
from forensics.sources.git_read import Ref, Trees, version_in_subject
from forensics.sources.git_workflows import GITHUB

SHAPE_SHARE = 0.25
"""A way of naming tags counts when it fits this share of the versions that the commonest one fits."""
_NUMBER = re.compile(r"(?<![0-9A-Za-z])v?\d+(?:[._]\d+)*(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|dev|post)[-_.]?\d*)*", re.I)
_SEMVER = re.compile(r"(?<![0-9A-Za-z.])v?\d+\.\d+\.\d+(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
_ORDER = list(Reachability)


@dataclass(frozen=True, slots=True)
class Repository:
    """Everything that was recorded about one repository, parsed.

    `wanted` are the attested commits; `asked` says of those that no ref leads to whether they were given out.
    `evidence` are the observations of the listing and the transfer, `log_evidence` those of what was read from it.
    `workflows` are the workflow files that were kept and `risks` what static analysis found in each, by blob id.
    """

    url: str
    named_by: str
    ids: frozenset[str]
    names: frozenset[str]
    default_branch: str | None
    refs: Mapping[str, Ref]
    commits: Outcome[Mapping[str, Commit]]
    trees: Outcome[Trees]
    bumps: Mapping[str, list[str]]
    asked: Mapping[str, Outcome[bool]]
    evidence: tuple[str, ...]
    log_evidence: tuple[str, ...] = ()
    collected_at: datetime | None = None
    unasked_pulls: int = 0
    wanted: tuple[str, ...] = ()
    workflows: Mapping[str, bytes] = field(default_factory=dict)
    workflow_paths: frozenset[str] = frozenset()
    risks: Mapping[str, Outcome[WorkflowRisks]] = field(default_factory=dict)


def source_history(repository: Outcome[Repository]) -> Outcome[SourceHistory]:
    """Return the repository as the history of a project keeps it, or why there is none."""
    if isinstance(repository, NotChecked):
        return repository
    known = repository.value
    if isinstance(known.commits, NotChecked):
        return known.commits
    evidence = (*known.evidence, *known.commits.evidence)
    return Checked(
        SourceHistory(known.url, known.named_by, known.default_branch, known.commits.value, evidence, known.workflows),
        evidence,
    )


def with_sources(releases: Sequence[Release], repository: Outcome[Repository], project: Project) -> tuple[Release, ...]:
    """Return *releases*, each with what the repository holds for it, or with why that is not known."""
    if isinstance(repository, NotChecked):
        return tuple(replace(release, source=repository) for release in releases)
    finder = FactFinder(
        repository.value, project.name, [release.version for release in releases], rules_of(project.ecosystem)
    )
    evidence = repository.value.evidence
    return tuple(
        replace(release, source=Checked(finder.facts(release.version, release.identities), evidence))
        for release in releases
    )


@dataclass(slots=True)
class FactFinder:
    """Answers about one release after another; the walk over the commits is done once."""

    repository: Repository
    project: str
    versions: Iterable[str]
    rules: VersionRules = PEP440
    _places: dict[str, tuple[Reachability, str]] = field(init=False)
    _tags: dict[str, Ref] = field(init=False)
    _bumps: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._places = _places(self.repository)
        self._tags = tags_by_version(self.repository.refs, self.versions, self.project, self.rules)
        self._bumps = self._bumps_by_version()

    def facts(self, version: str, identities: tuple[Identity, ...]) -> SourceFacts:
        """Return what the repository holds for *version*, signed by *identities*."""
        repository = self.repository
        key = self.rules.canonical(version)
        tag, bump = self._tags.get(key), self._bumps.get(key)
        attested = [i for i in identities if i.commit]
        ours = [i for i in attested if self._is_ours(i)]
        identity = max(ours, key=lambda i: _ORDER.index(self._where(i.commit or "")), default=None)
        commit = (identity.commit or "").lower() if identity else None
        if commit is None and not attested and tag is not None:
            commit = tag.sha
        place = self._places.get(commit or "")
        commits = repository.commits.value if isinstance(repository.commits, Checked) else {}
        own = commits.get(commit or "")
        workflow = self._workflow(identity)
        return SourceFacts(
            tag=tag.name.removeprefix("refs/tags/") if tag else None,
            tag_commit=tag.sha if tag else None,
            tagged_at=tag.tagged_at if tag else None,
            bump=bump,
            commit=commit,
            reachability=self._reachability(commit, elsewhere=bool(attested) and not ours),
            tree=self._tree(commit or bump),
            workflow_blob=workflow,
            evidence=self._evidence(commit),
            ref=place[1] if place else None,
            committed_at=own.committed if own else None,
            subject=own.subject if own else "",
            default_branch=repository.default_branch,
            collected_at=repository.collected_at,
            attested=bool(attested),
            workflow_risks=self._risks(identity, workflow),
        )

    def _is_ours(self, identity: Identity) -> bool:
        """Whether *identity* was built from the repository that was collected; by id where both have one."""
        known = identity.source_repository_identifier
        if known and self.repository.ids:
            return known in self.repository.ids
        return not identity.repository or identity.repository.lower() in self.repository.names

    def _where(self, sha: str) -> Reachability:
        place = self._places.get(sha.lower())
        return place[0] if place else Reachability.MISSING

    def _reachability(self, commit: str | None, *, elsewhere: bool) -> Outcome[Reachability]:
        repository = self.repository
        if elsewhere:
            reason = "it was built from another repository than the one collected"
            return NotChecked(reason, "git", repository.evidence)
        if commit is None:
            return NotChecked("no certificate and no tag names its commit", "certificate or git", repository.evidence)
        if isinstance(repository.commits, NotChecked):
            return repository.commits
        evidence = (*repository.evidence, *repository.commits.evidence)
        place = self._places.get(commit)
        asked = repository.asked.get(commit)
        caveat = ""
        if place is None or place[0] is Reachability.UNREFERENCED:
            if isinstance(asked, NotChecked):
                return asked
            if asked is None and place is None:
                return NotChecked("its commit was not asked for when the repository was collected", "git", evidence)
            if repository.unasked_pulls:
                caveat = f"{repository.unasked_pulls} pull requests were not looked through"
        if isinstance(asked, Checked):
            evidence = (*evidence, *asked.evidence)
        return Checked(place[0] if place else Reachability.MISSING, evidence, caveat)

    def _tree(self, commit: str | None) -> Outcome[SourceTree]:
        trees = self.repository.trees
        if isinstance(trees, NotChecked):
            return trees
        tree = trees.value.get(commit) if commit else None
        if tree is None:
            what = "its commit is not known" if commit is None else "the files of its commit were not among those read"
            return NotChecked(what, "git", trees.evidence)
        return Checked(tree, trees.evidence)

    def _workflow(self, identity: Identity | None) -> Outcome[str | None]:
        if identity is None or identity.workflow is None:
            return NotChecked("no certificate names its workflow", "certificate")
        home = identity.workflow_repository
        if home and home.lower() not in self.repository.names:
            return NotChecked("its workflow lies in another repository", "git")
        tree = self._tree((identity.build_config_digest or identity.commit or "").lower() or None)
        if isinstance(tree, NotChecked):
            return tree
        blob = next((blob for path, _, blob in tree.value.files if path == identity.workflow), None)
        return Checked(blob, tree.evidence)

    def _risks(self, identity: Identity | None, blob: Outcome[str | None]) -> Outcome[WorkflowRisks]:
        """Return what static analysis finds in the workflow file *blob* that *identity* names."""
        if isinstance(blob, NotChecked):
            return blob
        if blob.value is None:
            return NotChecked(
                "its commit does not have the workflow file that the certificate names", "git", blob.evidence
            )
        if not (identity and identity.workflow and GITHUB.fullmatch(identity.workflow)):
            return NotChecked("only workflow files of GitHub Actions are examined", "another analyser", blob.evidence)
        return self.repository.risks.get(blob.value, NOT_LINTED)

    def _evidence(self, commit: str | None) -> tuple[str, ...]:
        asked = self.repository.asked.get(commit or "")
        return tuple(dict.fromkeys((*self.repository.evidence, *self.repository.log_evidence,
                                    *(asked.evidence if asked else ()))))  # fmt: skip

    def _bumps_by_version(self) -> dict[str, str]:
        """Return the earliest commit on a branch or tag that sets each version, by file or by message."""
        on_refs = {Reachability.DEFAULT_BRANCH, Reachability.BRANCH, Reachability.TAG}
        commits = self.repository.commits.value if isinstance(self.repository.commits, Checked) else {}
        found: dict[str, str] = {}
        for sha, commit in commits.items():
            said = version_in_subject(commit.subject)
            if said is not None and self._where(sha) in on_refs:
                found[self.rules.canonical(said)] = sha
        for written, shas in self.repository.bumps.items():
            known = [sha for sha in shas if self._where(sha) in on_refs]
            if known:
                found[self.rules.canonical(written)] = known[-1]
        return found


def _places(repository: Repository) -> dict[str, tuple[Reachability, str]]:
    """Return for each commit the best place it can be reached from, and one ref that leads there."""
    if isinstance(repository.commits, NotChecked):
        return {}
    commits, refs = repository.commits.value, repository.refs
    default = f"refs/heads/{repository.default_branch}" if repository.default_branch else ""
    found: dict[str, tuple[Reachability, str]] = {}
    for place, prefix in (
        (Reachability.DEFAULT_BRANCH, default),
        (Reachability.BRANCH, "refs/heads/"),
        (Reachability.TAG, "refs/tags/"),
        (Reachability.PULL_REQUEST, "refs/pull/"),
        (Reachability.PULL_REQUEST, "refs/merge-requests/"),
    ):
        for name in sorted(refs):
            if name != prefix if place is Reachability.DEFAULT_BRANCH else not name.startswith(prefix):
                continue
            waiting = [refs[name].sha]
            while waiting:
                sha = waiting.pop()
                if sha not in found and sha in commits:
                    found[sha] = (place, name)
                    waiting += commits[sha].parents
    for sha in commits:
        found.setdefault(sha, (Reachability.UNREFERENCED, ""))
    return found


def tags_by_version(
    refs: Mapping[str, Ref], versions: Iterable[str], project: str, rules: VersionRules = PEP440
) -> dict[str, Ref]:
    """Return the tag of each version, in canonical form. How tags are named is learnt from those that fit a version.

    A repository of several packages has tags of several shapes; only those count that fit this project's versions
    often, or that carry its name.
    """
    wanted = {rules.canonical(v) for v in versions}
    shaped: dict[str, dict[str, Ref]] = {}
    for name, ref in sorted(refs.items()):
        if name.startswith("refs/tags/"):
            for shape, version in _shapes(name.removeprefix("refs/tags/"), rules):
                shaped.setdefault(shape, {}).setdefault(version, ref)
    fits = Counter({shape: len(wanted & set(tags)) for shape, tags in shaped.items()})
    best = max(fits.values(), default=0)
    own = re.sub(r"[-_.]+", "-", project).lower().strip("-@/ ")

    def rank(shape: str) -> tuple[int, str]:
        return (-fits[shape], shape)

    chosen: dict[str, Ref] = {}
    for shape in sorted(shaped, key=rank):
        named = re.sub(r"[-_.]+", "-", shape.lower()).strip("-@/ ").startswith(own)
        if fits[shape] and (fits[shape] >= SHAPE_SHARE * best or named):
            for version, ref in shaped[shape].items():
                chosen.setdefault(version, ref)
    return chosen


def _shapes(tag: str, rules: VersionRules) -> Iterable[tuple[str, str]]:
    """Yield how *tag* could be read: what stands around a number in it, and that number as a version."""
    for match in (_SEMVER if rules is SEMVER else _NUMBER).finditer(tag[:200]):
        around = tag[: match.start()].lower() + "{}" + tag[match.end() :].lower()
        number = match.group().removeprefix("v") if rules is SEMVER else match.group().lower().removeprefix("v")
        version = number if "." in number else number.replace("_", ".")
        if rules.parse(version) is not None:
            yield around, rules.canonical(version)

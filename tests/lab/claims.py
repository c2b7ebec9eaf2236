"""Certificate claims of a run of GitHub Actions or GitLab CI, as Fulcio writes them into extensions .1 to .24.

Follows the extension table of Fulcio's ``oid-info.md``: .1 to .6 hold raw bytes, .8 to .24 DER UTF8Strings;
an extension is absent when its claim is empty. A run is GitLab's when its issuer is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from tests.lab.scenario import IdentityChange, Scenario

GITLAB = "https://gitlab.com"
"""The issuer of GitLab's tokens, which is the host of its projects, too."""

ENVIRONMENT_SINCE = datetime(2025, 11, 4, tzinfo=UTC)
"""Fulcio writes the deployment environment (.23) into certificates from here on."""

TOKEN_SUBJECT_SINCE = datetime(2026, 3, 31, tzinfo=UTC)
"""Fulcio writes the token subject (.24) into certificates from here on."""


@dataclass(frozen=True)
class Claims:
    """The token of one CI run. ``signer`` is job_workflow_ref's path, ``config`` is workflow_ref's."""

    issuer: str
    repository: str
    repository_id: int
    owner_id: int
    signer: str
    config: str
    ref: str
    trigger: str
    runner: str
    environment: str
    visibility: str
    commit: str
    run_id: int
    attempt: int
    log: str

    @property
    def gitlab(self) -> bool:
        """Whether GitLab CI ran it."""
        return self.issuer == GITLAB

    @property
    def slug(self) -> str:
        """``owner/name`` of the repository; on GitLab the whole path, groups within groups included."""
        parts = self.repository.rstrip("/").split("/")
        return "/".join(parts[3:] if self.gitlab else parts[-2:])

    @property
    def san(self) -> str:
        """The certificate's subject: the workflow that held the token, at its ref."""
        return self._at_ref(self.signer)

    @property
    def config_uri(self) -> str:
        """The top-level workflow, at its ref."""
        return self._at_ref(self.config)

    def _at_ref(self, path: str) -> str:
        """A file of the repository; GitLab sets it off with two slashes, since groups nest."""
        return f"{self.repository}{'//' if self.gitlab else '/'}{path}@{self.ref}"

    @property
    def run(self) -> str:
        """Where the run is seen: an attempt of GitHub's, a job of GitLab's."""
        if self.gitlab:
            return f"{self.repository}/-/jobs/{self.run_id}"
        return f"{self.repository}/actions/runs/{self.run_id}/attempts/{self.attempt}"

    @property
    def subject(self) -> str:
        """The token's ``sub``: by environment where there is one, else by ref; GitLab's always by ref."""
        if self.gitlab:
            kind = "tag" if self.ref.startswith("refs/tags/") else "branch"
            name = self.ref.removeprefix("refs/tags/").removeprefix("refs/heads/")
            return f"project_path:{self.slug}:ref_type:{kind}:ref:{name}"
        tail = f"environment:{self.environment}" if self.environment else f"ref:{self.ref}"
        return f"repo:{self.slug}:{tail}"

    @property
    def workflow_name(self) -> str:
        """The display name of the top-level workflow."""
        return PurePosixPath(self.config).stem.strip("_").replace("_", " ").replace("-", " ").capitalize()

    def extensions(self, not_before: datetime) -> dict[int, str]:
        """Extension number to value, for a certificate that starts at ``not_before``."""
        github = {2: self.trigger, 3: self.commit, 4: self.workflow_name, 5: self.slug, 6: self.ref}
        values = {
            1: self.issuer,
            **({} if self.gitlab else github),
            8: self.issuer,
            9: self.san,
            10: self.commit,
            11: self.runner,
            12: self.repository,
            13: self.commit,
            14: self.ref,
            15: str(self.repository_id),
            16: self.repository.rpartition("/")[0],
            17: str(self.owner_id),
            18: self.config_uri,
            19: self.commit,
            20: self.trigger,
            21: self.run,
            22: self.visibility,
        }
        if not_before >= ENVIRONMENT_SINCE:
            values[23] = self.environment
        if not_before >= TOKEN_SUBJECT_SINCE:
            values[24] = self.subject
        return {number: value for number, value in values.items() if value}


def claims_for(
    scenario: Scenario, change: IdentityChange, *, version: str, commit: str, run_id: int, attempt: int
) -> Claims:
    """The claims of a release: ``[identity]`` with the release's changes.

    A changed workflow whose file name starts with an underscore is taken as a reusable workflow (that is how
    projects name them): it holds the token (.9, SAN), called from the ordinary workflow (.18). Any other changed
    workflow is a top-level one and stands in both.
    """
    identity, home = scenario.identity, scenario.repository
    tag = home.tag_pattern.replace("{version}", version) or version
    signer = change.workflow or identity.workflow
    issuer = change.issuer or identity.issuer
    runner = change.runner or identity.runner
    reusable = PurePosixPath(signer).name.startswith("_") and signer != identity.workflow
    return Claims(
        issuer=issuer,
        repository=(change.repository or home.url).rstrip("/"),
        repository_id=home.id if change.repository_id is None else change.repository_id,
        owner_id=home.owner_id if change.owner_id is None else change.owner_id,
        signer=signer,
        config=identity.workflow if reusable else signer,
        ref=(change.ref or identity.ref).replace("{tag}", tag).replace("{version}", version),
        trigger=change.trigger or identity.trigger,
        runner="gitlab-hosted" if issuer == GITLAB and runner == "github-hosted" else runner,
        environment=identity.environment if change.environment is None else change.environment,
        visibility=home.visibility,
        commit=commit,
        run_id=run_id,
        attempt=attempt,
        log=change.log or identity.log,
    )

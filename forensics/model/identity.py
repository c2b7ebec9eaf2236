"""Who signed: the claims of a Fulcio certificate, by the names of Fulcio's specification.

Source: sigstore/fulcio docs/oid-info.md. The numbers live in one table, `forensics.model.claims`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum


class RefClass(StrEnum):
    """What kind of git ref a build ran on."""

    TAG = "tag"
    BRANCH = "branch"
    PULL_REQUEST = "pull request"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Identity:
    """Claims of one signing certificate. None where the certificate does not carry the claim."""

    subject_alternative_name: str | None = None
    username: str | None = None
    issuer: str | None = None
    issuer_v1: str | None = None
    github_workflow_trigger: str | None = None
    github_workflow_sha: str | None = None
    github_workflow_name: str | None = None
    github_workflow_repository: str | None = None
    github_workflow_ref: str | None = None
    build_signer_uri: str | None = None
    build_signer_digest: str | None = None
    runner_environment: str | None = None
    source_repository_uri: str | None = None
    source_repository_digest: str | None = None
    source_repository_ref: str | None = None
    source_repository_identifier: str | None = None
    source_repository_owner_uri: str | None = None
    source_repository_owner_identifier: str | None = None
    build_config_uri: str | None = None
    build_config_digest: str | None = None
    build_trigger: str | None = None
    run_invocation_uri: str | None = None
    source_repository_visibility_at_signing: str | None = None
    deployment_environment: str | None = None
    token_subject: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    sct_time: datetime | None = None
    unknown_claims: tuple[tuple[str, str], ...] = ()

    def claims(self) -> dict[str, str]:
        """Return the claims that are there, by name, in the order of the specification; times left out."""
        return {field.name: value for field in fields(self) if isinstance(value := getattr(self, field.name), str)}

    @property
    def oidc_issuer(self) -> str | None:
        """The token issuer: the DER-encoded claim, or the deprecated raw one of older certificates."""
        return self.issuer or self.issuer_v1

    @property
    def repository(self) -> str | None:
        """The source repository as `owner/name`, without host."""
        uri = self.source_repository_uri
        if uri is None:
            return self.github_workflow_repository
        path = re.sub(r"^[a-z+]+://", "", uri).partition("/")[2]
        return path or uri

    @property
    def workflow(self) -> str | None:
        """The path of the top-level workflow file inside its repository, without host and ref."""
        return _path_in_repository(self.build_config_uri or self.build_signer_uri or self._uri_name())

    @property
    def workflow_repository(self) -> str | None:
        """The repository that holds the top-level workflow file, as `owner/name`."""
        return _repository_of_path(self.build_config_uri or self.build_signer_uri or self._uri_name())

    @property
    def signer_workflow(self) -> str | None:
        """The path of the workflow that signed: the called one where a reusable workflow does the signing.

        With `owner/name/` before it where that file lives in another repository than the source.
        """
        uri = self.build_signer_uri or self._uri_name()
        path, home = _path_in_repository(uri), _repository_of_path(uri)
        if path is None or home is None or self.repository is None or home.lower() == self.repository.lower():
            return path
        return f"{home}/{path}"

    @property
    def commit(self) -> str | None:
        """The source commit that the build claims, a git object name in hex."""
        return self.source_repository_digest or self.github_workflow_sha

    @property
    def ref(self) -> str | None:
        """The git ref that the build ran on."""
        return self.source_repository_ref or self.github_workflow_ref

    @property
    def ref_class(self) -> RefClass | None:
        """The kind of that ref."""
        ref = self.ref
        if ref is None:
            return None
        for prefix, kind in (
            ("refs/tags/", RefClass.TAG),
            ("refs/heads/", RefClass.BRANCH),
            ("refs/pull/", RefClass.PULL_REQUEST),
            ("refs/merge-requests/", RefClass.PULL_REQUEST),
        ):
            if ref.startswith(prefix):
                return kind
        return RefClass.OTHER

    @property
    def trigger(self) -> str | None:
        """What started the build: `push`, `release`, `workflow_dispatch`, …"""
        return self.build_trigger or self.github_workflow_trigger

    @property
    def run_id(self) -> str | None:
        """The number of the CI run, from the run invocation URI."""
        match = re.search(r"/actions/runs/(\d+)|/-/jobs/(\d+)", self.run_invocation_uri or "")
        return next(filter(None, match.groups()), None) if match else None

    @property
    def run_attempt(self) -> int | None:
        """The attempt of the CI run; None where the URI does not carry one."""
        match = re.search(r"/attempts/(\d{1,6})$", self.run_invocation_uri or "")
        return int(match.group(1)) if match else None

    @property
    def key(self) -> tuple[str | None, str | None, str | None, str | None]:
        """What stays the same while nothing moved: issuer, repository id, owner id, workflow path. Ids before names."""
        return (
            self.oidc_issuer,
            self.source_repository_identifier
            or self.source_repository_uri
            or self.repository
            or self.subject_alternative_name,
            self.source_repository_owner_identifier or self.source_repository_owner_uri,
            self.workflow,
        )

    def _uri_name(self) -> str | None:
        name = self.subject_alternative_name
        return name if name and "://" in name else None


def _split_config(uri: str | None) -> tuple[str, str] | None:
    """Split `https://host/owner/name[//]path@ref` into repository and path; None for what is not of that shape."""
    if uri is None:
        return None
    body = re.sub(r"^[a-z+]+://[^/]+/", "", uri).partition("@")[0]
    if "//" in body:  # GitLab: group/project//path
        repository, _, path = body.partition("//")
        return repository, path
    parts = body.split("/", 2)
    return ("/".join(parts[:2]), parts[2]) if len(parts) == 3 else None


def _path_in_repository(uri: str | None) -> str | None:
    split = _split_config(uri)
    return split[1] if split else None


def _repository_of_path(uri: str | None) -> str | None:
    split = _split_config(uri)
    return split[0] if split else None

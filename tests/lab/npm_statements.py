"""The statements that npm publishes about a version, as bytes.

Source: npm/attestation `specs/publish/v0.1`; the provenance that `libnpmpublish` writes, of in-toto Statement v0.1 with
SLSA v0.2 and, later, Statement v1 with SLSA v1. Key order and spacing are theirs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.lab.claims import Claims

PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
SLSA_V02 = "https://slsa.dev/provenance/v0.2"
SLSA_V1 = "https://slsa.dev/provenance/v1"
REGISTRY = "https://registry.lab.example"
"""What a publish attestation names as its registry: the lab's, whatever the port it is served at."""


def purl(name: str, version: str) -> str:
    """The package URL that statements have as their subject."""
    return f"pkg:npm/{name.replace('@', '%40')}@{version}"


def publish_statement(name: str, version: str, sha512: str) -> bytes:
    """That the registry accepted the version."""
    predicate = {"name": name, "version": version, "registry": REGISTRY}
    return _statement("https://in-toto.io/Statement/v0.1", name, version, sha512, PUBLISH, predicate)


def provenance_v02(name: str, version: str, sha512: str, claims: Claims) -> bytes:
    """How the version was built, as npm wrote it at first."""
    source = f"git+{claims.repository}@{claims.ref}"
    digest = {"sha1": claims.commit}
    predicate = {
        "buildType": "https://github.com/npm/cli/gha/v2",
        "builder": {"id": "https://github.com/actions/runner"},
        "invocation": {
            "configSource": {"uri": source, "digest": digest, "entryPoint": claims.config},
            "parameters": {},
            "environment": {
                "GITHUB_EVENT_NAME": claims.trigger,
                "GITHUB_REF": claims.ref,
                "GITHUB_REPOSITORY": claims.slug,
                "GITHUB_REPOSITORY_ID": str(claims.repository_id),
                "GITHUB_REPOSITORY_OWNER_ID": str(claims.owner_id),
                "GITHUB_RUN_ATTEMPT": str(claims.attempt),
                "GITHUB_RUN_ID": str(claims.run_id),
                "GITHUB_SHA": claims.commit,
                "GITHUB_WORKFLOW_REF": f"{claims.slug}/{claims.config}@{claims.ref}",
                "GITHUB_WORKFLOW_SHA": claims.commit,
            },
        },
        "metadata": {
            "buildInvocationId": f"{claims.run_id}-{claims.attempt}",
            "completeness": {"parameters": False, "environment": False, "materials": False},
            "reproducible": False,
        },
        "materials": [{"uri": source, "digest": digest}],
    }
    return _statement("https://in-toto.io/Statement/v0.1", name, version, sha512, SLSA_V02, predicate)


def provenance_v1(name: str, version: str, sha512: str, claims: Claims) -> bytes:
    """How the version was built."""
    workflow = {"ref": claims.ref, "repository": claims.repository, "path": claims.config}
    runner = {
        "event_name": claims.trigger,
        "repository_id": str(claims.repository_id),
        "repository_owner_id": str(claims.owner_id),
    }
    run = f"{claims.repository}/actions/runs/{claims.run_id}/attempts/{claims.attempt}"
    predicate = {
        "buildDefinition": {
            "buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
            "externalParameters": {"workflow": workflow},
            "internalParameters": {"github": runner},
            "resolvedDependencies": [
                {"uri": f"git+{claims.repository}@{claims.ref}", "digest": {"gitCommit": claims.commit}}
            ],
        },
        "runDetails": {
            "builder": {"id": f"https://github.com/actions/runner/{claims.runner}"},
            "metadata": {"invocationId": run},
        },
    }
    return _statement("https://in-toto.io/Statement/v1", name, version, sha512, SLSA_V1, predicate)


def _statement(
    kind: str, name: str, version: str, sha512: str, predicate_type: str, predicate: Mapping[str, object]
) -> bytes:
    statement = {
        "_type": kind,
        "subject": [{"name": purl(name, version), "digest": {"sha512": sha512}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    return json.dumps(statement, separators=(",", ":"), ensure_ascii=False).encode()

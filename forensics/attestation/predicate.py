"""What a SLSA provenance predicate says about the build, and where the certificate says otherwise.

Sources: SLSA Provenance v0.2 and v1; npm's build types (`npm/cli` `libnpmpublish/lib/provenance.js`: `gha@v0`,
`gha/v2`, `gitlab/v0alpha1`); GitHub's workflow build type v1. Everything in a predicate is optional here, and a member
of another type is as if it were not there: predicates are written by whoever controls the job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from forensics.attestation.npm import npm_purl, same_purl
from forensics.attestation.statement import NPM_PUBLISH_PREFIX, SLSA_V02, SLSA_V1, Statement
from forensics.model.build import BuildFacts, Disagreement
from forensics.model.identity import Identity

MAX_PARAMETERS = 200
MAX_DEPENDENCIES = 200
_CERTIFICATE = "certificate"
_RUN = re.compile(r"/actions/runs/(\d{1,20})(?:/attempts/(\d{1,6}))?|/-/jobs/(\d{1,20})")
_INVOCATION = re.compile(r"(\d{1,20})-(\d{1,6})")
_RUNNERS = {"github-hosted", "self-hosted", "gitlab-hosted"}


def build_facts(statement: Statement) -> BuildFacts | None:
    """Return what the SLSA predicate of *statement* says; None for a predicate of another type or no object.

    Never raises: what is missing or of another type is None. Source: SLSA Provenance v0.2 and v1.
    """
    read = {SLSA_V02: _v02, SLSA_V1: _v1}.get(statement.predicate_type)
    if read is None or not isinstance(statement.predicate, Mapping):
        return None
    return read(statement.predicate)


def disagreements(
    statement: Statement, facts: BuildFacts | None, identity: Identity | None
) -> tuple[Disagreement, ...]:
    """Return each thing about which the predicate of *statement* and a better witness differ, in a fixed order.

    *facts* are those of the same statement. The better witness about a build is the signing certificate, the better
    witness about a published package the subject that was signed beside it. What either does not state is no
    disagreement.
    """
    if facts is not None and identity is not None:
        return tuple(_of_build(facts, identity))
    if statement.predicate_type.startswith(NPM_PUBLISH_PREFIX):
        return tuple(_of_publish(statement))
    return ()


def _of_build(facts: BuildFacts, identity: Identity) -> Iterator[Disagreement]:
    attempt = (facts.run_attempt, identity.run_attempt)
    pairs: list[tuple[str, str | None, str | None, Callable[[str], str]]] = [
        ("repository", facts.repository, identity.source_repository_uri or _github(identity), _repository),
        ("repository id", facts.repository_id, identity.source_repository_identifier, str),
        ("owner id", facts.owner_id, identity.source_repository_owner_identifier, str),
        ("ref", facts.ref, identity.ref, str),
        ("commit", facts.commit, identity.commit, str.lower),
        ("workflow", facts.workflow, identity.workflow, str),
        ("trigger", facts.trigger, identity.trigger, str),
        ("runner", facts.runner, identity.runner_environment, str),
        ("run", facts.run_id, identity.run_id, str),
        ("attempt", *(str(value) if value is not None else None for value in attempt), str),  # type: ignore[list-item]
    ]
    for about, stated, actual, same in pairs:
        if stated is not None and actual is not None and same(stated) != same(actual):
            yield Disagreement(about, stated, _CERTIFICATE, actual)


def _of_publish(statement: Statement) -> Iterator[Disagreement]:
    """npm's publish predicate repeats name and version of the subject. Source: npm's publish attestation v0.1."""
    name, version = _text(statement.predicate, "name"), _text(statement.predicate, "version")
    if name is None or version is None:
        return
    stated, subject = npm_purl(name, version), statement.subjects[0].name
    if not any(same_purl(stated, each.name) for each in statement.subjects):
        yield Disagreement("package", stated, "subject", subject)


def _v02(predicate: Mapping[str, Any]) -> BuildFacts:
    invocation = _section(predicate, "invocation")
    source, environment = _section(invocation, "configSource"), _section(invocation, "environment")
    uri, _, ref = (_text(source, "uri") or "").partition("@")
    entry = _text(source, "entryPoint")
    named = _text(_section(predicate, "metadata"), "buildInvocationId")
    run_id, attempt = _run(named)
    builder = _text(_section(predicate, "builder"), "id")
    return BuildFacts(
        predicate_type=SLSA_V02,
        builder=builder,
        build_type=_text(predicate, "buildType"),
        repository=_plain(uri) or None,
        repository_id=_text(environment, "GITHUB_REPOSITORY_ID"),
        owner_id=_text(environment, "GITHUB_REPOSITORY_OWNER_ID"),
        ref=ref or _text(environment, "GITHUB_REF"),
        workflow=_workflow(entry, uri) or _workflow(_text(environment, "GITHUB_WORKFLOW_REF"), uri),
        commit=_digest(source, ("sha1", "gitCommit")) or _text(environment, "GITHUB_SHA"),
        trigger=_text(environment, "GITHUB_EVENT_NAME"),
        runner=_runner(builder),
        invocation=named,
        run_id=run_id or _text(environment, "GITHUB_RUN_ID"),
        run_attempt=attempt if attempt is not None else _number(_text(environment, "GITHUB_RUN_ATTEMPT")),
        parameters=_flat(_section(invocation, "parameters")),
        dependencies=_dependencies(predicate.get("materials")),
    )


def _v1(predicate: Mapping[str, Any]) -> BuildFacts:
    definition, details = _section(predicate, "buildDefinition"), _section(predicate, "runDetails")
    external, internal = _section(definition, "externalParameters"), _section(definition, "internalParameters")
    workflow, github = _section(external, "workflow"), _section(internal, "github")
    named = _text(_section(details, "metadata"), "invocationId")
    run_id, attempt = _run(named)
    builder = _text(_section(details, "builder"), "id")
    repository, ref = _text(workflow, "repository"), _text(workflow, "ref")
    dependencies = definition.get("resolvedDependencies")
    return BuildFacts(
        predicate_type=SLSA_V1,
        builder=builder,
        build_type=_text(definition, "buildType"),
        repository=_plain(repository or "") or None,
        repository_id=_text(github, "repository_id"),
        owner_id=_text(github, "repository_owner_id"),
        ref=ref,
        workflow=_text(workflow, "path"),
        commit=_commit(dependencies, repository, ref),
        trigger=_text(github, "event_name"),
        runner=_text(github, "runner_environment") or _runner(builder),
        invocation=named,
        run_id=run_id,
        run_attempt=attempt,
        parameters=_flat(external),
        dependencies=_dependencies(dependencies),
    )


def _section(data: Any, name: str) -> Mapping[str, Any]:
    value = data.get(name) if isinstance(data, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text(data: Any, name: str) -> str | None:
    """The text under *name*; numbers are written as text, since builders write ids either way."""
    value = data.get(name) if isinstance(data, Mapping) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 1 << 63 else None
    return value if isinstance(value, str) and value else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def _digest(data: Any, names: tuple[str, ...]) -> str | None:
    digests = _section(data, "digest")
    return next((value for name in names if (value := _text(digests, name))), None)


def _repository(uri: str) -> str:
    """A repository's URL in one spelling: no `git+`, ref and `.git`, without regard to case, as the hosts have it."""
    return _plain(uri).removesuffix(".git").lower()


def _plain(uri: str) -> str:
    """A repository's URL as it is written, without `git+` and ref; refs of npm's monorepos hold further `@`."""
    return uri.removeprefix("git+").partition("@")[0].rstrip("/")


def _github(identity: Identity) -> str | None:
    name = identity.github_workflow_repository
    return f"https://github.com/{name}" if name else None


def _workflow(entry: str | None, uri: str) -> str | None:
    """The path of a workflow file in an entry point: `path`, or `owner/name/path@ref`; a job's name is none."""
    if entry is None:
        return None
    path = entry.partition("@")[0]
    if not path.endswith((".yml", ".yaml")):
        return None
    owner_and_name = "/".join(_repository(uri).split("/")[-2:])
    whole = path.lower()
    return path[len(owner_and_name) + 1 :] if owner_and_name and whole.startswith(owner_and_name + "/") else path


def _run(named: str | None) -> tuple[str | None, int | None]:
    """Run and attempt in an invocation id: a run's URL, or npm's `<run>-<attempt>`."""
    if named is None:
        return None, None
    if match := _RUN.search(named):
        return match[1] or match[3], _number(match[2])
    match = _INVOCATION.fullmatch(named)
    return (match[1], _number(match[2])) if match else (None, None)


def _runner(builder: str | None) -> str | None:
    """GitHub's and npm's builder ids end in the kind of runner."""
    last = (builder or "").rpartition("/")[2]
    return last if last in _RUNNERS else None


def _commit(dependencies: Any, repository: str | None, ref: str | None) -> str | None:
    """The commit of the dependency that is the workflow's own repository; the first, as GitHub writes it."""
    if not isinstance(dependencies, list) or repository is None:
        return None
    wanted = _repository(repository)
    for row in dependencies[:MAX_DEPENDENCIES]:
        uri = _text(row, "uri")
        if uri is not None and _repository(uri) == wanted and uri.partition("@")[2] in ("", ref or ""):
            return _digest(row, ("gitCommit", "sha1"))
    return None


def _dependencies(rows: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for row in rows[:MAX_DEPENDENCIES] if isinstance(rows, list) else ():
        digests = _section(row, "digest")
        first = next(((name, value) for name, value in digests.items() if isinstance(value, str)), None)
        found.append((_text(row, "uri") or "", f"{first[0]}:{first[1]}" if first else ""))
    return tuple(found)


def _flat(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Dotted names and compact JSON, without recursion, at most MAX_PARAMETERS."""
    found: list[tuple[str, str]] = []
    waiting: list[tuple[str, Any]] = list(reversed(list(data.items())))
    while waiting and len(found) < MAX_PARAMETERS:
        name, value = waiting.pop()
        if isinstance(value, Mapping) and value:
            waiting.extend((f"{name}.{key}", inner) for key, inner in reversed(list(value.items())))
        else:
            found.append((name, json.dumps(value, sort_keys=True, separators=(",", ":"))))
    return tuple(found)

"""Workflow files as they stand in a commit, and the risks that a scenario puts into them.

``[release.workflow] risks`` names rules of zizmor. Each becomes real text in which zizmor, offline and without
configuration, finds this rule. For a rule that no text of a single workflow can break (it asks a service, reads other
files or needs a configuration), and for one that is not known here, an injection stands in: a risk it is all the same.
Nothing runs: the lab has no runner.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

_CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
_HEAD = "${{ github.event.head_commit.message }}"


@dataclass(frozen=True)
class Risk:
    """What breaks a rule: a job, and a trigger where it needs one. ``{job}`` is the job's name."""

    job: str = ""
    trigger: str = ""


def _steps(*lines: str, before: str = "") -> Risk:
    """A job with steps; ``before`` stands between its runner and them."""
    body = "".join(f"      {line}\n" for line in lines)
    middle = "".join(f"    {line}\n" for line in before.splitlines())
    return Risk(f"  {{job}}:\n    runs-on: ubuntu-24.04\n    permissions: {{}}\n{middle}    steps:\n{body}")


_SOURCE = f"      - uses: {_CHECKOUT}\n        with:\n          persist-credentials: false\n"
PUBLISH = {
    "pypi": "uses: pypa/gh-action-pypi-publish@76f52bc884231f62b9a034ebfe128415bbaabdfc",
    "npm": "run: npm publish --provenance",
}
"""The step that publishes, for each ecosystem."""

STAND_IN = _steps(f'- run: echo "{_HEAD}"')

RISKS: dict[str, Risk] = {
    "adhoc-packages": _steps("- run: npm install release-helper"),
    "archived-uses": _steps("- uses: actions/create-release@0cb9c9b65d5d1901c1f53e5e66eaf4afd303e70e"),
    "artipacked": _steps(
        f"- uses: {_CHECKOUT}",
        "- uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02",
        "  with:",
        "    path: .",
    ),
    "bot-conditions": Risk(
        "  {job}:\n    runs-on: ubuntu-24.04\n    permissions: {}\n    if: github.actor == 'dependabot[bot]'\n"
        "    steps:\n      - run: echo merge\n",
        trigger="pull_request_target",
    ),
    "cache-poisoning": _steps(
        "- uses: actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020",
        "  with:",
        "    cache: npm",
        "- uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02",
        "- uses: pypa/gh-action-pypi-publish@76f52bc884231f62b9a034ebfe128415bbaabdfc",
    ),
    "dangerous-triggers": Risk(trigger="pull_request_target"),
    "excessive-permissions": Risk(
        "  {job}:\n    runs-on: ubuntu-24.04\n    permissions: write-all\n    steps:\n      - run: echo build\n"
    ),
    "github-app": _steps(
        "- uses: actions/create-github-app-token@67018539274d69449ef7c02e8e71183d1719ab42",
        "  with:",
        "    app-id: 1",
        "    private-key: x",
        "    owner: somebody",
    ),
    "github-env": Risk(
        "  {job}:\n    runs-on: ubuntu-24.04\n    permissions: {}\n    steps:\n"
        '      - run: echo "NAME=$(cat name.txt)" >> "$GITHUB_ENV"\n',
        trigger="pull_request_target",
    ),
    "hardcoded-container-credentials": _steps(
        "- run: echo build",
        before="container:\n  image: registry.lab.example/build@sha256:"
        + "0" * 64
        + "\n  credentials:\n    username: build\n    password: not-a-secret",
    ),
    "insecure-commands": _steps("- run: echo build", before='env:\n  ACTIONS_ALLOW_UNSECURE_COMMANDS: "true"'),
    "misfeature": _steps(
        "- uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065",
        "  with:",
        "    pip-install: helper",
    ),
    "obfuscation": _steps("- run: echo ${{ join(fromJSON('[\"a\"]')) }}"),
    "overprovisioned-secrets": _steps("- run: ./upload", "  env:", "    ALL: ${{ toJSON(secrets) }}"),
    "secrets-inherit": Risk(
        "  {job}:\n    permissions: {}\n    uses: octo-org/shared/.github/workflows/build.yml@"
        + "0" * 40
        + "\n    secrets: inherit\n"
    ),
    "secrets-outside-env": _steps("- run: ./upload", "  env:", "    TOKEN: ${{ secrets.UPLOAD_TOKEN }}"),
    "self-hosted-runner": Risk(
        "  {job}:\n    runs-on: [self-hosted, linux]\n    permissions: {}\n    steps:\n      - run: echo build\n"
    ),
    "superfluous-actions": _steps("- uses: softprops/action-gh-release@72f2c25fcb47643c292f7107632f7a47c1df5cd8"),
    "template-injection": STAND_IN,
    "typosquat-uses": _steps("- uses: action/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"),
    "unpinned-images": _steps("- run: echo build", before="container:\n  image: registry.lab.example/build"),
    "unpinned-uses": _steps("- uses: third-party/publish@main"),
    "unredacted-secrets": _steps("- run: ./upload", "  env:", "    TOKEN: ${{ fromJSON(secrets.UPLOAD).token }}"),
    "unsound-condition": _steps("- run: echo build", "  if: |", "    ${{ github.ref == 'refs/heads/main' }}", "    "),
    "unsound-contains": _steps("- run: echo build", "  if: contains('refs/heads/main refs/heads/release', github.ref)"),
    "unsound-ternary": _steps("- run: echo ${{ github.ref_type == 'tag' && '' || 'branch' }}"),
    "use-trusted-publishing": _steps(
        "- uses: pypa/gh-action-pypi-publish@76f52bc884231f62b9a034ebfe128415bbaabdfc",
        "  with:",
        "    password: ${{ secrets.TOKEN }}",
    ),
}


AUDITORS_ONLY = frozenset({"secrets-outside-env", "self-hosted-runner"})
"""Rules that zizmor applies only when asked to be an auditor: text that breaks them, and the stand-in beside it."""


def workflow(
    project: str, path: str, trigger: str, revision: int, risks: Iterable[str] = (), *, ecosystem: str = "pypi"
) -> bytes:
    """The workflow file at ``path``: tests, what publishes, its revision in a comment, and one job for each risk."""
    found: dict[str, Risk] = {}
    for rule in sorted(set(risks)):
        found[rule] = RISKS.get(rule, STAND_IN)
        if rule in AUDITORS_ONLY:
            found["stand-in"] = STAND_IN
    triggers = list(dict.fromkeys([trigger, *(risk.trigger for risk in found.values() if risk.trigger)]))
    jobs = "".join(risk.job.replace("{job}", job) for job, risk in found.items())
    name = PurePosixPath(path).stem.strip("_")
    return (
        f"# {path}, revision {revision}\nname: {name}\non: [{', '.join(triggers)}]\npermissions: {{}}\n"
        f"jobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n{_SOURCE}      - run: ./test {project}\n"
        "  publish:\n    needs: test\n    runs-on: ubuntu-24.04\n    permissions:\n      id-token: write\n"
        f"    steps:\n{_SOURCE}      - {PUBLISH[ecosystem]}\n{jobs}"
    ).encode()

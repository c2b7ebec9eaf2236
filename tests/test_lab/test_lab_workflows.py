"""The lab's workflow files: clean as they are, and risky exactly where a scenario says so, as zizmor sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import build_world
from tests.lab.git_history import git_history
from tests.lab.plan import plan_releases
from tests.lab.scenario import parse_scenario
from tests.lab.workflows import AUDITORS_ONLY, RISKS, workflow
from tests.test_lab.minimal import MINIMAL

ZIZMOR = Path(sys.executable).with_name("zizmor")
PATH = ".github/workflows/release.yml"

pytestmark = pytest.mark.skipif(not ZIZMOR.exists(), reason="zizmor is not installed")


def findings(data: bytes, persona: str = "regular") -> set[str]:
    options = ["--offline", "--no-config", "--no-progress", "--no-exit-codes", "--no-ignores", f"--persona={persona}"]
    done = subprocess.run([ZIZMOR, *options, "--format=json-v1", "-"], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return {finding["ident"] for finding in json.loads(done.stdout)}


@pytest.mark.parametrize("trigger", ["push", "release", "workflow_dispatch"])
@pytest.mark.parametrize("ecosystem", ["pypi", "npm"])
def test_an_ordinary_workflow_is_clean(trigger: str, ecosystem: str) -> None:
    assert findings(workflow("small", PATH, trigger, 0, ecosystem=ecosystem)) == set()


@pytest.mark.parametrize("rule", sorted(RISKS))
def test_each_risk_is_found(rule: str) -> None:
    data = workflow("small", PATH, "push", 1, [rule])
    if rule in AUDITORS_ONLY:
        assert rule in findings(data, "auditor")
        assert findings(data) == {"template-injection"}
    else:
        assert rule in findings(data)
        assert findings(data) <= {rule, "dangerous-triggers"}


def test_risks_stand_beside_each_other() -> None:
    assert set(RISKS) - AUDITORS_ONLY <= findings(workflow("small", PATH, "push", 1, RISKS))


@pytest.mark.parametrize("rule", ["impostor-commit", "known-vulnerable-actions", "a-rule-of-tomorrow"])
def test_a_rule_that_no_text_can_break_has_a_stand_in(rule: str) -> None:
    assert findings(workflow("small", PATH, "push", 1, [rule])) == {"template-injection"}


def test_risks_stay_on_the_default_branch_and_elsewhere_only_there() -> None:
    parts = [MINIMAL]
    for number, (commit_on, risk) in enumerate([("fork", "artipacked"), ("main", "unpinned-uses"), ("main", "")], 1):
        risks = f'risks = ["{risk}"]' if risk else ""
        parts.append(
            f'[[release]]\nversion = "1.0.{number}"\npublished = 2026-01-{number + 1:02d}T10:00:00Z\n'
            f'door = "trusted-attested"\nfiles = ["wheel"]\ncommit_on = "{commit_on}"\n[release.workflow]\n{risks}\n'
        )
    scenario = parse_scenario("".join(parts), "small.toml")
    made = git_history(scenario, plan_releases(scenario))
    seen = {version: findings(blob(made, sha, PATH)) for version, sha in made.commits.items()}
    assert seen == {"1.0.0": set(), "1.0.1": {"artipacked"}, "1.0.2": {"unpinned-uses"}, "1.0.3": {"unpinned-uses"}}
    assert build_world(scenario).git.commits == made.commits


def blob(made: object, sha: str, path: str) -> bytes:
    """A file of a commit, read from the objects as git lays them out."""
    objects = made.objects
    tree = objects[sha][1].split(b"\n")[0].split()[1].decode()
    for part in path.split("/"):
        content = objects[tree][1]
        while content:
            head, _, rest = content.partition(b"\0")
            if head.split(b" ", 1)[1].decode() == part:
                tree = rest[:20].hex()
                break
            content = rest[20:]
    return objects[tree][1]

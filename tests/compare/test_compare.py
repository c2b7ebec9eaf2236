"""Two releases side by side: what is expected to move, what is not, and the same from both ends."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.compare.identity import Change, diff_identities
from forensics.compare.releases import compare_releases
from forensics.model.checked import Checked, NotChecked
from forensics.model.identity import Identity
from forensics.model.release import Artifact
from tests.timeline.histories import release

REPO = "https://github.com/acme/demo"
CLAIMS = [f.name for f in dataclasses.fields(Identity) if f.type == "str | None"]
TEXTS = st.sampled_from(
    [None, "a", "b", "refs/tags/v1", "refs/tags/v2", "refs/heads/main", "refs/tags", "x@refs/tags/v1", "x@refs/heads/m",
     "y@refs/tags/v2", "x@", "@", f"{REPO}/actions/runs/1/attempts/1", f"{REPO}/actions/runs/2/attempts/1"]
)  # fmt: skip
identities = st.fixed_dictionaries({}, optional=dict.fromkeys(CLAIMS, TEXTS)).map(lambda kw: Identity(**kw))
RUNS = f"{REPO}/actions/runs"
STRANGER = "https://github.com/evil/x"
OTHER_PATH = "/.github/workflows/other.yml"
MIRROR = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}


@given(identities, identities)
def test_swapping_the_sides_swaps_the_table(one: Identity, other: Identity) -> None:
    there, back = diff_identities(one, other), diff_identities(other, one)
    assert [(r.claim, r.before, r.after, r.change) for r in there] == [
        (r.claim, r.after, r.before, MIRROR.get(r.change, r.change)) for r in back
    ]
    assert {r.claim for r in there} == set(one.claims()) | set(other.claims())
    for row in there:
        assert (row.before == row.after) == (row.change is Change.SAME)


@given(identities)
def test_an_identity_equals_itself(one: Identity) -> None:
    assert {r.change for r in diff_identities(one, one)} <= {Change.SAME}


def workflow(ref: str, path: str = "/.github/workflows/publish.yml", repo: str = REPO) -> str:
    return f"{repo}{path}@{ref}"


@pytest.mark.parametrize(
    ("claim", "before", "after", "change"),
    [
        ("source_repository_digest", "a" * 40, "b" * 40, Change.EXPECTED),
        ("build_config_digest", "a" * 40, "b" * 40, Change.EXPECTED),
        ("run_invocation_uri", f"{RUNS}/1/attempts/1", f"{RUNS}/2/attempts/1", Change.EXPECTED),
        ("run_invocation_uri", f"{RUNS}/1", f"{STRANGER}/actions/runs/2", Change.CHANGED),
        ("source_repository_ref", "refs/tags/v1", "refs/tags/v2", Change.EXPECTED),
        ("source_repository_ref", "refs/tags/v1", "refs/heads/main", Change.CHANGED),
        ("source_repository_ref", "refs/heads/main", "refs/heads/evil", Change.CHANGED),
        ("source_repository_ref", "refs/heads/main", "refs/pull/7/head", Change.CHANGED),
        ("github_workflow_ref", "refs/heads/main", "refs/heads/evil", Change.CHANGED),
        ("build_config_uri", workflow("refs/tags/v1"), workflow("refs/tags/v2"), Change.EXPECTED),
        ("build_config_uri", workflow("refs/heads/main"), workflow("refs/heads/evil"), Change.CHANGED),
        ("build_config_uri", workflow("refs/tags/v1"), workflow("refs/heads/main"), Change.CHANGED),
        ("build_config_uri", workflow("refs/tags/v1"), workflow("refs/tags/v2", OTHER_PATH), Change.CHANGED),
        ("build_signer_uri", workflow("a" * 40), workflow("b" * 40), Change.CHANGED),
        ("subject_alternative_name", workflow("refs/tags/v1"), workflow("refs/tags/v1", repo=STRANGER), Change.CHANGED),
        ("source_repository_identifier", "1", "2", Change.CHANGED),
        ("build_trigger", "push", "workflow_dispatch", Change.CHANGED),
        ("deployment_environment", "pypi", None, Change.REMOVED),
        ("deployment_environment", None, "pypi", Change.ADDED),
        ("source_repository_digest", "a" * 40, None, Change.REMOVED),
        ("build_trigger", "push", "push", Change.SAME),
    ],
)  # fmt: skip
def test_what_moves_with_every_release_and_what_does_not(
    claim: str, before: str | None, after: str | None, change: Change
) -> None:
    (row,) = diff_identities(Identity(**{claim: before}), Identity(**{claim: after}))
    assert row.change is change
    assert row.label


def artifact(name: str, kind: str, provenance: object = None) -> Artifact:
    return Artifact(name, kind, "a" * 64, 1, None, True, provenance or Checked((), ("o-1",)))  # type: ignore[arg-type]


def test_without_an_identity_the_reason_stands_in_its_place() -> None:
    unknown = artifact("demo-2.whl", "wheel", NotChecked("the index could not be asked", "index"))
    cases = [
        (release("2", artifacts=(unknown,)), "2: its attestations were not observed (the index could not be asked)"),
        (release("2", artifacts=(artifact("demo-2.whl", "wheel"),)), "2: no file is attested"),
        (release("2"), "2: no file of it is known"),
    ]
    for after, reason in cases:
        comparison = compare_releases(release("1", artifacts=(artifact("demo-1.whl", "wheel"),)), after)
        assert comparison.identity.rows == ()
        assert comparison.identity.reason == f"1: no file is attested; {reason}"


def test_files_are_paired_by_kind_and_none_is_lost() -> None:
    before = release("1", artifacts=(artifact("a-1.tar.gz", "sdist"), artifact("a-1-x.whl", "wheel")))
    after = release("2", artifacts=(artifact("a-2-x.whl", "wheel"), artifact("a-2-y.whl", "wheel")))
    comparison = compare_releases(before, after)
    assert [(p.kind, p.before and p.before.filename, p.after and p.after.filename) for p in comparison.files] == [
        ("sdist", "a-1.tar.gz", None),
        ("wheel", "a-1-x.whl", "a-2-x.whl"),
        ("wheel", None, "a-2-y.whl"),
    ]
    assert {what for what, _ in comparison.not_compared} == {"commits", "workflow file", "artifact contents"}

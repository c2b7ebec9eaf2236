"""What a predicate says against its certificate stands in the history as a contradiction of two witnesses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forensics.model.attestation import Attestation, Verification, VerificationStatus
from forensics.model.build import BuildFacts, Disagreement
from forensics.model.checked import Checked
from forensics.model.release import Artifact
from forensics.timeline.predicates import predicate_contradictions
from forensics.timeline.tables import build_tables
from tests.timeline.histories import PROJECT, at, gathered, release, supplements

FACTS = BuildFacts("https://slsa.dev/provenance/v1", repository="https://github.com/acme/demo", run_attempt=2,
                   parameters=(("workflow.path", '"r.yml"'),), dependencies=(("git+x", "sha1:ab"),))  # fmt: skip
DIFFERS = Disagreement("commit", "a" * 40, "certificate", "b" * 40)


def attestation(status: VerificationStatus, *disagreements: Disagreement) -> Attestation:
    verification = Verification(status, (), "root")
    return Attestation("d", FACTS.predicate_type, "demo", None, None, None, None, verification, ("o-7",),
                       subject_sha512="c" * 128, registry_key="SHA256:k", build=FACTS,
                       disagreements=disagreements)  # fmt: skip


def artifact(*attestations: Attestation) -> Artifact:
    return Artifact(
        "demo.tgz", "sdist", "a" * 64, 1, at(0), True, provenance=Checked(attestations, ("o-1",)), evidence=("o-1",)
    )


@pytest.mark.parametrize("status", VerificationStatus)
def test_a_disagreement_is_a_contradiction_unless_the_signature_fails(status: VerificationStatus) -> None:
    shipped = release("1.0", 0, artifacts=(artifact(attestation(status, DIFFERS), attestation(status)),))
    found = predicate_contradictions([shipped])
    if status is VerificationStatus.INVALID:
        assert found == []
        return
    (one,) = found
    assert (one.version, one.evidence) == ("1.0", ("o-7",))
    assert one.about == "commit that the attestation of demo.tgz is about"
    assert (one.first, one.second) == (f"{'a' * 40} in the predicate", f"{'b' * 40} in the certificate, which counts")


def test_what_a_predicate_says_is_a_table_of_its_own() -> None:
    from forensics.timeline.history import build_history

    history = build_history(PROJECT, gathered([]), supplements(), {}, at(9))
    shipped = release("1.0", 0, artifacts=(artifact(attestation(VerificationStatus.VALID)),))
    tables = build_tables(replace(history, releases=(shipped,)), (), ())
    claims = dict(tables["builds"].select("claim", "value").iter_rows())
    assert claims == {
        "predicate_type": FACTS.predicate_type,
        "repository": "https://github.com/acme/demo",
        "run_attempt": "2",
        "parameters.workflow.path": '"r.yml"',
        "dependency": "git+x sha1:ab",
    }
    assert tables["attestations"].select("subject_sha512", "registry_key").row(0) == ("c" * 128, "SHA256:k")

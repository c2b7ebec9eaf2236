"""The same fact from two witnesses that differ: what counts as a difference, and what does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from forensics.model.checked import Checked, NotChecked
from forensics.model.ci import CiRun, RunRef
from forensics.model.event import TimeKind
from forensics.model.journal import Journal, JournalRow
from forensics.model.opinion import Opinion, StatedAttestation
from forensics.model.publication import NO_PUBLICATION, Publication
from forensics.model.release import Contradiction, Mention, Release
from forensics.sources.others import NO_OTHERS, Others
from forensics.timeline.contradictions import contradiction_events, contradictions_of
from tests.signals.histories import USUAL, day, identity, release

COMMIT = "c" * 40
WHO = identity(source_repository_digest=COMMIT)


def made(**more: object) -> Release:
    return replace(release("1.0.0", day(1), WHO), **more)


def found(*releases: Release, others: Others = NO_OTHERS) -> list[Contradiction]:
    return contradictions_of(releases, others, None)


def about(told: Iterable[Contradiction]) -> list[str]:
    return [one.about for one in told]


def opinion(*stated: StatedAttestation, **more: object) -> Checked[Opinion]:
    base = Opinion("1.0.0", None, False, None, (), stated, (), (), None, None, ("o-depsdev",))
    return Checked(replace(base, **more), ("o-depsdev",))


def stated(
    *, verified: bool = True, repository: str = "https://github.com/team/thing", commit: str = COMMIT
) -> StatedAttestation:
    return StatedAttestation("publish", None, verified, repository, commit)


def test_agreement_is_silent() -> None:
    assert found(made(opinion=opinion(stated(), published=day(1)))) == []
    assert found(made()) == []


def test_deps_dev_names_another_source() -> None:
    told = found(made(opinion=opinion(stated(repository="https://github.com/evil/fork", commit="d" * 40))))
    assert about(told) == ["source repository", "source commit"]
    assert told[0].first == "deps.dev: https://github.com/evil/fork"
    assert told[0].second == "the certificate: https://github.com/team/thing"
    assert "o-depsdev" in told[0].evidence
    assert any(i.startswith("o-attestation") for i in told[0].evidence)


def test_deps_dev_did_not_verify_what_verifies_here() -> None:
    told = found(made(opinion=opinion(stated(verified=False))))
    assert about(told) == ["attestations"]
    assert "do not hold" in told[0].first


def test_silence_of_deps_dev_counts_only_where_it_speaks_of_others() -> None:
    silent = made(opinion=opinion())
    assert found(silent) == []
    speaking = replace(release("1.0.1", day(2), WHO), opinion=opinion(stated()))
    assert about(found(silent, speaking)) == ["attestations"]


def test_deps_dev_lists_what_the_index_does_not() -> None:
    bare = replace(release("1.0.0", day(1), None), opinion=opinion(stated()))
    assert all(a.attested is False for a in bare.artifacts)
    assert about(found(bare)) == ["attestations"]


def test_times_of_publication_that_are_hours_apart() -> None:
    assert about(found(made(opinion=opinion(stated(), published=day(2))))) == ["time of publication"]
    near = day(1) + timedelta(minutes=40)
    assert found(made(opinion=opinion(stated(), published=near))) == []


def run(**more: object) -> Checked[CiRun]:
    base = CiRun(
        RunRef("team/thing", 7, 1), "completed", "success", "release", COMMIT, "v1", ".github/workflows/release.yml",
        None, None, None, NotChecked("not asked", "CI"), ("o-run",),
    )  # fmt: skip
    return Checked(replace(base, **more), ("o-run",))


def with_run(outcome: Checked[CiRun]) -> Release:
    return made(runs=((outcome.value.ref, outcome),))


def test_a_run_that_is_not_what_its_certificate_claims() -> None:
    assert found(with_run(run())) == []
    told = found(with_run(run(commit="d" * 40, event="workflow_dispatch")))
    assert about(told) == ["commit of run 7", "trigger of run 7"]
    assert told[1].first == "GitHub: workflow_dispatch"


def test_times_out_of_their_healthy_order() -> None:
    late = found(with_run(run(started=day(3))))
    assert late[0].about.startswith("order of start of the run and log entry of")
    assert (late[0].at, late[0].kind) == (day(3), TimeKind.ASSERTED_BY_CI)
    assert found(with_run(run(started=day(1) - timedelta(minutes=3)))) == []


def test_the_packuments_commit_and_the_certificates() -> None:
    publication = Publication(uploader=NotChecked("x", "y"), provenance=Checked(None), git_head="d" * 40)
    assert about(found(made(publication=Checked(publication, ("o-p",))))) == ["source commit"]
    same = replace(publication, git_head=COMMIT.upper())
    assert found(made(publication=Checked(same, ("o-p",)))) == []
    assert found(made(publication=NO_PUBLICATION)) == []


def test_a_version_that_only_one_knows() -> None:
    gone = made(
        listed=False, removed=NotChecked("nobody says", "journal"), mentions=(Mention("a lead", "x", ("o-l",)),)
    )
    told = found(gone)
    assert about(told) == ["existence"]
    assert told[0].second == "named by a lead"
    assert found(replace(gone, removed=Checked(day(2)))) == [], "a removal explains it"


def test_uploads_in_the_journal_and_in_the_listing() -> None:
    one = made()
    name = one.artifacts[0].filename

    def journal(at: object) -> Others:
        rows = (JournalRow("1.0.0", at, f"add source file {name}", 5, ("o-j",)),)  # type: ignore[arg-type]
        return replace(NO_OTHERS, journal=Checked(Journal(rows, ())))

    uploaded = one.artifacts[0].uploaded_at
    assert uploaded is not None
    assert found(one, others=journal(uploaded)) == []
    told = found(one, others=journal(uploaded + timedelta(hours=2)))
    assert about(told) == [f"upload of {name}"]
    assert "o-j" in told[0].evidence


def test_each_is_an_event_with_both_observations() -> None:
    one = made(opinion=opinion(stated(commit="d" * 40)))
    told = found(one)
    (event,) = contradiction_events(told, [one], day(9))
    assert (event.at, event.what, event.version, event.subject) == (day(1), "sources differ", "1.0.0", "source commit")
    assert "deps.dev: " in event.detail
    assert "the certificate: " in event.detail
    assert event.evidence == told[0].evidence


def test_without_claims_there_is_nothing_to_compare() -> None:
    assert found(replace(release("1.0.0", day(1), USUAL), opinion=opinion(stated()))) == []

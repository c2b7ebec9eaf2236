from __future__ import annotations

from datetime import timedelta

from forensics.model.attestation import Check, CheckResult
from forensics.model.log import LogOnly, LogRecord
from forensics.model.release import Mention
from forensics.signals.engine import judge

from .histories import Judged, day, history, identity, release, series

CHECKS = tuple(Check(name, CheckResult.PASS, "holds") for name in ("uuid", "set", "inclusion", "checkpoint"))


def entry(version: str | None, filename: str | None, index: int = 900) -> LogOnly:
    record = LogRecord(
        uuid="a" * 64, tree_id="1", index=index, kind="dsse/0.0.1", log_id="b" * 64, integrated_at=day(100),
        identity=identity(run=4242), payload_hash="c" * 64, artifacts=(), origin="log - 1", tree_size=1000,
        checks=CHECKS, evidence=("o-log",),
    )  # fmt: skip
    return LogOnly(record, filename, version, "", record.evidence)


def with_entry(one: LogOnly | None, *, listed: bool = False) -> Judged:
    only = release("1.0.9", None, identity(run=4242), listed=listed, mentions=(Mention("transparency log", "holds"),))
    made = history([*series(8), only])
    from dataclasses import replace

    return Judged(judge(replace(made, log_only=(one,) if one else ())))


def test_fires_on_a_release_that_only_the_log_knows() -> None:
    finding = with_entry(entry("1.0.9", "thing-1.0.9.tar.gz")).hit("1.0.9", "log-only-release")
    assert finding.severity.value == "medium"
    assert "900" in finding.observed
    assert "thing-1.0.9.tar.gz" in finding.observed
    assert "4242" in finding.observed
    assert finding.evidence == ("o-log",)
    assert "no upload" in finding.note


def test_counts_as_one_fact_with_the_removal() -> None:
    judged = with_entry(entry("1.0.9", "thing-1.0.9.tar.gz"))
    assert judged.finding("1.0.9", "release-removed")
    assert judged["1.0.9"].verdict.value == "suspicious"


def test_silent_where_no_statement_was_rebuilt() -> None:
    judged = with_entry(entry(None, None))
    assert judged.silent("1.0.9", "log-only-release")


def test_silent_without_entries_and_on_listed_releases() -> None:
    assert with_entry(None).silent("1.0.9", "log-only-release")
    judged = with_entry(entry("1.0.9", "thing-1.0.9.tar.gz"), listed=True)
    assert judged.silent("1.0.9", "log-only-release")
    assert all(judged.silent(f"1.0.{n}", "log-only-release") for n in range(8))


def test_absence_with_a_caveat_lowers_the_confidence_of_lost_provenance() -> None:
    from dataclasses import replace

    from forensics.model.checked import Checked

    bare = release("1.0.8", day(60), None, removed=day(60) + timedelta(hours=1), mentions=(Mention("export", "lists"),))
    doubtful = tuple(replace(a, provenance=Checked((), ("o-search",), "a best-effort search")) for a in bare.artifacts)
    judged = Judged(judge(history([*series(8), replace(bare, artifacts=doubtful)])))
    finding = judged.hit("1.0.8", "provenance-lost")
    assert finding.confidence.value == "low"
    assert "a best-effort search" in finding.note
    assert "o-search" in finding.evidence
    certain = Judged(judge(history([*series(8), bare]))).hit("1.0.8", "provenance-lost")
    assert certain.confidence.value == "high"

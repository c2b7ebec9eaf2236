"""Histories made by hand: releases, files, attestations and identities with sensible defaults, nothing signed.

Times count from `START` (a Monday, noon UTC); `day(3)` is three days later. Every record carries an observation id
of its own, so that tests can tell what a finding rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from forensics.model.attestation import Attestation, Check, CheckResult, LogEntry, Verification, VerificationStatus
from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Assessment, Finding, Unchecked
from forensics.model.identity import Identity
from forensics.model.project import parse_project
from forensics.model.release import Advisory, Artifact, History, Mention, ProjectStatus, Release
from forensics.signals.engine import Judgement, judge

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
UNSEEN = NotChecked("the index answered 403", "index", ("o-403",))
PASSED = Verification(VerificationStatus.VALID, (Check("signature", CheckResult.PASS, "holds"),), "root")


def day(days: float) -> datetime:
    """Return the time *days* after the start."""
    return START + timedelta(days=days)


def identity(**claims: Any) -> Identity:
    """Return the usual identity with some claims changed."""
    run, attempt = claims.pop("run", 7), claims.pop("attempt", 1)
    workflow = claims.pop("workflow", ".github/workflows/release.yml")
    name = claims.pop("name", "team/thing")
    ref = claims.get("source_repository_ref", "refs/tags/v1")
    base = Identity(
        subject_alternative_name=f"https://github.com/{name}/{workflow}@{ref}",
        issuer="https://token.actions.githubusercontent.com",
        build_signer_uri=f"https://github.com/{name}/{workflow}@{ref}",
        runner_environment="github-hosted",
        source_repository_uri=f"https://github.com/{name}",
        source_repository_ref=ref,
        source_repository_identifier="100",
        source_repository_owner_identifier="7",
        build_config_uri=f"https://github.com/{name}/{workflow}@{ref}",
        build_trigger="release",
        run_invocation_uri=f"https://github.com/{name}/actions/runs/{run}/attempts/{attempt}",
        deployment_environment="pypi",
    )
    return replace(base, **claims)


def attestation(
    who: Identity | None, at: datetime | None, tag: str, verification: Verification = PASSED
) -> Attestation:
    """Return an attestation that the log integrated at *at*."""
    return Attestation(
        digest="d" * 64,
        predicate_type="publish",
        subject_name=tag,
        subject_sha256="a" * 64,
        identity=who,
        publisher=None,
        log_entry=LogEntry("log", 1, "dsse", at, 10, "origin"),
        verification=verification,
        evidence=(f"o-attestation-{tag}",),
    )


def artifact(
    filename: str, at: datetime | None, provenance: Iterable[Attestation] | NotChecked, listed: bool = True
) -> Artifact:
    """Return one file with its provenance."""
    outcome = (
        provenance if isinstance(provenance, NotChecked) else Checked(tuple(provenance), (f"o-provenance-{filename}",))
    )
    return Artifact(filename, "sdist", "a" * 64, 100, at, listed, outcome, evidence=(f"o-file-{filename}",))


def release(
    version: str,
    at: datetime | None,
    who: Identity | Sequence[Identity] | NotChecked | None = None,
    *,
    signed: timedelta = timedelta(seconds=-20),
    verification: Verification = PASSED,
    files: Sequence[Artifact] | None = None,
    removed: datetime | None = None,
    listed: bool | None = None,
    mentions: tuple[Mention, ...] = (),
) -> Release:
    """Return a release of two files, attested by *who* (a sequence: one attestation each), or None: unattested."""
    if files is None:
        files = [
            artifact(name, at, _provenance(who, None if at is None else at + signed, name, verification))
            for name in (f"thing-{version}.tar.gz", f"thing-{version}-py3-none-any.whl")
        ]
    shown = removed is None if listed is None else listed
    gone = Checked(removed, ("o-journal",)) if removed else NotChecked("nobody says when", "journal")
    return Release(version, at, "index", tuple(files), shown, gone, mentions=mentions, evidence=(f"o-{version}",))


def _provenance(
    who: Identity | Sequence[Identity] | NotChecked | None,
    at: datetime | None,
    tag: str,
    verification: Verification,
) -> list[Attestation] | NotChecked:
    if isinstance(who, NotChecked):
        return who
    if who is None:
        return []
    signers = [who] if isinstance(who, Identity) else list(who)
    return [attestation(signer, at, tag, verification) for signer in signers]


USUAL = identity()


def series(
    count: int,
    who: Identity | NotChecked | None = USUAL,
    *,
    first: int = 0,
    minor: str = "1.0",
    start: float = 0,
    every: float = 7,
) -> list[Release]:
    """Return *count* ordinary releases `minor.first`, … one every *every* days."""
    return [release(f"{minor}.{first + n}", day(start + n * every), who) for n in range(count)]


def history(releases: Iterable[Release], advisories: Iterable[Advisory] | NotChecked = ()) -> History:
    """Return the history of one project; the releases are put in order of publication."""
    ordered = sorted(releases, key=lambda r: r.published or START)
    known = advisories if isinstance(advisories, NotChecked) else Checked(tuple(advisories), ("o-osv",))
    return History(
        project=parse_project("thing"),
        status=ProjectStatus.ACTIVE,
        releases=tuple(ordered),
        advisories=known,
        latest=ordered[-1].version if ordered else None,
        collected_at=day(5000),
    )


def advisory(id_: str, versions: Sequence[str] = (), **fields: Any) -> Advisory:
    """Return an advisory published at the start of 2026-06."""
    base: dict[str, Any] = {
        "id": id_,
        "aliases": (),
        "summary": "something about it",
        "published": datetime(2026, 6, 1, tzinfo=UTC),
        "modified": None,
        "withdrawn": None,
        "versions": tuple(versions),
        "malicious": False,
        "evidence": (f"o-{id_}",),
    }
    return Advisory(**{**base, **fields})


class Judged:
    """The judgement on a history, asked by version and signal."""

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        self.assessments = {a.release.version: a for a in judgement.assessments}

    def __getitem__(self, version: str) -> Assessment:
        return self.assessments[version]

    def finding(self, version: str, signal: str) -> Finding | None:
        """Return the finding of *signal* on *version*, or None."""
        return next((f for f in self[version].findings if f.signal == signal), None)

    def hit(self, version: str, signal: str) -> Finding:
        """Return the finding, which must be there and must rest on something."""
        finding = self.finding(version, signal)
        assert finding is not None, f"{signal} is silent on {version}: {self.unchecked(version, signal)}"
        assert finding.evidence, "a finding rests on observations"
        assert not finding.observed.endswith("."), "the frame adds the full stop"
        assert not finding.expected.endswith(".")
        assert finding.benign_if
        return finding

    def unchecked(self, version: str, signal: str) -> NotChecked | None:
        """Return why *signal* was not checked on *version*, or None when it was."""
        found: Unchecked | None = next((u for u in self[version].not_checked if u.signal == signal), None)
        return found.outcome if found else None

    def silent(self, version: str, signal: str) -> bool:
        """Whether *signal* looked at *version* and found nothing, or does not apply."""
        return self.finding(version, signal) is None and self.unchecked(version, signal) is None


def judged(
    releases: Iterable[Release],
    advisories: Iterable[Advisory] | NotChecked = (),
    lines: dict[str, str] | None = None,
) -> Judged:
    """Judge a history made of *releases*."""
    return Judged(judge(history(releases, advisories), lines))


def failing(
    *names: str, status: VerificationStatus = VerificationStatus.INVALID, open_step: str | None = None
) -> Verification:
    """Return a verification of which the steps *names* fail, and *open_step* was not checked."""
    checks = [Check(name, CheckResult.FAIL, "does not hold") for name in names]
    if open_step:
        checks.append(Check(open_step, CheckResult.NOT_CHECKED, "unknown key"))
    return Verification(status, tuple(checks), "root")

"""From an analysis to the document that every form of output shows. Words are put on facts here; none is added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forensics.investigation import Analysis
from forensics.model.checked import Checked, NotChecked
from forensics.model.document import (
    SCHEMA,
    AdvisoryDoc,
    CaseDoc,
    Document,
    EventDoc,
    GapDoc,
    InstallableDoc,
    NeighbourDoc,
    ObservationDoc,
    ProjectDoc,
    PublisherDoc,
    SourceDoc,
    UncheckedDoc,
    WaveDoc,
)
from forensics.model.finding import Assessment, Gap, Verdict, Wave
from forensics.model.identity import Identity
from forensics.model.times import to_iso
from forensics.report.build_graph import graph_doc
from forensics.report.build_log import log_only_doc
from forensics.report.build_release import exposure_doc, release_doc
from forensics.report.build_witness import (
    account_docs,
    contradiction_docs,
    journal_doc,
    name_docs,
    time_or_none,
)
from forensics.report.sentences import drift_sentences, headline, method, not_collected, summary
from forensics.signals.registry import catalogue

EXIT_CODES = {Verdict.LIKELY_COMPROMISED: 11, Verdict.SUSPICIOUS: 10}
DRIFT_EXIT = 4


def build_document(analysis: Analysis, options: dict[str, Any] | None = None) -> Document:
    """Return the document of *analysis*; *options* are echoed for the method section."""
    titles = {entry.id: entry.title for entry in catalogue().values()}
    by_version = {a.release.version: a for a in analysis.assessments}
    releases = [release_doc(a, by_version, titles, analysis.compared) for a in analysis.assessments]
    return {
        "schema": SCHEMA,
        "project": _project(analysis),
        "case": _case(analysis),
        "verdict": analysis.verdict.value,
        "exit_code": DRIFT_EXIT if analysis.suspended else EXIT_CODES.get(analysis.verdict, 0),
        "headline": headline(analysis),
        "sentences": summary(analysis),
        "releases": releases,
        "waves": [_wave(wave, by_version) for wave in analysis.waves],
        "gaps": [_gap(gap, by_version) for gap in analysis.gaps],
        "log_only": [log_only_doc(entry) for entry in analysis.history.log_only],
        "installable_now": _installable(analysis),
        "installable_checked": all(a.release.listed is not None for a in analysis.assessments),
        "publishers": _publishers(analysis.assessments),
        "advisories": _advisories(analysis),
        "events": [_event(event) for event in analysis.events],
        "sources": [
            SourceDoc(source=s.source, asked=s.asked, answered=s.answered, problem=s.problem, evidence=[*s.evidence])
            for s in analysis.history.sources
        ],
        "accounts": account_docs(analysis.history),
        "current_names": name_docs(analysis.history),
        "journal": journal_doc(analysis.history),
        "contradictions": contradiction_docs(analysis.history),
        "not_checked": _not_checked(analysis),
        "not_collected": not_collected(analysis.history),
        "drift": drift_sentences(analysis),
        "observations": [_observation(o) for o in analysis.observations],
        "method": method(analysis),
        "options": options or {},
        "graph": graph_doc(analysis),
    }


def _project(analysis: Analysis) -> ProjectDoc:
    newest = next((a.release.identities[0] for a in reversed(analysis.assessments) if a.release.identities), None)
    return {
        "ecosystem": analysis.project.ecosystem.value,
        "name": analysis.project.name,
        "purl": analysis.project.purl,
        "status": analysis.history.status.value,
        "latest": analysis.history.latest,
        "repository": newest.repository if newest else None,
        "repository_url": newest.source_repository_uri if newest else None,
    }


def _case(analysis: Analysis) -> CaseDoc:
    facts = analysis.case
    return {
        "id": facts.id,
        "reconstruction": facts.reconstruction is not None,
        "label": facts.reconstruction,
        "collected_at": to_iso(facts.collected_at),
        "complete": facts.complete,
        "problems": [*facts.problems],
        "tool": facts.tool,
        "endpoints": dict(sorted(facts.endpoints.items())),
        "trust_root": {
            "sha256": facts.trust_root_sha256,
            "name": facts.trust_root_name,
            "vouched_by": facts.trust_root_vouched_by,
        },
        "observations": len(analysis.observations),
    }


def _wave(wave: Wave, by_version: dict[str, Assessment]) -> WaveDoc:
    members = [by_version[version] for version in wave.releases]
    worst = max((a.verdict for a in members), key=lambda v: v.rank)
    return {
        "line": wave.line,
        "releases": [*wave.releases],
        "verdict": worst.value,
        "last_good": _neighbour(wave.last_good, by_version),
        "first_good": _neighbour(wave.first_good, by_version),
        "exposure": exposure_doc(wave.exposure),
        "evidence": list(dict.fromkeys(i for a in members for i in a.release.evidence)),
    }


def _neighbour(version: str | None, by_version: dict[str, Assessment]) -> NeighbourDoc | None:
    if version is None:
        return None
    assessment = by_version[version]
    return {"version": version, "verdict": assessment.verdict.value, "not_checked": len(assessment.not_checked)}


def _gap(gap: Gap, by_version: dict[str, Assessment]) -> GapDoc:
    missing = list(gap.missing)
    named = ", ".join(missing[:-1]) + f" and {missing[-1]}" if len(missing) > 1 else missing[0]
    known = [v for v in missing if v in by_version]
    text = f"{named} {'are' if len(missing) > 1 else 'is'} missing between {gap.after} and {gap.before}"
    if known:
        text += f"; other sources name {', '.join(known)}"
    return {
        "line": gap.line,
        "missing": missing,
        "after": gap.after,
        "before": gap.before,
        "text": text + ".",
    }


def _installable(analysis: Analysis) -> list[InstallableDoc]:
    rows: list[InstallableDoc] = []
    for assessment in analysis.assessments:
        release = assessment.release
        if not assessment.verdict.flagged or not release.listed:
            continue
        how = ["yanked, still installable by an exact pin"] if release.yanked else ["listed"]
        if release.version == analysis.history.latest:
            how.append("latest")
        how += [f"dist-tag {tag}" for tag, at in analysis.history.tags if at == release.version and tag != "latest"]
        publication = release.publication
        if isinstance(publication, Checked) and publication.value.deprecated:
            how.append("deprecated, still installable")
        evidence = [*release.evidence]
        rows.append({"version": release.version, "verdict": assessment.verdict.value, "how": how, "evidence": evidence})
    return rows


def _publishers(assessments: Sequence[Assessment]) -> list[PublisherDoc]:
    """Group releases by what stays the same of their identity, in order of first appearance."""
    groups: dict[tuple[Any, ...], tuple[Identity, list[str]]] = {}
    for assessment in assessments:
        for identity in assessment.release.identities:
            key = (*identity.key, identity.trigger, str(identity.ref_class), identity.runner_environment,
                   identity.deployment_environment)  # fmt: skip
            versions = groups.setdefault(key, (identity, []))[1]
            if assessment.release.version not in versions[-1:]:
                versions.append(assessment.release.version)
    rows: list[PublisherDoc] = []
    before: dict[str, str] | None = None
    for identity, versions in groups.values():
        shown = _stable(identity)
        changed = [] if before is None else [c for c in {**before, **shown} if before.get(c) != shown.get(c)]
        rows.append(
            {
                "identity": shown,
                "first_version": versions[0],
                "last_version": versions[-1],
                "versions": versions,
                "changed": changed,
            }
        )
        before = shown
    return rows


def _stable(identity: Identity) -> dict[str, str]:
    pairs = {
        "issuer": identity.oidc_issuer,
        "source_repository_uri": identity.source_repository_uri or identity.repository,
        "source_repository_identifier": identity.source_repository_identifier,
        "source_repository_owner_identifier": identity.source_repository_owner_identifier,
        "workflow": identity.workflow,
        "ref_class": str(identity.ref_class) if identity.ref_class else None,
        "build_trigger": identity.trigger,
        "runner_environment": identity.runner_environment,
        "deployment_environment": identity.deployment_environment,
        "subject_alternative_name": None if identity.workflow else identity.subject_alternative_name,
    }
    return {name: value for name, value in pairs.items() if value is not None}


def _advisories(analysis: Analysis) -> list[AdvisoryDoc]:
    if not isinstance(analysis.history.advisories, Checked):
        return []
    return [
        {
            "id": a.id,
            "aliases": [*a.aliases],
            "summary": a.summary,
            "published": time_or_none(a.published),
            "withdrawn": time_or_none(a.withdrawn),
            "malicious": a.malicious,
            "versions": [*a.versions],
            "indicators": [{"type": kind, "value": value} for kind, value in a.indicators],
            "evidence": [*a.evidence],
        }
        for a in analysis.history.advisories.value
    ]


def _event(event: Any) -> EventDoc:
    return {
        "at": to_iso(event.at),
        "kind": event.kind.value,
        "lane": event.lane.value,
        "what": event.what,
        "version": event.version,
        "subject": event.subject,
        "detail": event.detail,
        "evidence": [*event.evidence],
    }


def _not_checked(analysis: Analysis) -> list[UncheckedDoc]:
    rows: list[UncheckedDoc] = [
        {"subject": "project", "what": what, "reason": o.reason, "needs": o.needs, "evidence": [*o.evidence]}
        for what, o in analysis.history.not_checked
    ]
    rows += [
        {
            "subject": c.version,
            "what": "contradiction",
            "reason": f"two sources differ about the {c.about}: {c.first} and {c.second}",
            "needs": "a third source, or the file itself",
            "evidence": list(dict.fromkeys(c.evidence)),
        }
        for c in analysis.history.contradictions
    ]
    for release in (a.release for a in analysis.assessments):
        for artifact in release.artifacts:
            if isinstance(o := artifact.provenance, NotChecked):
                rows.append(
                    {
                        "subject": artifact.filename,
                        "what": "provenance",
                        "reason": o.reason,
                        "needs": o.needs,
                        "evidence": [*o.evidence],
                    }
                )
    return rows


def _observation(observation: Any) -> ObservationDoc:
    return {
        "id": observation.id,
        "method": observation.method,
        "url": observation.url,
        "at": to_iso(observation.at),
        "status": observation.status,
        "sha256": observation.sha256,
        "size": observation.size,
        "media_type": observation.media_type,
        "problem": observation.problem,
    }

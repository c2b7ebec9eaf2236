"""The conclusions in plain words, each with the observations it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from forensics.investigation import Analysis
from forensics.model.checked import Checked, NotChecked
from forensics.model.document import SectionDoc, SentenceDoc
from forensics.model.finding import Assessment, Exposure, Verdict, Wave
from forensics.model.project import Ecosystem
from forensics.model.release import History, ProjectStatus
from forensics.model.times import duration, to_minute
from forensics.sources.npm_names import registry_name

_WORDS = {
    Verdict.LIKELY_COMPROMISED: "likely compromised",
    Verdict.SUSPICIOUS: "suspicious",
    Verdict.NOTABLE: "notable",
    Verdict.ORDINARY: "ordinary",
    Verdict.UNDETERMINED: "undetermined",
}


def headline(analysis: Analysis) -> str:
    """Return the one line that a tired reader needs first."""
    flagged = [a for a in analysis.assessments if a.verdict.flagged]
    total = len(analysis.assessments)
    if not flagged:
        if analysis.verdict is Verdict.UNDETERMINED:
            return f"No release could be judged: nothing that tells was observed for any of {total} releases."
        blind = sum(a.verdict is Verdict.UNDETERMINED for a in analysis.assessments)
        more = f"; {blind} could not be judged" if blind else ""
        return f"None of {total} releases is suspicious by what could be checked{more}."
    worst = max((a.verdict for a in flagged), key=lambda v: v.rank)
    count = sum(a.verdict is worst for a in flagged)
    waves = "; ".join(listed(wave.releases) for wave in analysis.waves)
    verb = "is" if count == 1 else "are"
    rest = len(flagged) - count
    more = f" and {rest} more {'is' if rest == 1 else 'are'} suspicious" if rest else ""
    return f"{count} of {total} releases {verb} {_WORDS[worst]}{more}: {waves}."


def listed(names: Sequence[str]) -> str:
    """Return names as a reader lists them: `a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def summary(analysis: Analysis) -> list[SentenceDoc]:
    """Return the summary, sentence by sentence."""
    by_version = {a.release.version: a for a in analysis.assessments}
    flagged = [a for a in analysis.assessments if a.verdict.flagged]
    sentences = [_sentence(headline(analysis), _evidence(flagged) if flagged else _asked_of_index(analysis))]
    for number, wave in enumerate(analysis.waves, 1):
        sentences += _wave(number, wave, by_version, len(analysis.waves))
    sentences += _installable(analysis)
    if analysis.history.status is ProjectStatus.QUARANTINED:
        text = "The index has quarantined the project: it lists no file at the moment."
        sentences.append(_sentence(text, _asked_of_index(analysis)))
    valid = [a for a in analysis.assessments if a.verdict.flagged and a.release.attestations]
    if valid:
        names = listed([a.release.version for a in valid])
        text = f"{names} carried attestations; a signature says who, where and when, never that a release is clean."
        sentences.append(_sentence(text, _evidence(valid)))
    sentences += _gaps(analysis)
    sentences += _log_only(analysis)
    sentences += _unobserved(analysis)
    return sentences


def _log_only(analysis: Analysis) -> list[SentenceDoc]:
    """Entries that belong to no release: how many, of how many runs, and from when to when."""
    entries = analysis.history.log_only
    if not entries:
        return []
    runs = {i.run_invocation_uri for e in entries if (i := e.record.identity) and i.run_invocation_uri}
    times = sorted(e.record.integrated_at for e in entries if e.record.integrated_at)
    when = f", logged from {to_minute(times[0])} to {to_minute(times[-1])} UTC" if times else ""
    count = "1 log entry" if len(entries) == 1 else f"{len(entries)} log entries"
    of_runs = f" of {len(runs)} run{'s' * (len(runs) != 1)}" if runs else ""
    text = f"{count}{of_runs} of the project's own signers belong to no listed and no named release{when}."
    return [_sentence(text, [i for e in entries for i in e.evidence])]


def _sentence(text: str, evidence: Sequence[str]) -> SentenceDoc:
    return {"text": text, "evidence": list(dict.fromkeys(evidence))}


def _evidence(assessments: Iterable[Assessment]) -> list[str]:
    return list(dict.fromkeys(i for a in assessments for f in a.findings for i in f.evidence))


def _wave(number: int, wave: Wave, by_version: dict[str, Assessment], total: int) -> list[SentenceDoc]:
    members = [by_version[v] for v in wave.releases]
    name = f"Wave {number}" if total > 1 else "The wave"
    doors = listed(list(dict.fromkeys(m.door.value for m in members)))
    text = f"{name} is {listed(wave.releases)} in line {wave.line}, through the door: {doors}."
    text += f" {exposure_words(wave.exposure)}{_pauses(wave)}"
    before, after = _good(wave.last_good, by_version), _good(wave.first_good, by_version)
    around = f"Last good before: {before}. First good after: {after}."
    neighbours = [by_version[v] for v in (wave.last_good, wave.first_good) if v]
    return [
        _sentence(text, [i for m in members for i in m.release.evidence]),
        _sentence(around, [i for n in neighbours for i in n.release.evidence]),
    ]


def _pauses(wave: Wave) -> str:
    """Say so when the wave's span is longer than what its releases could be installed for."""
    spans = sorted((e.start, e.end) for _, e in wave.exposures if e.start and e.end)
    if len(spans) < len(wave.exposures) or len(spans) < 2:
        return ""
    total, reached = timedelta(), spans[0][0]
    for start, end in spans:
        total += max(end - max(start, reached), timedelta())
        reached = max(reached, end)
    if total == reached - spans[0][0]:
        return ""
    return f" Not all the time: one of them was there for {duration(total)}."


def _good(version: str | None, by_version: dict[str, Assessment]) -> str:
    """Good means not flagged by what could be checked; light findings and the size of the blind spot are said."""
    if version is None:
        return "none in this line"
    assessment = by_version[version]
    light = ", ".join(f.signal for f in assessment.findings) or "no findings"
    if assessment.verdict is Verdict.UNDETERMINED:
        light = "undetermined: neither provenance nor artifact could be checked"
    missed = len(assessment.not_checked)
    return f"{version} ({light}; {missed} signal{'s' * (missed != 1)} could not be checked)"


def exposure_words(exposure: Exposure) -> str:
    """Return an exposure window as a sentence, with the reason where it is open-ended."""
    if exposure.start is None:
        end = f" It was removed at {to_minute(exposure.end)} UTC." if exposure.end else ""
        return f"No source states when it was published.{end}"
    start = f"It could be installed from {to_minute(exposure.start)} UTC"
    if exposure.end is None:
        return f"{start}; the end is open, because {exposure.end_reason}."
    return f"{start} until {to_minute(exposure.end)} UTC ({duration(exposure.end - exposure.start)})."


def _installable(analysis: Analysis) -> list[SentenceDoc]:
    flagged = [a for a in analysis.assessments if a.verdict.flagged]
    if not flagged:
        return []
    unknown = [a for a in flagged if a.release.listed is None]
    still = [a for a in flagged if a.release.listed]
    evidence = [i for a in flagged for i in a.release.evidence]
    if unknown:
        return [
            _sentence(
                "Whether a flagged release can still be installed is not known: the index could not be asked.", evidence
            )
        ]
    if still:
        names = listed([a.release.version for a in still])
        return [_sentence(f"Still installable from the index when it was asked: {names}.", evidence)]
    return [_sentence("None of the flagged releases was listed by the index when it was asked.", evidence)]


def _gaps(analysis: Analysis) -> list[SentenceDoc]:
    known = {a.release.version for a in analysis.assessments}
    missing = [v for gap in analysis.gaps for v in gap.missing if v not in known]
    if not missing:
        return []
    shown = listed(missing) if len(missing) <= 12 else f"{', '.join(missing[:12])} and {len(missing) - 12} more"
    by_version = {a.release.version: a.release for a in analysis.assessments}
    around = [by_version[v] for gap in analysis.gaps for v in (gap.after, gap.before) if v in by_version]
    return [
        _sentence(
            f"Version numbers missing between listed ones, to look up and not findings: {shown}.",
            [i for release in around for i in release.evidence],
        )
    ]


def _asked_of_index(analysis: Analysis) -> list[str]:
    """Return the observations of the index's own pages about the project."""
    project, endpoints = analysis.project, analysis.case.endpoints
    if project.ecosystem is Ecosystem.NPM:
        pages = {f"{endpoints.get('npm', '')}/{registry_name(project.name)}"}
    else:
        base = endpoints.get("pypi", "")
        pages = {f"{base}/simple/{project.name}/", f"{base}/pypi/{project.name}/json"}
    return [o.id for o in analysis.observations if o.url.partition("?")[0] in pages]


def _unobserved(analysis: Analysis) -> list[SentenceDoc]:
    files = [f for a in analysis.assessments for f in a.release.artifacts]
    unseen = [f for f in files if isinstance(f.provenance, NotChecked)]
    sentences: list[SentenceDoc] = []
    if analysis.history.unasked is not None:
        unasked = analysis.history.unasked
        text = f"The index could not be asked, so nothing is said about what it lists: {unasked.reason.rstrip('.')}."
        sentences.append(_sentence(text, unasked.evidence))
    if unseen:
        text = f"The provenance of {len(unseen)} of {len(files)} files was not observed; that is no absence."
        sentences.append(_sentence(text, [i for f in unseen for i in (*f.provenance.evidence, *f.evidence)]))
    if isinstance(analysis.history.advisories, NotChecked):
        outcome = analysis.history.advisories
        text = f"Advisories were not read: {outcome.reason.rstrip('.')}."
        sentences.append(_sentence(text, outcome.evidence))
    return sentences


def drift_sentences(analysis: Analysis) -> list[SentenceDoc]:
    """Return one sentence for each check that the drift guard suspended; every failure is still listed."""
    by_version = {a.release.version: a for a in analysis.assessments}
    return [
        _sentence(
            f"The check {s.check} fails for {len(s.versions)} of {s.checked} releases ({', '.join(s.versions)}). So "
            "many failures of one kind are likelier a stale trust root or a change of format than forgeries: it was "
            "taken out of the verdicts of this run.",
            [i for v in s.versions for a in by_version[v].release.attestations for i in a.evidence],
        )
        for s in analysis.suspended
    ]


def not_collected(history: History) -> list[SectionDoc]:
    """Return the sections of the report whose source was not collected."""
    if isinstance(history.repository, NotChecked):
        source = f"the repository was not read ({history.repository.reason.rstrip('.')}), so commits are not compared"
        return [{"section": "source", "reason": source}]
    return []


def method(analysis: Analysis) -> list[str]:
    """Return how the conclusions were reached and what limits them."""
    facts = analysis.case
    advisories = "asked" if isinstance(analysis.history.advisories, Checked) else "not observed"
    return [
        "Every answer was recorded as received before it was read; the analysis reads only the record.",
        "A signal about a release sees only what existed an hour after its publication, or a minute before its removal "
        "if that came sooner; hindsight is a family of its own. Branches and later releases are invisible to it.",
        "Because this case was collected later, the verdict at publication is a lower bound: what was lost since then "
        "stands under what could not be checked.",
        "A valid signature says who signed, where and when. It is never read as clean.",
        f"Signatures were checked against the trust root {facts.trust_root_name} ({facts.trust_root_vouched_by}).",
        f"Advisories: {advisories}. That a best-effort search finds nothing is read as absence only where the same run "
        "found what is known to be there, and then with low confidence.",
        "An attestation that was rebuilt from the log counts only if it verifies and a repository signed it from which "
        "the project publishes, or it was logged before the upload.",
    ]

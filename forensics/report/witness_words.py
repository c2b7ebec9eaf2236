"""CI runs and deps.dev's opinion in one line each, for terminal and Markdown."""

from __future__ import annotations

from forensics.model.document import ReleaseDoc
from forensics.model.witness_document import OpinionDoc, RunDoc
from forensics.report.words import plural


def witness_lines(release: ReleaseDoc) -> list[tuple[str, list[str]]]:
    """Return what further witnesses say of a release, a line each, with the evidence that it rests on."""
    lines = [(_run(run), run["evidence"]) for run in release["runs"]]
    opinion = release["second_opinion"]
    if opinion is None:
        return [*lines, (f"deps.dev: not observed: {release['second_opinion_reason']}", [])]
    return [*lines, (f"deps.dev: {_opinion(opinion)}", opinion["evidence"])]


def _run(run: RunDoc) -> str:
    name = f"CI run {run['run']}, attempt {run['attempt']}, of {run['repository']}"
    if run["conclusion"] is None and run["status"] is None:
        return f"{name}: not observed: {run['reason']}"
    parts = [f"{name}: {run['conclusion'] or run['status']}"]
    parts += [f"started by {run['actor']}"] if run["actor"] else []
    jobs = [f"{job['name']} {job['conclusion'] or 'not ended'}" for job in run["jobs"][:8]]
    parts += [f"jobs: {', '.join(jobs)}" + (" and more" if run["jobs"][8:] else "")] if jobs else []
    return "; ".join([*parts, *([f"jobs not observed: {run['reason']}"] if run["reason"] else [])])


def _opinion(opinion: OpinionDoc) -> str:
    # Never the word that readers take for clean.
    holding = [a for a in opinion["attestations"] if a["verified"]]
    stated = (
        f"lists {plural(len(opinion['attestations']), 'attestation')}, {len(holding)} of which hold by its own check"
    )
    sources = dict.fromkeys(f"{a['source_repository']} at {a['commit']}" for a in holding if a["source_repository"])
    parts = [stated + (f", from {', '.join(list(sources)[:3])}" if sources else "")]
    parts += [f"advisories {', '.join(opinion['advisories'][:8])}"] if opinion["advisories"] else []
    if opinion["findings"]:
        parts.append("findings " + ", ".join(f"{f['type']} ({f['risk']})" for f in opinion["findings"][:8]))
    parts += [f"deprecated: {opinion['deprecated']}"] if opinion["deprecated"] else []
    return "; ".join(parts)

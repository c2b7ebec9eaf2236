"""The report as Markdown, ready to paste into an issue or a post-mortem."""

from __future__ import annotations

from forensics.model.document import AdvisoryDoc, Document, ExposureDoc, FileDoc, NeighbourDoc, ReleaseDoc, SignalDoc
from forensics.model.witness_document import AccountDoc
from forensics.report import affected
from forensics.report.clean import clean
from forensics.report.mdparts import all_events, inside
from forensics.report.mdparts import evidence as _evidence
from forensics.report.mdtext import code, codes, table, text
from forensics.report.view import KeyTime, View, ranges, view_of
from forensics.report.witness_words import witness_lines
from forensics.report.words import (
    door_words,
    moment,
    offset,
    plural,
    publisher_words,
    span,
    unremoved,
    verdict_words,
    when,
)


def render_markdown(document: Document) -> str:
    """Return *document* as GitHub-flavoured Markdown: every finding, flagged release and group of unchecked rows.

    Outside text is escaped so that none of it renders as markup. The same document gives the same text.
    """
    shown = clean(document)
    view = view_of(shown)
    lines: list[str] = []
    for part in (
        _head,
        _affected,
        _exposure,
        _times,
        _findings,
        _check,
        _leads,
        _not_checked,
        _history,
        all_events,
        _method,
    ):
        lines += part(shown, view)
    return "\n".join(lines).rstrip("\n") + "\n"


def _head(d: Document, view: View) -> list[str]:
    lines = [f"# {text(d['headline'])}", ""]
    if d["case"]["reconstruction"]:
        label = d["case"]["label"] or "A test lab made this evidence; no public log or index signed it."
        lines += [f"> **Reconstruction.** {text(label)}", ""]
    lines += [f"**Verdict: {text(verdict_words(d['verdict']))}** for {code(d['project']['purl'])}", ""]
    if not d["case"]["complete"]:
        lines += ["> **The collection is incomplete.** See “Could not check”.", ""]
    if d["case"]["problems"]:
        lines += [*(f"- Problem: {text(problem)}" for problem in d["case"]["problems"]), ""]
    lines += [f"{n}. {text(s['text'])} {_evidence(s['evidence'])}".rstrip() for n, s in enumerate(d["sentences"], 1)]
    for sentence in d["drift"]:
        lines += ["", f"**Trust-root drift:** {text(sentence['text'])} {_evidence(sentence['evidence'])}"]
    return [*lines, "", *_installable(d, view)]


def _installable(d: Document, view: View) -> list[str]:
    if not view.suspects:
        return []
    if not d["installable_checked"]:
        return ["**Can a flagged release still be installed?** Not checked.", ""]
    if not d["installable_now"]:
        collected = when(d["case"]["collected_at"])
        return [f"**Can a flagged release still be installed?** No, as of {text(collected)} UTC.", ""]
    lines = ["**Can a flagged release still be installed? Yes:**", ""]
    for item in d["installable_now"]:
        how = text(", ".join(item["how"]))
        lines.append(
            f"- {code(item['version'])} ({text(verdict_words(item['verdict']))}): {how} {_evidence(item['evidence'])}"
        )
    return [*lines, ""]


def _affected(d: Document, view: View) -> list[str]:
    lines = ["## Affected versions", ""]
    if not view.suspects:
        return [*lines, "None: no release is flagged.", ""]
    head = ("Version", "Verdict", "Published (UTC)", "Removed (UTC)", "Exposed for", "Door", "Signals")
    lines += table(head, (_affected_row(release) for release in view.suspects))
    files = [(r, f) for r in view.suspects for f in r["files"]]
    if files:
        rows = ((code(r["version"]), code(f["filename"]), code(_digest(f)), text(f["provenance"])) for r, f in files)
        kind = "SHA-512" if any(f["sha512"] and not f["sha256"] for _, f in files) else "SHA-256"
        lines += table(("Version", "File", kind, "Attestation"), rows)
    return lines


def _affected_row(r: ReleaseDoc) -> tuple[str, ...]:
    removed = when(r["removed"]) or unremoved(r["listed"])
    return (
        code(r["version"]),
        text(verdict_words(r["verdict"])),
        text(when(r["published"]) or "not known"),
        text(removed) + (" (yanked)" if r["yanked"] else ""),
        text(_length(r["exposure"])),
        text(door_words(r["door"])) + _by(r),
        codes(signal["id"] for signal in r["signals"]),
    )


def _digest(f: FileDoc) -> str:
    return f["sha256"] or f["sha512"] or "not known"


def _by(r: ReleaseDoc) -> str:
    who = publisher_words(r)
    return f", by {text(who)}" if who else ""


def _exposure(d: Document, view: View) -> list[str]:
    lines = ["## Exposure", ""]
    if not d["waves"]:
        return [*lines, "None: no release is flagged.", ""]
    head = ("Wave", "Versions", "From (UTC)", "To (UTC)", "Length", "Last good", "First good after")
    rows = []
    for number, wave in enumerate(d["waves"], 1):
        x = wave["exposure"]
        start = text(when(x["start"]) or "not known") + _note(x["start_source"])
        end = text(when(x["end"]) or "no end known") + _note(x["end_source"] or x["end_reason"])
        neighbours = (_neighbour(wave["last_good"]), _neighbour(wave["first_good"]))
        rows.append((str(number), codes(wave["releases"]), start, end, text(_length(x)), *neighbours))
    lines += [*table(head, rows), "“Good” means not flagged.", ""]
    lines += [_advisory(advisory) for advisory in d["advisories"]]
    return [*lines, ""]


def _advisory(a: AdvisoryDoc) -> str:
    about = code(a["id"]) + (", says malicious" if a["malicious"] else "")
    if a["withdrawn"]:
        about += f", withdrawn {text(when(a['withdrawn']))}"
    published = text(when(a["published"]) or "at an unknown time")
    return f"- Advisory {about}, published {published}: {text(a['summary'])} {_evidence(a['evidence'])}"


def _times(d: Document, view: View) -> list[str]:
    if not view.key_times:
        return []
    rows = (
        (
            text(when(row.event["at"])),
            offset(moment(row.event["at"]), row.from_publish),
            offset(moment(row.event["at"]), row.from_known),
            code(row.event["version"]),
            " ".join(filter(None, (text(row.event["what"]), _subjects(row)))),
            text(row.event["kind"]),
        )
        for row in view.key_times
    )
    head = ("Time (UTC)", "From publish", "From known", "Release", "What", "Whose word")
    note = (
        "“From publish” counts from the first publication of a flagged release, "
        "“from known” from the first advisory or removal of one."
    )
    return ["## Times", "", *table(head, rows), note, ""]


def _subjects(row: KeyTime) -> str:
    return plural(len(row.subjects), "file") if len(row.subjects) > 1 else codes(row.subjects)


def _findings(d: Document, view: View) -> list[str]:
    lines = ["## Findings", ""]
    for release in view.suspects:
        known = text(verdict_words(release["at_publish"]))
        bound = "at least " if release["at_publish_is_lower_bound"] else ""
        lines += [f"### {code(release['version'])}: {text(verdict_words(release['verdict']))}", ""]
        lines += [
            f"Known at publication: {bound}{known}. Compared with {code(release['predecessor'] or 'no predecessor')}.",
            "",
        ]
        lines += [*(f"- {text(reason)}" for reason in release["reasons"]), ""]
        lines += [line for signal in release["signals"] for line in _finding(signal)]
        lines += _diff(release)
        lines += inside(release)
        lines += [
            f"- Named by {text(m['source'])}: {text(m['text'])} {_evidence(m['evidence'])}" for m in release["mentions"]
        ]
        lines += [f"- {text(words)} {_evidence(ids)}".rstrip() for words, ids in witness_lines(release)]
        lines.append("")
    if view.notable:
        lines += ["### Other releases with findings", ""]
        lines += [_short(release, signal) for release in view.notable for signal in release["signals"]]
        lines.append("")
    return lines if view.suspects or view.notable else [*lines, "None.", ""]


def _short(release: ReleaseDoc, s: SignalDoc) -> str:
    about = f"{code(release['version'])} ({text(verdict_words(release['verdict']))})"
    signal = f"{text(s['title'])} ({code(s['id'])}, {text(s['severity'])})"
    return f"- {about}: {signal}. Observed: {text(s['observed'])} {_evidence(s['evidence'])}"


def _finding(s: SignalDoc) -> list[str]:
    later = "" if s["at_publish"] else ", known only later"
    about = f"{code(s['id'])}, {text(s['family'])}, confidence {text(s['confidence'])}{later}"
    lines = [
        f"**[{text(s['severity'])}] {text(s['title'])}** ({about})",
        "",
        f"- Observed: {text(s['observed'])}",
        f"- Expected: {text(s['expected'])}",
    ]
    if s["note"]:
        lines.append(f"- Note: {text(s['note'])}")
    if s["benign_if"]:
        lines.append(f"- Would be benign if: {'; or '.join(text(reason) for reason in s['benign_if'])}")
    return [*lines, f"- Evidence: {_evidence(s['evidence'], 40) or 'none named'}", ""]


def _diff(release: ReleaseDoc) -> list[str]:
    diff = release["identity_diff"]
    if diff is None:
        return []
    title = f"Identity, {code(diff['before'])} → {code(diff['after'])}"
    changed = [row for row in diff["rows"] if row["change"] not in {"same", "expected"}]
    if not diff["rows"]:
        return [f"{title}: {text(diff['reason'])} {_evidence(diff['evidence'])}", ""]
    if not changed:
        count = plural(len(diff["rows"]), "claim")
        same = f"{count} compared, none changed that does not change with every release."
        return [f"{title}: {same} {_evidence(diff['evidence'])}", ""]
    rows = (
        (text(r["label"]), code(r["before"] or "none"), code(r["after"] or "none"), text(r["change"])) for r in changed
    )
    return [f"{title} {_evidence(diff['evidence'])}", "", *table(("Claim", "Before", "After", "Change"), rows)]


def _check(d: Document, view: View) -> list[str]:
    lines = ["## Are you affected?", ""]
    blocks = affected.blocks(d)
    for block in blocks:
        language = "sh" if block.id in {"lockfiles", "by-hash", "exposure"} else "text"
        lines += [f"**{block.title}.** {block.note}", "", f"```{language}", block.text, "```", ""]
    if not blocks:
        lines += [
            "None: no release is flagged." if not view.suspects else "None that could be written as a command.",
            "",
        ]
    if unsafe := affected.unsafe(d):
        lines += [f"Left out of the commands, because their names are not safe in a shell: {codes(unsafe)}", ""]
    if unhashed := affected.unhashed(d):
        lines += [f"No file hash is known of {codes(unhashed)}: a search by hash does not find these.", ""]
    return lines


def _leads(d: Document, view: View) -> list[str]:
    lines = ["## Leads", ""]
    if not d["gaps"]:
        lines += ["None: no version number is missing.", ""]
    for gap in d["gaps"]:
        lines.append(
            f"- {codes(gap['missing'])} between {code(gap['after'])} and {code(gap['before'])}: {text(gap['text'])}"
        )
    if d["log_only"]:
        lines += ["", "### Only the log knows", ""]
    for one in d["log_only"]:
        lines.append(f"- Log entry {one['record']['index']}: {text(one['text'])} {_evidence(one['evidence'])}")
    return [*lines, ""]


def _not_checked(d: Document, view: View) -> list[str]:
    order = [release["version"] for release in d["releases"]]
    lines = ["## Could not check", ""]
    if view.unchecked:
        lines += ["What is listed here is unknown, not absent.", ""]
        rows = ((code(g.what), text(g.reason), text(g.needs), text(ranges(g.subjects, order))) for g in view.unchecked)
        lines += table(("What", "Why not", "What would tell", "For"), rows)
    else:
        lines += ["None: every check that applies was made.", ""]
    lines += [f"- Not collected: {text(s['section'])}: {text(s['reason'])}" for s in d["not_collected"]]
    for source in d["sources"]:
        problem = f": {text(source['problem'])}" if source["problem"] else ""
        lines.append(f"- Source {code(source['source'])} answered {source['answered']} of {source['asked']}{problem}")
    return [*lines, ""]


def _history(d: Document, view: View) -> list[str]:
    lines = [f"## All {plural(len(d['releases']), 'release')}", ""]
    for stretch in view.stretches:
        first = stretch.releases[0]
        words = text(verdict_words(stretch.verdict))
        if stretch.quiet and len(stretch.releases) > 1:
            count = plural(len(stretch.releases), "release")
            names = codes(release["version"] for release in stretch.releases)
            lines.append(f"- {count} without findings ({words}): {names}")
        else:
            published = text(when(first["published"]) or "at an unknown time")
            lines.append(f"- {code(first['version'])}: {words}, published {published}")
    lines += [] if view.stretches else ["None: no release is known."]
    lines += [_account(account) for account in d["accounts"]]
    return [*lines, ""]


def _account(a: AccountDoc) -> str:
    others = a["other_projects"]
    known = codes(others[:40]) or "none" if others is not None else f"not known: {text(a['reason'])}"
    more = f" and {len(others) - 40} more" if others and len(others) > 40 else ""
    advised = [f"{code(name)} ({codes(ids)})" for name, ids in (a["advised_projects"] or {}).items()]
    more += f"; of these with advisories: {', '.join(advised)}" if advised else ""
    about = f"- Account {code(a['account'])}, {text(a['role'])}; other projects: {known}{more}"
    return f"{about} {_evidence(a['evidence'])}"


def _method(d: Document, view: View) -> list[str]:
    case, root = d["case"], d["case"]["trust_root"]
    collected = f"collected {text(when(case['collected_at']))} UTC with {text(case['tool'])}"
    return [
        "## Method and limits",
        "",
        *(f"- {text(line)}" for line in d["method"]),
        f"- Case {code(case['id'])}, {collected}; {plural(case['observations'], 'observation')}",
        f"- Trust root: {text(root['name'])}, vouched for by {text(root['vouched_by'])}, sha256 {code(root['sha256'])}",
        f"- Schema {code(d['schema'])}. Evidence ids such as `o-…` name observations in the case and in the JSON.",
    ]


def _length(exposure: ExposureDoc | None) -> str:
    if exposure is None:
        return "not known"
    return span(exposure["seconds"]) if exposure["end"] and exposure["seconds"] is not None else "open"


def _neighbour(neighbour: NeighbourDoc | None) -> str:
    if neighbour is None:
        return "none known"
    checks = f", {plural(neighbour['not_checked'], 'check')} not possible" if neighbour["not_checked"] else ""
    return f"{code(neighbour['version'])} ({text(verdict_words(neighbour['verdict']))}{checks})"


def _note(note: str) -> str:
    return f" ({text(note)})" if note else ""

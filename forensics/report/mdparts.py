"""Parts of the Markdown report that are long: what differs inside a suspect, and every event."""

from __future__ import annotations

import re
from collections.abc import Iterable

from forensics.model.document import Document, ReleaseDoc
from forensics.model.document_parts import SourceDiffDoc, TextDiffDoc
from forensics.report.mdtext import code, codes, text
from forensics.report.view import View, newly, together
from forensics.report.words import plural, when

MOST_EVIDENCE = 12
MOST_TEXTS, MOST_LINES = 4, 60
"""Files of one release that Markdown spells out, and lines of each: an issue has limits. HTML and JSON have more."""
_FENCE = re.compile("`{3,}")


def evidence(ids: Iterable[str], most: int = MOST_EVIDENCE) -> str:
    """Return observation ids in brackets, or nothing."""
    names = list(dict.fromkeys(ids))
    if not names:
        return ""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"({codes(names[:most])}{more})"


def inside(release: ReleaseDoc) -> list[str]:
    """Return how a release differs from the one that it is measured against: commits, workflow, files."""
    found = release["comparison"]
    if found is None:
        return []
    lines = [f"What changed, {code(found['before'])} → {code(found['after'])}:", ""]
    lines += _source(found["source"]) if found["source"] else []
    for what in newly(found):
        lines.append(f"- **Newly:** {text(what)}")
    for pair in found["contents"]:
        counts = f"{len(pair['changed'])} changed, {len(pair['added'])} added, {len(pair['removed'])} removed"
        lines.append(f"- Inside {code(pair['after'] or pair['before'])}: {counts} {evidence(pair['evidence'])}")
        lines += [f"- Odd about the archive: {text(problem)}" for problem in pair["problems"]]
    for gap in found["not_compared"]:
        lines.append(f"- Not compared: {text(gap['what'])}: {text(gap['reason'])} {evidence(gap['evidence'])}".rstrip())
    texts = [one for pair in found["contents"] for one in pair["texts"] if one["lines"] and one["newly_reaches"]]
    if found["source"] and (workflow := found["source"]["workflow"]) and workflow["lines"]:
        lines += _block(workflow["path"], "", workflow["lines"], workflow["left_out"])
    for one in texts[:MOST_TEXTS]:
        lines += _text(one)
    if len(texts) > MOST_TEXTS:
        lines += ["", f"{plural(len(texts) - MOST_TEXTS, 'more file')} of this kind in the HTML and the JSON."]
    return [*lines, ""]


def _source(source: SourceDiffDoc) -> list[str]:
    ends = f"{code(source['before'][:12])} to {code(source['after'][:12])}"
    lines = [f"- {plural(source['count'], 'commit')} from {ends} {evidence(source['evidence'])}"]
    if (workflow := source["workflow"]) is not None:
        blobs = f"git blob {code(workflow['before'][:12])}, then {code(workflow['after'][:12])}"
        same = workflow["before"] == workflow["after"]
        reason = f": {text(workflow['reason'])}" if workflow["reason"] else ""
        lines.append(f"- The workflow file is {'the same' if same else f'another ({blobs}){reason}'}")
    return lines


def _text(one: TextDiffDoc) -> list[str]:
    about = f" newly touches {text(', '.join(one['newly_reaches']))}"
    return _block(one["path"], about, one["lines"], one["left_out"])


def _block(path: str, about: str, lines: list[str], left_out: int) -> list[str]:
    shown = lines[:MOST_LINES]
    longest = max((len(run) for line in shown for run in _FENCE.findall(line)), default=2)
    fence = "`" * (longest + 1)
    cut = left_out + len(lines) - len(shown)
    block = ["", f"{code(path)}{about}", "", f"{fence}diff", *shown, fence]
    return [*block, "", f"Cut here: {plural(cut, 'more line')}."] if cut else block


def all_events(d: Document, view: View) -> list[str]:
    """Return every event, a line for each release: what is done to several files at one time stands once."""
    lines = ["## All events", ""]
    if not view.events:
        return [*lines, "None: no event was observed.", ""]
    lines += ["Times are UTC. A number behind × counts what was done to several files at that time.", ""]
    by_release: dict[str | None, list[str]] = {}
    days: dict[str | None, str] = {}
    for group in together(view.events):
        first = group[0]
        day, _, clock = when(first["at"]).partition(" ")
        version = first["version"]
        at = clock if days.get(version) == day else f"{day} {clock}"
        days[version] = day
        at = text(at)
        times = f" ×{len(group)}" if len(group) > 1 else ""
        subject = f" {code(first['subject'])}" if first["subject"] and len(group) == 1 else ""
        by_release.setdefault(version, []).append(f"{at} {text(first['what'])}{times}{subject}")
    for version, items in by_release.items():
        lines.append(f"- {code(version) if version else 'Of the project'}: {' · '.join(items)}")
    if view.events_left_out:
        lines += ["", f"{plural(view.events_left_out, 'event')} of releases without findings are in the JSON."]
    return [*lines, ""]

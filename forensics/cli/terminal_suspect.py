"""A flagged release in a terminal: when what happened, and the evidence under it as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from forensics.model.document import AttestationDoc, Document, FileDoc, ReleaseDoc, SignalDoc
from forensics.model.document_parts import ComparisonDoc
from forensics.model.text import visible
from forensics.report.clean import hosts_of, linkable
from forensics.report.view import KeyTime, as_news, newly
from forensics.report.witness_words import witness_lines
from forensics.report.words import moment, offset, plural, publisher_words, span, verdict_words, when

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

MOST_TIMES = 24
"""Rows of the table of times; `--all` shows all."""
MOST_PATHS = 6
_TIMES: tuple[tuple[str, int], ...] = (
    ("time (UTC)", 0),
    ("from publish", 70),
    ("from known", 100),
    ("version", 0),
    ("what", 0),
    ("whose word", 120),
)
_WEIGHTS = {"decisive": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


class Links:
    """What may be clicked: the hosts that the document itself names, and never an artifact."""

    def __init__(self, document: Document) -> None:
        self._hosts = hosts_of(document)
        self._log = document["case"]["endpoints"].get("rekor", "")

    def styled(self, words: str, url: str | None, style: str = "") -> Text:
        """Return *words*, clickable where *url* may be a link. Without a terminal these are words alone."""
        made = _text(words, style)
        if linkable(url, self._hosts):
            made.stylize(f"link {url}")
        return made

    def places(self, attestation: AttestationDoc) -> Iterator[Text]:
        """Yield the log entry, run and commit of an attestation, as far as it names them."""
        who = attestation["identity"] or {}
        if (index := attestation["log_index"]) is not None:
            yield self.styled(f"log index {index}", f"{self._log}/api/v1/log/entries?logIndex={index}", "dim")
        if run := who.get("run_invocation_uri"):
            yield self.styled(f"run {run.partition('/runs/')[2] or run}", run, "dim")
        if commit := who.get("source_repository_digest"):
            place = f"{who.get('source_repository_uri', '')}/commit/{commit}"
            yield self.styled(f"commit {commit[:12]}", place, "dim")


def print_times(out: Console, times: Sequence[KeyTime], *, everything: bool) -> None:
    """Print when what happened to the flagged releases, with the distance from publication and from becoming known."""
    from rich import box
    from rich.table import Table

    if not times:
        return
    shown = [index for index, (_, width) in enumerate(_TIMES) if out.width >= width]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=False)
    for index in shown:
        name = _TIMES[index][0]
        folds = name in {"what", "version"}
        table.add_column(
            name, no_wrap=not folds, overflow="fold", justify="right" if name.startswith("from") else "left"
        )
    for row in times if everything else times[:MOST_TIMES]:
        at, event = moment(row.event["at"]), row.event
        count = f" ({plural(len(row.subjects), 'file')})" if len(row.subjects) > 1 else ""
        subject = f" {event['subject']}" if event["subject"] and not count and not event["version"] else ""
        cells = (
            when(event["at"]), offset(at, row.from_publish), offset(at, row.from_known), event["version"] or "",
            f"{event['what']}{count}{subject}", event["kind"],
        )  # fmt: skip
        table.add_row(*(visible(cells[index]) for index in shown))
    out.print(table)
    if len(times) > MOST_TIMES and not everything:
        out.print(f"and {len(times) - MOST_TIMES} more; --all shows them")
    out.print()


def print_suspect(out: Console, release: ReleaseDoc, links: Links) -> None:
    """Print one flagged release as a tree: findings, what changed, files, what could not be checked."""
    from rich.tree import Tree

    exposure = release["exposure"]
    exposed = f", installable for {span(exposure['seconds'])}" if exposure and exposure["seconds"] is not None else ""
    head = f"{release['version']}: {verdict_words(release['verdict'])} (door: {release['door']}{exposed})"
    tree = Tree(_text(head, "bold"))
    for signal in release["signals"]:
        _finding(tree, signal)
    if release["comparison"] is not None:
        _changes(tree, release["comparison"])
    if who := publisher_words(release):
        tree.add(_text(f"published by {who}"))
    for file in release["files"]:
        _file(tree, file, links)
    for words, _ in witness_lines(release):
        tree.add(_text(words))
    if release["not_checked"]:
        names = ", ".join(row["what"] for row in release["not_checked"])
        tree.add(_text(f"could not check: {names}", "dim"))
    out.print(tree)
    out.print()


def _finding(tree: Tree, signal: SignalDoc) -> None:
    head = _text(signal["id"], _WEIGHTS.get(signal["severity"], ""))
    branch = tree.add(head + _text(f" [{signal['family']}, {signal['severity']}] {signal['observed']}"))
    branch.add(_text(f"expected: {signal['expected']}"))
    if signal["note"]:
        branch.add(_text(signal["note"]))
    for benign in signal["benign_if"]:
        branch.add(_text(f"would be benign if {benign}", "dim"))
    branch.add(_text(f"evidence: {', '.join(signal['evidence']) or 'none'}", "dim"))


def _changes(tree: Tree, found: ComparisonDoc) -> None:
    branch = tree.add(_text(f"against {found['before']}"))
    if (source := found["source"]) is not None:
        workflow = source["workflow"]
        same = workflow is None or workflow["before"] == workflow["after"]
        words = "" if workflow is None else f", the workflow file is {'the same' if same else 'another'}"
        branch.add(_text(f"{plural(source['count'], 'commit')} between{words}"))
    for what in newly(found):
        branch.add(_text(as_news(what), "bold red"))
    telling = {t["path"]: t["newly_reaches"] for p in found["contents"] for t in p["texts"] if t["newly_reaches"]}
    for path, reaches in list(telling.items())[:MOST_PATHS]:
        branch.add(_text(f"{path} newly touches {', '.join(reaches)}"))
    if len(telling) > MOST_PATHS:
        branch.add(_text(f"and {len(telling) - MOST_PATHS} more files like these"))
    for gap in found["not_compared"]:
        branch.add(_text(f"not compared: {gap['what']}: {gap['reason']}", "dim"))


def _file(tree: Tree, file: FileDoc, links: Links) -> None:
    from rich.text import Text

    stated = f"sha512 {file['sha512']}" if file["sha512"] else "digest unknown"
    digest = f"sha256 {file['sha256']}" if file["sha256"] else stated
    node = tree.add(_text(f"{file['filename']}  {digest}"))
    reason = f": {file['provenance_reason']}" if file["provenance_reason"] else ""
    node.add(_text(f"provenance {file['provenance']}{reason}", "dim"))
    for attestation in file["attestations"]:
        signed = _text(f"{attestation['label']}: signature {attestation['status']}", "dim")
        node.add(Text(", ").join([signed, *links.places(attestation)]))


def _text(words: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(visible(words), style=style)

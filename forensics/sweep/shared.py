"""What a release has that a release of another project can have too: run, commit, payload, account, identity.

Two releases that share a run were made by one job; two that share an account were uploaded by one person. These are
the threads by which an incident is followed from one package to the next. They are nodes of the graph of one project.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from forensics.graph import NodeType, graph_of
from forensics.model.publication import uploader_in
from forensics.model.release import History

if TYPE_CHECKING:
    from forensics.investigation import Analysis

KINDS = (NodeType.RUN, NodeType.COMMIT, NodeType.PAYLOAD, NodeType.ACCOUNT, NodeType.IDENTITY)
"""Kinds of node that projects can have in common, those first that say most."""


@dataclass(frozen=True, slots=True)
class SharedFact:
    """One value that ties a release to others. *flagged*: its release is suspicious or worse. *about* says it in words.

    The value of a payload is a SHA-256, of a commit its id, of a run its URI, of an account `ecosystem:name`, of an
    identity what `forensics.graph` calls it: issuer, repository and owner id, workflow path.
    """

    version: str
    published: datetime | None
    flagged: bool
    kind: str
    value: str
    about: str


def shared_facts(analysis: Analysis) -> tuple[SharedFact, ...]:
    """Return the facts of every release of *analysis*, kinds in the order of KINDS.

    Removed releases take part, as far as the log, an import or an earlier case knows them.
    """
    suspects = {a.release.version for a in analysis.assessments if a.verdict.flagged}
    published = {r.version: r.published for r in analysis.history.releases}
    robots = _robots(analysis.history)
    found: list[SharedFact] = []
    for node in graph_of(analysis.history, suspects).nodes:
        value = node.id.partition(":")[2]
        if node.type not in KINDS or (node.type is NodeType.ACCOUNT and value in robots):
            continue
        if node.type is NodeType.ACCOUNT:
            value = f"{analysis.project.ecosystem.value}:{value}"
        found += [
            SharedFact(version, published.get(version), version in suspects, node.type.value, value, node.label)
            for version in node.versions
        ]
    order = [kind.value for kind in KINDS]
    return tuple(sorted(found, key=lambda fact: (order.index(fact.kind), fact.value, fact.version)))


def _robots(history: History) -> frozenset[str]:
    """Return the accounts under which trusted publishers upload: everybody's releases share them."""
    return frozenset(
        uploader.account.name
        for release in history.releases
        if (uploader := uploader_in(release.publication)) is not None and uploader.trusted_publisher is not None
    )

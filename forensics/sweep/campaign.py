"""Which flagged releases of different projects belong together, and what else was moved by the same hand.

A campaign is a connected set of flagged releases: each shares a run, a commit, a payload, an account or an identity
with another one. Unflagged releases join only by what is made once: the same run, commit or payload, or the same
person's account within days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from forensics.graph import NodeType
from forensics.model.project import Ecosystem, Project
from forensics.signals.thresholds import CAMPAIGN_WINDOW
from forensics.sweep.shared import KINDS, SharedFact

if TYPE_CHECKING:
    import polars as pl

TIMED = frozenset({NodeType.ACCOUNT.value, NodeType.IDENTITY.value})
"""Kinds that a project keeps for years: they tie releases together only where these are close in time."""


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One release of one project."""

    project: Project
    version: str


@dataclass(frozen=True, slots=True)
class Thread:
    """One value that ties members of a campaign: its kind, the value, in words, and who shares it."""

    kind: str
    value: str
    about: str
    members: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Flagged releases that belong together, unflagged ones that the same hand made, and the threads between them."""

    flagged: tuple[Node, ...]
    related: tuple[Node, ...]
    threads: tuple[Thread, ...]
    first: datetime | None
    last: datetime | None

    @property
    def projects(self) -> tuple[Project, ...]:
        """The projects it reaches, sorted."""
        return tuple(sorted({node.project for node in (*self.flagged, *self.related)}))


@dataclass(frozen=True, slots=True)
class _Row:
    node: Node
    at: datetime | None
    flagged: bool
    about: str


def find_campaigns(shared: pl.DataFrame, seeds: Iterable[tuple[Project, SharedFact]] = ()) -> tuple[Campaign, ...]:
    """Return the campaigns in the table *shared* of a sweep, largest first; those of one project are left out.

    *seeds* are facts of a case outside the sweep. With any, only campaigns that hold one of its releases are returned.
    Time and memory are linear in the rows of values that a flagged release has.
    """
    import networkx as nx

    own = tuple(seeds)
    graph = nx.Graph()
    threads: list[tuple[str, str, list[_Row]]] = []
    for (kind, value), holders in _rows(shared, own).items():
        for tied in _ties(kind, holders):
            threads.append((kind, value, tied))
            flagged = [row.node for row in tied if row.flagged]
            graph.add_nodes_from(flagged)
            graph.add_edges_from((flagged[0], node) for node in flagged[1:])
    wanted = {Node(project, fact.version) for project, fact in own}
    found = [_campaign(component, threads) for component in nx.connected_components(graph)]
    kept = [c for c in found if len(c.projects) > 1 and (not own or wanted & set(c.flagged))]
    return tuple(sorted(kept, key=lambda c: (-len(c.flagged), c.flagged)))


def _rows(shared: pl.DataFrame, seeds: Sequence[tuple[Project, SharedFact]]) -> dict[tuple[str, str], list[_Row]]:
    """Return the holders of each value that at least one flagged release has, by kind and value, in a fixed order."""
    import polars as pl

    bad = shared.filter(pl.col("flagged")).select("kind", "value").unique()
    named = pl.DataFrame(
        [(fact.kind, fact.value) for _, fact in seeds], schema={"kind": pl.String, "value": pl.String}, orient="row"
    )
    wanted = pl.concat([bad, named]).unique()
    held = shared.join(wanted, on=["kind", "value"], how="semi")
    found: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in held.iter_rows(named=True):
        node = Node(Project(Ecosystem(row["ecosystem"]), row["project"]), row["version"])
        found[row["kind"], row["value"]].append(_Row(node, row["published"], row["flagged"], row["about"]))
    for project, fact in seeds:
        row_of_seed = _Row(Node(project, fact.version), fact.published, True, fact.about)
        if row_of_seed.node not in {row.node for row in found[fact.kind, fact.value]}:
            found[fact.kind, fact.value].append(row_of_seed)
    order = [kind.value for kind in KINDS]
    for holders in found.values():
        holders.sort(key=lambda row: row.node)
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0][0]), item[0][1])))


def _ties(kind: str, holders: list[_Row]) -> list[list[_Row]]:
    """Return the groups of holders that the value ties together, each with a flagged release and at least one more.

    What is kept for years ties only what is close in time: each run of flagged releases without a longer pause than
    CAMPAIGN_WINDOW, and what stands as near to one of them. An identity never ties an unflagged release: a project's
    own releases all have it.
    """
    if kind not in TIMED:
        groups = [holders]
    else:
        times = sorted(row.at for row in holders if row.flagged and row.at is not None)
        groups = [_near(kind, holders, first, last) for first, last in _runs(times)]
    return [group for group in groups if len({row.node for row in group}) > 1]


def _runs(times: list[datetime]) -> list[tuple[datetime, datetime]]:
    """Return first and last of each run of sorted *times* without a longer pause than CAMPAIGN_WINDOW."""
    runs: list[tuple[datetime, datetime]] = []
    for at in times:
        if runs and at - runs[-1][1] <= CAMPAIGN_WINDOW:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    return runs


def _near(kind: str, holders: list[_Row], first: datetime, last: datetime) -> list[_Row]:
    return [
        row
        for row in holders
        if (row.flagged or kind != NodeType.IDENTITY.value)
        and row.at is not None
        and first - CAMPAIGN_WINDOW <= row.at <= last + CAMPAIGN_WINDOW
    ]


def _campaign(component: set[Node], threads: list[tuple[str, str, list[_Row]]]) -> Campaign:
    flagged = set(component)
    own: list[Thread] = []
    related: set[Node] = set()
    times: list[datetime] = []
    for kind, value, tied in threads:
        if not any(row.node in flagged for row in tied):
            continue
        own.append(Thread(kind, value, tied[0].about, tuple(row.node for row in tied)))
        related |= {row.node for row in tied if not row.flagged}
        times += [row.at for row in tied if row.flagged and row.at is not None]
    return Campaign(
        tuple(sorted(flagged)),
        tuple(sorted(related)),
        tuple(own),
        min(times, default=None),
        max(times, default=None),
    )


class ThreadDoc(TypedDict):
    """One thread as plain JSON types."""

    kind: str
    value: str
    about: str
    releases: list[str]


class CampaignDoc(TypedDict):
    """One campaign as plain JSON types; releases as purls."""

    flagged: list[str]
    related: list[str]
    projects: list[str]
    first: str | None
    last: str | None
    threads: list[ThreadDoc]


def campaign_doc(campaign: Campaign) -> CampaignDoc:
    """Return *campaign* as plain JSON types."""
    from forensics.model.times import to_iso

    def purls(nodes: Iterable[Node]) -> list[str]:
        return [node.project.purl_of(node.version) for node in nodes]

    times: list[Any] = [to_iso(at) if at else None for at in (campaign.first, campaign.last)]
    return {
        "flagged": purls(campaign.flagged),
        "related": purls(campaign.related),
        "projects": [str(project) for project in campaign.projects],
        "first": times[0],
        "last": times[1],
        "threads": [
            {"kind": t.kind, "value": t.value, "about": t.about, "releases": purls(t.members)} for t in campaign.threads
        ],
    }

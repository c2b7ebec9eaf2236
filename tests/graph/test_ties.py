"""Who is tied to whom: every kind of tie, the walk that stops at hubs, and what networkx gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import networkx as nx

from forensics.graph import HUBS, NodeType, collapsed, graph_of
from forensics.model.attestation import LogEntry
from forensics.model.checked import Checked, NotChecked
from forensics.model.contents import NETWORK, Contents, Member, Runs
from forensics.model.publication import Account, Publication, Uploader
from forensics.model.release import History, Release
from forensics.model.source import Reachability, SourceFacts
from tests.signals import histories
from tests.signals.histories import day, identity, release

UNSEEN = NotChecked("not asked", "git")


def history(*releases: Release) -> History:
    return histories.history(releases)


def signed(version: str, at: float, run: int, index: int, **claims: Any) -> Release:
    """Return a release of two files that one run signed, at the log's *index* and the next."""
    made = release(version, day(at), identity(run=run, source_repository_digest=f"{run:040x}", **claims))
    artifacts = []
    for number, artifact in enumerate(made.artifacts):
        (one,) = artifact.attestations
        entry = LogEntry("c0ffee" * 8, index + number, "dsse", day(at), 10, "log.example")
        digest = f"{index + number:064x}"
        one = replace(one, log_entry=entry, subject_sha256=digest)
        artifacts.append(replace(artifact, sha256=digest, provenance=Checked((one,), ("o-p",))))
    return replace(made, artifacts=tuple(artifacts))


def holding(made: Release, *members: Member) -> Release:
    contents = Checked(Contents(members), (f"o-bytes-{made.version}",))
    return replace(made, artifacts=tuple(replace(a, contents=contents) for a in made.artifacts))


def sourced(made: Release, blob: str) -> Release:
    facts = SourceFacts(
        tag=f"v{made.version}", tag_commit="t" * 40, tagged_at=None, bump="b" * 40, commit=None,
        reachability=Checked(Reachability.TAG), tree=UNSEEN, workflow_blob=Checked(blob), evidence=("o-git",),
    )  # fmt: skip
    return replace(made, source=Checked(facts))


def uploaded(made: Release, name: str, approver: str | None = None) -> Release:
    uploader = Uploader(Account(name), approver=Account(approver) if approver else None)
    publication = Publication(Checked(uploader, ("o-who",)), Checked(None))
    return replace(made, publication=Checked(publication))


PAYLOAD = Member("thing/dropper.py", 10, "f" * 64, "1" * 40, Runs.CALLED, (NETWORK,))
SHARED = Member("thing/__init__.py", 10, "e" * 64, "2" * 40, Runs.IMPORT)


def story() -> History:
    """Four releases by one signer, the last two of one run and of one payload; then one without any attestation."""
    return history(
        holding(signed("1.0", 0, run=1, index=10), SHARED),
        signed("1.1", 1, run=2, index=20),
        holding(uploaded(signed("1.2", 2, run=3, index=30), "mallory", "alice"), SHARED, PAYLOAD),
        holding(sourced(signed("1.3", 3, run=3, index=40), "abc123" + "0" * 34), PAYLOAD),
        release("1.4", day(4), None),
    )


def test_every_kind_of_tie_is_there_with_version_and_evidence() -> None:
    graph = graph_of(story(), {"1.2", "1.3"})
    ties = {(e.source.split(":")[0], e.relation, e.target.split(":")[0]) for e in graph.edges}
    assert ties == {
        ("release", "is a release of", "project"),
        ("release", "has the file", "artifact"),
        ("release", "was uploaded by", "account"),
        ("release", "was approved by", "account"),
        ("release", "is tagged at", "commit"),
        ("release", "is the version set by", "commit"),
        ("artifact", "is signed in", "log entry"),
        ("artifact", "holds", "payload"),
        ("log entry", "is signed by", "identity"),
        ("log entry", "was made in", "run"),
        ("run", "was built from", "commit"),
        ("run", "ran", "workflow"),
        ("identity", "speaks for", "repository"),
        ("workflow", "lies in", "repository"),
    }
    assert all(edge.evidence and edge.version for edge in graph.edges)
    assert len({node.id for node in graph.nodes}) == len(graph.nodes)
    ends = {end for edge in graph.edges for end in (edge.source, edge.target)}
    assert ends == {node.id for node in graph.nodes}


def test_a_payload_is_what_suspects_alone_hold() -> None:
    def payloads(suspects: set[str]) -> list[str]:
        return [n.id for n in graph_of(story(), suspects).nodes if n.type is NodeType.PAYLOAD]

    assert payloads({"1.2", "1.3"}) == ["payload:" + "f" * 64]
    assert payloads({"1.2"}) == []  # 1.3, which nobody suspects, has it too
    assert payloads(set()) == []


def test_a_walk_stops_at_hubs() -> None:
    part = graph_of(story()).around(["1.2"])
    versions = {n.label for n in part.nodes if n.type is NodeType.RELEASE}
    assert versions == {"1.2", "1.3"}  # one run; the signer, whom all share, leads nowhere
    assert {"identity", "repository", "workflow", "account"} <= {n.type.value for n in part.nodes}
    assert graph_of(story()).around(["9.9"]).nodes == ()


def test_components_fall_apart_where_only_hubs_hold_them() -> None:
    components = graph_of(story()).components()
    assert ["1.2", "1.3"] in [sorted(n[8:] for n in part if n.startswith("release:")) for part in components]
    assert len([part for part in components if any(n.startswith("release:") for n in part)]) == 4


def test_networkx_gets_everything_and_writes_it() -> None:
    graph = graph_of(story(), {"1.2", "1.3"})
    made = graph.networkx()
    assert (made.number_of_nodes(), made.number_of_edges()) == (len(graph.nodes), len(graph.edges))
    back = nx.parse_graphml("\n".join(nx.generate_graphml(made)), force_multigraph=True)
    assert dict(back.nodes(data=True)) == dict(made.nodes(data=True))
    ties = sorted((source, target, *sorted(data.values())) for source, target, data in made.edges(data=True))
    assert (
        sorted((s, t, *sorted(str(v) for k, v in d.items() if k != "id")) for s, t, d in back.edges(data=True)) == ties
    )


def test_the_frame_has_every_tie() -> None:
    graph = graph_of(story())
    frame = graph.frame()
    assert frame.height == len(graph.edges)
    assert frame.columns[:4] == ["source", "source_type", "target", "target_type"]
    assert set(frame["target_type"]) <= {kind.value for kind in NodeType}


def test_a_picture_of_few_nodes_is_the_graph_without_its_project() -> None:
    graph = graph_of(history(signed("1.0", 0, run=1, index=10)))
    picture = collapsed(graph, ["1.0"], {})
    assert {n.id for n in picture.nodes} == {n.id for n in graph.nodes if n.type is not NodeType.PROJECT}


def many(count: int) -> History:
    return history(*(signed(f"1.{n}", n / 2, run=n, index=10 * n) for n in range(count)))


def test_a_thousand_nodes_become_a_picture_that_names_the_suspects() -> None:
    made = many(180)
    graph = graph_of(made, {"1.77"})
    assert len(graph.nodes) > 1000
    picture = collapsed(graph, ["1.77"], {})
    assert len(picture.nodes) <= 12
    assert "release:1.77" in {n.id for n in picture.nodes}
    (rest,) = [n for n in picture.nodes if n.members > 1]
    assert (rest.label, rest.members) == ("179 releases", 179)
    assert {n.id for n in picture.nodes} >= {end for e in picture.edges for end in (e.source, e.target)}


def test_a_hundred_suspects_share_a_node_and_differ_by_their_verdict() -> None:
    made = many(120)
    suspects = [f"1.{n}" for n in range(100)]
    kinds = dict.fromkeys(suspects, "suspicious") | {"1.0": "likely-compromised", "1.1": "likely-compromised"}
    picture = collapsed(graph_of(made, suspects), suspects, kinds)
    assert sorted(n.members for n in picture.nodes if n.type is NodeType.RELEASE) == [2, 20, 98]


def test_no_release_and_no_evidence_is_lost_in_a_picture() -> None:
    graph = graph_of(many(60), {"1.7"})
    picture = collapsed(graph, ["1.7"], {})
    assert {v for n in picture.nodes for v in n.versions} == {v for n in graph.nodes for v in n.versions}
    project = next(n.id for n in graph.nodes if n.type is NodeType.PROJECT)
    outer = {i for e in graph.edges if e.target != project and e.target.split(":")[0] in HUBS for i in e.evidence}
    assert outer <= {i for e in picture.edges for i in e.evidence}

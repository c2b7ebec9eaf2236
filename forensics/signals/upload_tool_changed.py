"""Uploaded by another program than the project uses."""

from __future__ import annotations

import re

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Artifact, Release
from forensics.signals import thresholds as t
from forensics.signals.comparing import listed, too_few
from forensics.signals.registry import Hit, Result, View, signal

_NEEDS = "export or packument"


@signal(
    "upload-tool-changed",
    title="Another upload client",
    family=Family.PEOPLE,
    severities=(Severity.LOW,),
    needs=("export", "packument"),
    benign_if=(
        "the maintainers moved to another tool; then the next releases use it too",
        "one file was uploaded by hand after the usual run had failed; the run's log shows the failure",
    ),
    attack=("T1195.002", "T1078"),
    slsa="F",
)
def upload_tool_changed(view: View) -> Result:
    """Fire when a file was uploaded by a program that no release of the cohort used.

    Versions do not count, save the major one on npm, where the program is nearly always npm itself.
    """
    own = _tools(view.release)
    if not own:
        return NotChecked("the upload client of none of its files is known", _NEEDS)
    past = [(r, tools) for p in view.baseline.cohort if (tools := _tools(r := p.profile.release))]
    if len(past) < t.USUAL_DOOR_RELEASES:
        what = "earlier releases of which the upload client is known"
        return too_few(len(past), t.USUAL_DOOR_RELEASES, what, _NEEDS)
    usual = {tool for _, tools in past for tool in tools}
    new = sorted(own - usual)
    if not new:
        return None
    latest = past[-1][0]
    evidence = [i for release in (view.release, latest) for a in release.artifacts for i in a.evidence]
    return Hit(
        severity=Severity.LOW,
        observed=f"uploaded with {listed(new)}",
        expected=f"{listed(sorted(usual))}, as on {len(past)} earlier releases",
        evidence=tuple(evidence),
    )


def _tools(release: Release) -> frozenset[str]:
    """Return the names of the programs that uploaded the files of *release*, as far as known."""
    found = (_tool(artifact) for artifact in release.artifacts)
    return frozenset(tool for tool in found if tool)


def _tool(artifact: Artifact) -> str:
    pattern = r"[^\s/]+(/v?\d+)?" if artifact.kind == "tarball" else r"[^\s/]+"
    match = re.match(pattern, artifact.upload_client or "")
    return match.group().lower().replace("/v", " ").replace("/", " ") if match else ""

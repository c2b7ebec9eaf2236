"""Signed and logged, but nobody lists it and nobody names it."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.model.times import to_minute
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "log-only-release",
    title="Signed and logged, but never listed",
    family=Family.SOURCE,
    severities=(Severity.MEDIUM, Severity.LOW),
    needs=("log",),
    benign_if=(
        "the run signed and then failed to upload, and the next release followed within hours; look at the run",
        "the repository signs other things than this project's packages",
    ),
    attack=("T1195.002",),
    slsa="F",
)
def log_only_release(view: View) -> Result:
    """Fire on a release that only the log knows: its own repository signed a file of it, and nobody else names it.

    Entries of which no statement can be rebuilt belong to no release; they are listed with the project.
    """
    if view.release.listed:
        return None
    entries = [one for one in view.history.log_only if one.version == view.release.version and one.filename]
    if not entries:
        return None
    first = entries[0]
    identity = first.record.identity
    when = f" at {to_minute(first.record.integrated_at)} UTC" if first.record.integrated_at else ""
    run = identity.run_invocation_uri if identity and identity.run_invocation_uri else "an unnamed run"
    names = ", ".join(dict.fromkeys(str(one.filename) for one in entries))
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"log entry {first.record.index} signed {names}{when} in {run}",
        expected="a listed or at least a named release for every run of the project that signs",
        evidence=tuple(i for one in entries for i in one.evidence),
        note="A signature is no upload: whether the index ever listed it is not known.",
        fact="removed",
    )

"""How an artifact was built, as its provenance says, and where the signing certificate says otherwise.

A predicate is written inside the job that it describes: whoever controls the job writes it. The certificate is written
by the certificate authority from the CI system's token. So what a predicate says is a claim, and where the two differ
the certificate counts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """What a SLSA provenance predicate of v0.2 or v1 says; None where it does not say it. Nothing here is proven.

    `repository` is a URL without `git+` and ref, `workflow` a path inside it, `commit` a git object name in hex;
    `invocation` is what the predicate names the run by. `parameters` are (dotted name, value as compact JSON) and
    `dependencies` (uri, `algorithm:hex`), in the order of the predicate.
    """

    predicate_type: str
    builder: str | None = None
    build_type: str | None = None
    repository: str | None = None
    repository_id: str | None = None
    owner_id: str | None = None
    ref: str | None = None
    workflow: str | None = None
    commit: str | None = None
    trigger: str | None = None
    runner: str | None = None
    invocation: str | None = None
    run_id: str | None = None
    run_attempt: int | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    dependencies: tuple[tuple[str, str], ...] = ()

    def claims(self) -> tuple[tuple[str, str], ...]:
        """Return what is stated, as (name, text): parameters as `parameters.<name>`, dependencies as `dependency`."""
        rows: list[tuple[str, str]] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (str, int)):
                rows.append((field.name, str(value)))
        rows += [(f"parameters.{name}", value) for name, value in self.parameters]
        return (*rows, *(("dependency", " ".join(filter(None, pair))) for pair in self.dependencies))


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing about which the signed content and a better witness differ; *witness* says which, and it counts."""

    about: str
    stated: str
    witness: str
    actual: str

    def sentence(self) -> str:
        """Return both sides in one sentence."""
        return f"the {self.about} is {self.stated!r} in the predicate, {self.actual!r} in the {self.witness}"

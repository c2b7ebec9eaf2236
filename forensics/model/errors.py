"""One tree of errors. Each says what happened, what it means for the investigation, and what to do.

ForensicsError
├── UsageError                exit 2   the question cannot be understood
│   ├── BadProject                     a malformed name or purl
│   ├── NoSuchVersion                  the project never had that version, as far as the case knows
│   ├── CaseNotFound                   no case of that name or at that path
│   └── ReadOnlyCase                   a case that cannot be added to: sealed, zipped or built in
├── NoSuchProject             exit 3   the index answered, and knows no such project
├── EvidenceError             exit 4   evidence is invalid or damaged
│   ├── DamagedCase                    bytes of a case are not what was sealed
│   ├── ForeignCase                    a directory or archive that is not a case, or of a schema we do not know
│   ├── UntrustedRoot                  a case brings a trust root that nobody vouched for
│   ├── MalformedEvidence              an attestation, bundle, proof, note or certificate that cannot be read
│   └── HostileInput                   input beyond a limit: size, depth, count, ratio
└── SourceError               exit 1   one source could not be asked; becomes a NotChecked, never an absence
    ├── Unreachable                    no connection, or none in time
    ├── BadAnswer                      an answer that is not what the endpoint's specification says
    ├── Refused                        401, 403, 429 after all retries, a redirect off the site, a body over the limit
    ├── NotRecorded                    offline, and the case holds no answer
    └── BudgetSpent                    the host's circuit is open, or the request budget is used up
"""

from __future__ import annotations


class ForensicsError(Exception):
    """Base of everything the toolkit raises on purpose. `exit_code` is what the command line returns."""

    exit_code = 1
    default_meaning = ""
    default_advice = ""

    def __init__(self, what: str, *, meaning: str = "", advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.meaning = meaning or self.default_meaning
        self.advice = advice or self.default_advice

    def diagnostics(self) -> str:
        """Return the three sentences for a person: what happened, what it means, what to do."""
        return "\n".join(part for part in (self.what, self.meaning, self.advice) if part)

    def _render_traceback_(self) -> list[str]:
        """Return what IPython and notebooks show in place of a traceback: the three sentences, fit to be looked at."""
        from forensics.model.text import visible

        name = type(self).__name__
        return [f"{name}: {visible(self.what)}", *(visible(part) for part in (self.meaning, self.advice) if part)]


class UsageError(ForensicsError):
    """The question cannot be understood."""

    exit_code = 2
    default_meaning = "Nothing was asked and nothing was written."
    default_advice = "`forensics COMMAND --help` shows what can be given."


class BadProject(UsageError):
    """A malformed project name or purl."""

    default_advice = "Write it as NAME, pypi:NAME, npm:NAME or a purl such as pkg:pypi/NAME."


class NoSuchVersion(UsageError):
    """A version that the case knows nothing about."""


class CaseNotFound(UsageError):
    """No case of that name or at that path."""

    default_advice = "`forensics case list` shows the cases that are there."


class ReadOnlyCase(UsageError):
    """A case that cannot be added to: sealed, zipped or built in."""


class NoSuchProject(ForensicsError):
    """The index answered and knows no such project; never raised for an unreachable or quarantined one."""

    exit_code = 3
    default_meaning = "The index knows no project of this name, and no lead or import names one of its releases."
    default_advice = (
        "Check the spelling. If the whole project was removed, bring what is known with "
        "`forensics case import` or `forensics case add`."
    )


class EvidenceError(ForensicsError):
    """Evidence is invalid or damaged."""

    exit_code = 4
    default_meaning = "Conclusions cannot be drawn from it."
    default_advice = "Get it again from where it came, or go on without it."


class DamagedCase(EvidenceError):
    """Bytes of a case are not what was sealed."""

    default_meaning = "Conclusions from this case cannot be relied on."
    default_advice = "Go back to an intact copy; `forensics case verify` names each damaged file."


class ForeignCase(EvidenceError):
    """A directory or archive that is not a case, or of a schema that this version does not know."""

    default_meaning = "It was not read any further."
    default_advice = "Name a case directory or a zipped case that `forensics` wrote."


class UntrustedRoot(EvidenceError):
    """A case brings a trust root that nobody vouched for."""

    default_meaning = "Whoever made the case could have made its signatures too."
    default_advice = "If you know where the root comes from, name it with --trust-root FILE."


class MalformedEvidence(EvidenceError):
    """An attestation, bundle, proof, note or certificate that cannot be read."""

    default_meaning = "It proves nothing, and it says nothing about the artifact."


class HostileInput(EvidenceError):
    """Input beyond a limit: size, depth, count, ratio."""

    default_meaning = "It was not read any further."


class SourceError(ForensicsError):
    """One source could not be asked. It becomes a `NotChecked`, never an absence.

    `evidence` are the ids of the observations of the failure: the refused connection, the 429, the truncated body.
    """

    default_meaning = "What it would have said is not known; that is no absence."
    default_advice = "Run the same command again later."

    def __init__(self, what: str, *, meaning: str = "", advice: str = "", evidence: tuple[str, ...] = ()) -> None:
        super().__init__(what, meaning=meaning, advice=advice)
        self.evidence = evidence


class Unreachable(SourceError):
    """No connection, or none in time."""


class BadAnswer(SourceError):
    """An answer that is not what the endpoint's specification says."""


class Refused(SourceError):
    """The source, or one of our own limits, refused: 401, 403, 429, a redirect off the site, a body over the limit."""


class NotRecorded(SourceError):
    """Offline, and the case holds no answer."""


class BudgetSpent(SourceError):
    """The host's circuit is open, or the request budget is used up."""

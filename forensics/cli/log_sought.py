"""What `log scan` and `log watch` look for, from options or rekor-monitor's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.model.errors import UsageError

if TYPE_CHECKING:
    from forensics.transparency.matching import Match, Matcher, Sought, Text
    from forensics.transparency.monitor import MonitorConfiguration, MonitoredValue

IdentityOption = Annotated[
    list[str] | None,
    typer.Option(
        "--identity", metavar="SAN", help="A whole subject alternative name, such as a workflow's URI and ref."
    ),
]
RegexOption = Annotated[
    list[str] | None,
    typer.Option("--identity-regex", metavar="RE", help="A name in which this RE2 expression is found."),
]
EmailOption = Annotated[list[str] | None, typer.Option("--email", metavar="E", help="An e-mail address that signed.")]
IssuerOption = Annotated[
    list[str] | None, typer.Option("--issuer", metavar="URL", help="Narrows names and claims to any of these issuers.")
]
ClaimOption = Annotated[
    list[str] | None,
    typer.Option("--claim", metavar="NAME=VALUE", help="Narrows to a claim, such as source-repository-uri=URL."),
]
DigestOption = Annotated[
    list[str] | None, typer.Option("--digest", metavar="HEX", help="A digest that entries state: artifact or payload.")
]
FingerprintOption = Annotated[
    list[str] | None, typer.Option("--fingerprint", metavar="HEX", help="SHA-256 of a signer's certificate or key.")
]
FormOption = Annotated[str | None, typer.Option("--format", metavar="F", help="text, json or rekor-monitor.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="A configuration of rekor-monitor (YAML).")
]


@dataclass(frozen=True, slots=True)
class Options:
    """The options as they were given."""

    identity: list[str] | None = None
    regex: list[str] | None = None
    email: list[str] | None = None
    issuer: list[str] | None = None
    claim: list[str] | None = None
    digest: list[str] | None = None
    fingerprint: list[str] | None = None
    config: Path | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for, the configuration it came from, if any, and what to tell the user about it."""

    matcher: Matcher
    configuration: MonitorConfiguration | None
    notes: tuple[str, ...] = ()

    def value_of(self, match: Match) -> MonitoredValue:
        """Return the monitored value of *match*, as rekor-monitor would have had it in its configuration."""
        from forensics.transparency.monitor import MonitoredValue

        known = self.configuration.value_of(match.sought) if self.configuration else None
        if known is not None:
            return known
        sought = match.sought
        if sought.fingerprint:
            return MonitoredValue("fingerprint", (("fingerprint", sought.fingerprint),), (sought,))
        return MonitoredValue("certIdentity", (("certSubject", sought.label), ("issuers", None)), (sought,))


def search_of(options: Options) -> Search:
    """Return what *options* ask for. Raises UsageError for what cannot be asked, or nothing."""
    from forensics.transparency.matching import Matcher
    from forensics.transparency.monitor import parse_configuration

    sought = _sought(options)
    configuration = None
    if options.config is not None:
        try:
            configuration = parse_configuration(options.config.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--config {options.config} cannot be read: {error}.") from None
        except ModuleNotFoundError:
            raise UsageError(
                "--config needs PyYAML, which is not installed.",
                advice="Install PyYAML, or give the identities as options.",
            ) from None
        sought += configuration.sought
    if not sought:
        raise UsageError(
            "Say whom or what to look for.",
            advice="--identity, --identity-regex, --email, --issuer, --claim, --digest, --fingerprint or --config.",
        )
    return Search(Matcher(sought), configuration, configuration.notes if configuration else ())


def _sought(options: Options) -> list[Sought]:
    """Names are alternatives; issuers and claims narrow each of them, and stand alone where there is no name."""
    from dataclasses import replace

    from forensics.transparency import matching
    from forensics.transparency.matching import Literal, Sought

    issuers = tuple(Literal(one) for one in options.issuer or ())
    claims = _claims(options.claim or [])
    named = [
        *(matching.subject(name) for name in options.identity or ()),
        *(matching.expression(pattern) for pattern in options.regex or ()),
        *(matching.email(address) for address in options.email or ()),
    ]
    found = [replace(one, issuers=issuers, claims=claims) for one in named]
    if not named and (issuers or claims):
        found = [Sought(" ".join([*(options.claim or []), *(options.issuer or [])]), issuers=issuers, claims=claims)]
    found += [matching.digest(value) for value in options.digest or ()]
    found += [matching.fingerprint(value) for value in options.fingerprint or ()]
    return found


def _claims(values: list[str]) -> tuple[tuple[str, tuple[Text, ...]], ...]:
    from forensics.transparency.matching import Literal

    claims: dict[str, list[Text]] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not text:
            raise UsageError(f"--claim {value!r} is not of the form NAME=VALUE.")
        claims.setdefault(name.replace("-", "_"), []).append(Literal(text))
    return tuple((name, tuple(texts)) for name, texts in claims.items())

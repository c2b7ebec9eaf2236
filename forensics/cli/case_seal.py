"""`forensics case seal` and `forensics case root`: who vouches for a case, and whose signatures count."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.common import Ask, endpoints_from, trust_root_bytes
from forensics.cli.options import EndpointOption
from forensics.model.errors import UsageError

TufRootOption = Annotated[
    Path | None,
    typer.Option(
        "--tuf-root", metavar="FILE", help="The root.json by which you know another TUF repository than Sigstore's."
    ),
]
_TOKEN = "SIGSTORE_IDENTITY_TOKEN"


def seal(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A case by path or name.")],
    sign: Annotated[
        bool, typer.Option("--sign", help="Sign the manifest with Sigstore; your identity becomes public in its log.")
    ] = False,
    identity_token: Annotated[
        Path | None,
        typer.Option(
            "--identity-token", metavar="FILE", help=f"OIDC token to sign with; else {_TOKEN}, else the surroundings'."
        ),
    ] = None,
    timestamp: Annotated[
        bool, typer.Option("--timestamp", help="Have a timestamping authority say when (RFC 3161).")
    ] = False,
    tuf_root: TufRootOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Close a case for good and print the digest that names its exact content; write it into the ticket."""
    from forensics.evidence.case import Case
    from forensics.evidence.library import find_case
    from forensics.investigation.sealing import SealOptions, seal_case

    if identity_token is not None and not sign:
        raise UsageError("--identity-token is of no use without --sign.", advice="Add --sign, or leave it out.")
    options = SealOptions(sign, timestamp, _token(identity_token) if sign else None, tuf_root)
    digest = seal_case(Case.open(find_case(case)), options, endpoints_from(Ask(None, endpoint=endpoint)))
    typer.echo(f"sha256:{digest}")


def _token(path: Path | None) -> str | None:
    if path is None:
        return os.environ.get(_TOKEN)
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"The identity token in {path} cannot be read.") from None


def root(
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask Sigstore's TUF repository for today's root.")] = False,
    tuf_root: TufRootOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """List the trust roots whose cases are believed, by digest, or fetch today's; the one in force is marked."""
    from forensics.attestation.trust import default_root, known_roots
    from forensics.evidence.roots import kept_roots
    from forensics.model.text import visible
    from forensics.model.times import to_utc

    if tuf_root is not None and not refresh:
        raise UsageError("--tuf-root is of no use without --refresh: nobody is asked.", advice="Add --refresh.")
    if refresh:
        from forensics.sources.sigstore_tuf import refresh_root

        refresh_root(endpoints_from(Ask(None, endpoint=endpoint))["tuf"], tuf_root)
    named = trust_root_bytes(Ask(None))
    if named is not None:
        typer.echo("FORENSICS_TRUST_ROOT names a root of your own; it comes before these.", err=True)
    in_force = default_root().sha256
    rows = [(digest, f"shipped: {row['name']}") for digest, row in known_roots().items()]
    rows += [(kept.sha256, f"refreshed {to_utc(kept.at)} from {kept.url}") for kept in kept_roots()]
    for digest, what in rows:
        typer.echo(visible(f"{'*' if digest == in_force else ' '} {digest}  {what}"))

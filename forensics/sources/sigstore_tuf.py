"""Sigstore's trust root and signing configuration, through sigstore-python's TUF client.

Source: The Update Framework specification, section 5 (client workflow); sigstore/root-signing (the repository).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forensics.evidence.roots import KeptRoot, keep_root
from forensics.model.endpoints import SERVICES
from forensics.model.errors import Unreachable, UntrustedRoot, UsageError

OFFICIAL = next(service.default for service in SERVICES if service.key == "tuf")


@dataclass(frozen=True, slots=True)
class Targets:
    """What a TUF repository vouches for: the bytes of `trusted_root.json`, and where its signing configuration lies."""

    trusted_root: bytes
    signing_config: Path | None


def fetch_targets(url: str, bootstrap: Path | None = None, *, signing: bool = False) -> Targets:
    """Return the verified targets of the TUF repository at *url*; with *signing* its signing configuration too.

    *bootstrap* is a `root.json` that the user vouches for; the repository of Sigstore's public good instance needs
    none. Raises Unreachable when the repository cannot be asked, UntrustedRoot when what it says does not verify or
    has expired, UsageError for a repository that nothing vouches for.
    """
    from sigstore._internal.tuf import TrustUpdater
    from sigstore.errors import Error

    if bootstrap is not None and not bootstrap.is_file():
        raise UsageError(f"There is no TUF root at {bootstrap}.")
    try:
        updater = TrustUpdater(url, bootstrap_root=bootstrap)
        root = Path(updater.get_trusted_root_path()).read_bytes()
        config = Path(updater.get_signing_config_path()) if signing else None
    except (Error, OSError) as error:
        raise _typed(url, error) from error
    return Targets(root, config)


def refresh_root(url: str, bootstrap: Path | None = None) -> KeptRoot:
    """Fetch the trust root at *url*, keep it, and return it; its digest is known from then on.

    Raises as `fetch_targets` does, MalformedEvidence for a target that is no trust root.
    """
    from forensics.attestation.trust import vouch

    raw = fetch_targets(url, bootstrap).trusted_root
    vouch(raw, named=raw)
    return keep_root(raw, url, official=url == OFFICIAL and bootstrap is None)


def _typed(url: str, error: Exception) -> Unreachable | UntrustedRoot | UsageError:
    """The error of ours for one of sigstore-python's, by the cause that it carries."""
    from tuf.api.exceptions import DownloadError, RepositoryError

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, (DownloadError, RepositoryError, FileNotFoundError)):
        cause = cause.__cause__
    if isinstance(cause, RepositoryError):
        return UntrustedRoot(
            f"The TUF repository at {url} does not verify: {cause}.",
            meaning="Nothing that it says about keys is believed, and the roots known before stay in force.",
            advice="Somebody may stand between you and it, or it was left to expire. Look before you go on.",
        )
    if isinstance(cause, FileNotFoundError):
        return UsageError(
            f"Nothing vouches for the TUF repository at {url}.",
            advice="Name the root.json that you know it by, with --tuf-root FILE.",
        )
    return Unreachable(
        f"The TUF repository at {url} could not be asked: {cause or error}.",
        meaning="The trust roots known before stay in force.",
        advice="Run the same command again with a network; without one, --trust-root FILE names a root at hand.",
    )

"""Trust roots that the user had fetched: kept beside the cases, by digest, with where they came from and when."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forensics.evidence.durable import write_atomically
from forensics.evidence.library import home
from forensics.model.times import parse_time, to_iso

_FOLDER = ".trust"
_MAX_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class KeptRoot:
    """A root with its SHA-256 (hex), the TUF repository it is a verified target of, and when it was fetched (UTC).

    *official*: the repository is that of Sigstore's public good instance, begun from the root that ships with us.
    """

    sha256: str
    url: str
    at: datetime
    official: bool
    raw: bytes


def keep_root(raw: bytes, url: str, *, official: bool, now: datetime | None = None) -> KeptRoot:
    """Keep the trust root *raw* from *url*; from now on its digest is known. Raises EvidenceError on a full disk."""
    root = KeptRoot(hashlib.sha256(raw).hexdigest(), url, now or datetime.now(UTC), official, raw)
    folder = home() / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{root.sha256}.root.json", raw)
    about = {"url": url, "fetched_at": to_iso(root.at), "official": official}
    write_atomically(folder / f"{root.sha256}.about.json", (json.dumps(about, indent=2) + "\n").encode())
    return root


def kept_roots() -> list[KeptRoot]:
    """Return the roots that were kept, the oldest first. One whose bytes are not those of its name is left out."""
    paths = (home() / _FOLDER).glob("*.about.json")
    found = [root for path in paths if (root := _read(path)) is not None]
    return sorted(found, key=lambda root: (root.at, root.sha256))


def _read(about: Path) -> KeptRoot | None:
    digest = about.name.removesuffix(".about.json")
    try:
        with about.with_name(f"{digest}.root.json").open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        row = json.loads(about.read_bytes())
        root = KeptRoot(digest, str(row["url"]), parse_time(row["fetched_at"]), row["official"] is True, raw)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return root if hashlib.sha256(raw).hexdigest() == digest else None

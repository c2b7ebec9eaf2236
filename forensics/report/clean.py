"""One pass over the document before anything is rendered: hidden characters shown, foreign URLs defanged, giants cut.

A renderer for people works only on the copy that `clean` returns, so no template can forget it. `render_json` does not.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, cast

from forensics.model.document import Document
from forensics.model.text import defang_text, host_of, visible

IDENTIFIERS = frozenset(
    {
        "https://token.actions.githubusercontent.com",
        "https://gitlab.com",
        "https://accounts.google.com",
        "https://docs.pypi.org/attestations/publish/v1",
        "https://slsa.dev/provenance/v0.2",
        "https://slsa.dev/provenance/v1",
        "https://in-toto.io/Statement/v1",
    }
)
"""Whole texts that look like URLs and are names: token issuers and predicate types. Shown as they are, never linked."""

LONGEST = 2_000
"""Characters of one text that a report shows; what follows is counted, and whole in the JSON."""

# No brackets and no backslash: a URL in which something was defanged or made visible is not the URL that was asked.
_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][!#-;=?-Z_a-z~]*)?", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z0-9-]+")
# A click on an artifact would fetch what the report warns of.
_ARTIFACT = re.compile(r"\.(?:whl|gz|tgz|bz2|xz|zip|egg|exe|msi|dmg|rpm|deb|jar|node)(?:[?#]|$)", re.IGNORECASE)


def clean(document: Document) -> Document:
    """Return a copy of *document* whose every text is fit to be looked at; nothing else differs."""
    hosts = hosts_of(document)
    memo: dict[str, str] = {}

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            known = memo.get(value)
            if known is None:
                shown = value if value in IDENTIFIERS else defang_text(visible(value), hosts)
                known = memo[value] = _cut(shown)
            return known
        if isinstance(value, dict):
            return {walk(key): walk(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [walk(item) for item in value]
        return value

    return cast("Document", walk(document))


def hosts_of(document: Document) -> frozenset[str]:
    """Return the hosts that may be linked: the repository's, the case's endpoints, logs whose signature was valid."""
    hosts = {host_of(document["project"]["repository_url"] or "")}
    hosts.update(host_of(url) for url in document["case"]["endpoints"].values())
    for release in document["releases"]:
        for file in release["files"]:
            for attestation in file["attestations"]:
                if attestation["status"] == "valid":
                    origin = (attestation["log_origin"] or "").split(" ")[0].split("/")[0].lower()
                    hosts.add(origin if _HOST.fullmatch(origin) else None)
    return frozenset(host for host in hosts if host)


def linkable(url: str | None, hosts: frozenset[str]) -> bool:
    """Return whether *url* may be a link: plain http(s), to one of *hosts*, and not an artifact."""
    if not url or _LINK.fullmatch(url) is None or _ARTIFACT.search(url):
        return False
    return host_of(url) in hosts


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    half = LONGEST // 2
    return f"{text[:half]} … [{len(text) - half} more characters, whole text sha256 {digest}…]"

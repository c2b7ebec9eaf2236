"""One pass over the document before anything is rendered: hidden characters shown, foreign URLs defanged, giants cut.

A renderer for people works only on the copy that `clean` returns, so no template can forget it. `render_json` does not.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, cast

from forensics.model.document import Document, ReleaseDoc
from forensics.model.text import defang_text, host_of, visible
from forensics.report.words import flagged

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
    """Return *document* with every text fit to be looked at. What nothing is changed in is not copied.

    Releases without findings, of which a report shows no file, come without files, identities and publishers: of 10,000
    releases these are nearly all of the document. Nothing else differs.
    """
    shown = _Shown(hosts_of(document))

    def walk(value: Any) -> Any:
        made: Any
        kind = type(value)
        if kind is str:
            return shown[value]
        if kind is dict:
            made = {shown[key]: shown[item] if type(item) is str else walk(item) for key, item in value.items()}
            return value if made == value else made
        if kind is list or kind is tuple:
            made = [walk(item) for item in value]
            return value if made == value else made
        return value

    releases = [_shortened(release) for release in document["releases"]]
    return cast("Document", walk({**document, "releases": releases}))


def _shortened(release: ReleaseDoc) -> ReleaseDoc:
    if release["signals"] or flagged(release["verdict"]):
        return release
    return {**release, "files": [], "identity": None, "identity_diff": None, "publication": None}


class _Shown(dict[str, str]):
    """What is shown for each text, worked out once."""

    def __init__(self, hosts: frozenset[str]) -> None:
        super().__init__()
        self.hosts = hosts

    def __missing__(self, text: str) -> str:
        self[text] = result = clean_text(text, self.hosts)
        return result


def clean_text(text: str, hosts: frozenset[str] = frozenset()) -> str:
    """Return *text* fit to be looked at: what hides made visible, URLs but those to *hosts* defanged, giants cut."""
    return text if text in IDENTIFIERS else _cut(defang_text(visible(text), hosts))


def fit(text: str) -> str:
    """Return outside text for data that programs read: hidden characters shown, giants cut, links left as they are."""
    return _cut(visible(text))


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

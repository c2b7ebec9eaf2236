"""Which repository to ask about a project: the one its certificates name, else the one its index page names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.identity import Identity
from forensics.sources.index import Index, IndexFile, ProvenanceAnswer
from forensics.sources.signed import signed_parts

if TYPE_CHECKING:
    from forensics.model.endpoints import Endpoints

FORGES = ("github.com", "gitlab.com", "codeberg.org", "bitbucket.org", "gitea.com")
"""Hosts that are asked on the word of a certificate or an index page; any other must be named by the user."""
LATEST = 50
"""Attested releases, newest first, whose certificates have a say."""
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_NO_PROJECT = {"sponsors", "orgs", "users", "about", "features", "marketplace", "topics", "apps", "settings"}

NOBODY = NotChecked("neither a certificate nor the index names a repository at a known forge", "git")


@dataclass(frozen=True, slots=True)
class Home:
    """A repository: where to ask for it, whose word that is, and the attested commits of all releases.

    `ids` are the numeric repository ids of the certificates that mean it; empty where no certificate names one.
    `workflows` are the paths of the workflow files that certificates name.
    """

    url: str
    named_by: str
    ids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    commits: tuple[str, ...] = field(default=())
    workflows: frozenset[str] = frozenset()


def home_of(
    index: Outcome[Index], provenance: Mapping[str, Outcome[ProvenanceAnswer]], endpoints: Endpoints
) -> Outcome[Home]:
    """Return the repository to ask. Certificates lead; of several repositories, the one with most of the latest wins.

    Nothing here is verified: it only decides whom to ask. A forged page can name a forge's repository and no other
    host, and what that repository then says is held against verified certificates.
    """
    files = index.value.files if isinstance(index, Checked) else ()
    signed = list(_signed(files, provenance))
    groups: dict[str, list[Identity]] = defaultdict(list)
    for identity in signed[:LATEST]:
        if _forge_path(identity.source_repository_uri) and identity.source_repository_uri:
            groups[identity.source_repository_identifier or identity.source_repository_uri.lower()].append(identity)
    if groups:
        members = max(groups.values(), key=len)
        url = _addressed(members[0].source_repository_uri or "", endpoints)
        ids = frozenset(i.source_repository_identifier for i in members if i.source_repository_identifier)
        ours = [i for i in signed if not ids or i.source_repository_identifier in ids]
        names = frozenset(i.repository.lower() for i in ours if i.repository)
        if url:
            workflows = frozenset(i.workflow for i in ours if i.workflow)
            return Checked(Home(url, "certificates", ids, names, attested_commits(ours), workflows))
    found = index.value if isinstance(index, Checked) else None
    for link in found.links if found else ():
        url, path = _addressed(link, endpoints), _forge_path(link)
        if url and path and found:
            names = frozenset({"/".join(path[1:]).lower()})
            return Checked(Home(url, "the index's project page", names=names), found.evidence)
    return NOBODY


def attested_commits(identities: Iterable[Identity]) -> tuple[str, ...]:
    """Return the source commits and workflow commits (claims .13 and .19) of *identities*, in their order."""
    shas = [sha for i in identities for sha in (i.commit, i.build_config_digest) if sha]
    return tuple(dict.fromkeys(sha.lower() for sha in shas if re.fullmatch(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", sha)))


def _signed(files: tuple[IndexFile, ...], provenance: Mapping[str, Outcome[ProvenanceAnswer]]) -> Iterator[Identity]:
    """Yield each certificate's identity once, newest file first; certificates that cannot be read are left out."""
    seen: set[bytes] = set()
    for file in sorted(files, key=lambda f: (str(f.uploaded_at or ""), f.filename), reverse=True):
        for part in signed_parts(provenance.get(file.filename)):
            if part.certificate is None or part.certificate in seen:
                continue
            seen.add(part.certificate)
            identity = part.identity()
            if identity is not None:
                yield identity


def _forge_path(url: str | None) -> tuple[str, str, str] | None:
    """Return host, owner and name of a repository at a known forge, None for any other address."""
    if not url or not url.isprintable():
        return None
    try:
        parts = urlsplit(url.strip().removeprefix("git+"))
        host = (parts.hostname or "").removeprefix("www.")
        plain = parts.port is None and not parts.username and not parts.password
    except ValueError:
        return None
    pieces = [piece for piece in parts.path.split("/") if piece]
    if parts.scheme not in {"http", "https"} or host not in FORGES or not plain or len(pieces) < 2:
        return None
    owner, name = pieces[0], pieces[1].removesuffix(".git")
    if owner in _NO_PROJECT or not _PART.fullmatch(owner) or not _PART.fullmatch(name) or ".." in owner + name:
        return None
    return host, owner, name


def _addressed(url: str, endpoints: Endpoints) -> str | None:
    """Return where to ask for the repository at *url*, by the template in force."""
    path = _forge_path(url)
    if path is None or "git" not in endpoints.urls:
        return None
    host, owner, name = path
    return endpoints["git"].replace("{host}", host).replace("{owner}", owner).replace("{repo}", name)

"""What an index states about how one version was published: by whom, with what, and what it declares.

All of it is the index's word, or the publisher's own. Nothing here is signed, save where an attestation says it too.
"""

from __future__ import annotations

from dataclasses import dataclass

from forensics.model.checked import Checked, NotChecked, Outcome

NO_PUBLICATION = NotChecked("the index does not state how versions were published", "packument, journal or export")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of an index; *email* is None where it is not stated. Both are as written there."""

    name: str
    email: str | None = None

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name


@dataclass(frozen=True, slots=True)
class Uploader:
    """Who put a version into the index.

    `trusted_publisher` is the kind of CI (`github`, `gitlab`, …) whose identity token was used, None where an account's
    own credentials were. `approver` released a version that was staged for approval.
    """

    account: Account
    trusted_publisher: str | None = None
    approver: Account | None = None

    def __str__(self) -> str:
        robot = f" (trusted publisher {self.trusted_publisher})" if self.trusted_publisher else ""
        approved = f", approved by {self.approver}" if self.approver else ""
        return f"{self.account}{robot}{approved}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that a version declares to need: its name, the range as written, and in which table it stands."""

    name: str
    spec: str
    kind: str = "dependencies"


@dataclass(frozen=True, slots=True)
class Signature:
    """An index's own signature over name, version and digest: the key's id and the signature (base64 of DER)."""

    keyid: str
    sig: str


@dataclass(frozen=True, slots=True)
class Publication:
    """How one version was published.

    `uploader`: not checked where the answer does not carry it (mirrors drop it). `provenance` is the predicate type of
    the attestation that the index says it holds, None for an observed absence. `client` and `runtime` are what the
    publisher's program said of itself (`npm/10.8.2`, `node/22.1.0`). `git_head` is the publisher's word. `integrity` is
    the digest as it is written there, which the index's `signatures` are over. `hooks` are the scripts that run when
    others install it, by name. Sizes are in bytes, None where not stated.
    """

    uploader: Outcome[Uploader]
    provenance: Outcome[str | None]
    client: str | None = None
    runtime: str | None = None
    git_head: str | None = None
    hooks: tuple[tuple[str, str], ...] = ()
    native_build: bool | None = None
    requirements: tuple[Requirement, ...] = ()
    maintainers: tuple[Account, ...] = ()
    unpacked_size: int | None = None
    file_count: int | None = None
    deprecated: str | None = None
    signatures: tuple[Signature, ...] = ()
    integrity: str | None = None
    placeholder: bool = False


def uploader_in(publication: Outcome[Publication]) -> Uploader | None:
    """Return who published according to *publication*, None where nobody says."""
    uploader = publication.value.uploader if isinstance(publication, Checked) else publication
    return uploader.value if isinstance(uploader, Checked) else None

"""Git's answers in the archive of a case: each a question of its own kind, recorded once and read from there.

A question has a method that no HTTP server knows, the URL of the repository, and as its body what else was asked.
The answer's body is what git printed; 200 says that it answered, 404 that it knows no such object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forensics.evidence.wire import Failure, ReceivedResponse, SentRequest, body_digest, clean_url
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import ForensicsError

if TYPE_CHECKING:
    from forensics.evidence.archive import Archive
    from forensics.evidence.index import Exchange

REFS = "GIT-LS-REMOTE"
"""What the server lists: HEAD, branches, tags with what they point at, pull requests."""
COMMIT = "GIT-FETCH-COMMIT"
"""Whether the server gives out one commit, named in the body."""
FETCH = "GIT-FETCH"
"""What arrived: every ref with its object, peeled, and the tagger's date."""
LOG = "GIT-LOG"
"""Every commit a ref leads to: id, parents, two times, subject."""
TREES = "GIT-TREES"
"""The files of tagged and attested commits: one listing, then differences."""
BUMPS = "GIT-BUMPS"
"""Lines about a version that commits add to the files which state it."""
WORKFLOWS = "GIT-WORKFLOWS"
"""The workflow files of attested commits, by blob id."""
LINT = "ZIZMOR"
"""What static analysis finds in one workflow file, whose blob id is the body; without a body: why nothing was run."""
BUNDLE = "GIT-BUNDLE"
"""Which bundle of the case holds the objects, or why none does. Recorded last: with it, a collection is whole."""

NEEDS = "git"
_TEXT = (("Content-Type", "application/x-git-output"),)


@dataclass(slots=True)
class Records:
    """The answers of git in one archive. *fresh_after*: what was recorded before this UTC time counts as not asked."""

    archive: Archive
    fresh_after: datetime | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def put(self, method: str, url: str, body: bytes, *, about: bytes = b"", status: int = 200) -> None:
        """Record an answer."""
        reason = "OK" if status == 200 else "Not Found"
        self.archive.append(_question(method, url, about), ReceivedResponse(status, reason, _TEXT, body), self.clock())

    def miss(self, method: str, url: str, error: ForensicsError, *, about: bytes = b"") -> None:
        """Record that there is no answer, and why."""
        failure = Failure(type(error).__name__, error.what)
        self.archive.append(_question(method, url, about), failure, self.clock())

    def has(self, method: str, url: str, about: bytes = b"") -> bool:
        """Return whether an answer is there that need not be asked again."""
        found = self._find(method, url, about)
        return found is not None and found.failed is None and not self._stale(found)

    def was_asked(self, method: str, url: str, about: bytes = b"") -> bool:
        """Return whether the question was put at all, with whatever outcome."""
        return self._find(method, url, about) is not None

    def read(self, method: str, url: str, about: bytes = b"") -> Outcome[bytes]:
        """Return the recorded answer, or why there is none. A 404 is an observed absence: no bytes."""
        found = self._find(method, url, about)
        if found is None:
            return NotChecked("the repository was not asked this when the case was collected", NEEDS)
        evidence = (found.observation.id,)
        if found.failed is not None:
            return NotChecked(found.failed.message or found.failed.kind, NEEDS, evidence)
        if found.observation.status == 404:
            return Checked(b"", evidence, "not in the repository")
        return Checked(self.archive.response(found).body, evidence)

    def at(self, method: str, url: str) -> datetime | None:
        """Return when the answer was given (UTC), None where there is none."""
        found = self._find(method, url, b"")
        return found.observation.at if found is not None and found.failed is None else None

    def urls(self) -> tuple[str, ...]:
        """Return the repositories that were asked, the one asked last at the end, each once."""
        asked = [o.url for o in self.archive.observations() if o.method == REFS]
        return tuple(reversed(dict.fromkeys(reversed(asked))))

    def _find(self, method: str, url: str, about: bytes) -> Exchange | None:
        return self.archive.find(_question(method, url, about).key)

    def _stale(self, exchange: Exchange) -> bool:
        return self.fresh_after is not None and exchange.observation.at < self.fresh_after


def _question(method: str, url: str, about: bytes) -> SentRequest:
    return SentRequest(method, clean_url(url), (), body_digest(about), about)

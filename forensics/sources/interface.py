"""What every witness has in common: it is asked through a `Client`, and an outage becomes a `NotChecked`."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import HostileInput, SourceError
from forensics.model.release import SourceStatus

if TYPE_CHECKING:
    from forensics.evidence.client import Answer


@dataclass(slots=True)
class Witness:
    """One source during one run: counts what it was asked and remembers in which words it failed first."""

    name: str
    asked: int = 0
    answered: int = 0
    problem: str | None = None
    evidence: list[str] = field(default_factory=list)

    async def ask(self, call: Awaitable[Answer], needs: str) -> Outcome[Answer]:
        """Await *call*; return its answer, or why there is none. Only `SourceError` is turned into a reason."""
        self.asked += 1
        try:
            answer = await call
        except (SourceError, HostileInput) as error:
            evidence = tuple(getattr(error, "evidence", ()))
            return self.miss(error.what, needs, evidence)
        self.answered += 1
        return Checked(answer, (answer.observation,))

    def miss(self, reason: str, needs: str, evidence: tuple[str, ...] = ()) -> NotChecked:
        """Note a failure and return it as a `NotChecked`."""
        self.problem = self.problem or reason
        self.evidence.extend(evidence[:3] if len(self.evidence) < 12 else ())
        return NotChecked(reason, needs, evidence)

    def status(self) -> SourceStatus:
        """Return how the source did."""
        return SourceStatus(self.name, self.asked, self.answered, self.problem, tuple(dict.fromkeys(self.evidence)))


def on_this_machine(url: str) -> bool:
    """Return whether *url* is served by this machine, which needs no sparing."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


def text(value: Any, limit: int = 10_000) -> str | None:
    """Return *value* if it is a string of at most *limit* characters, cut if longer; None for anything else."""
    return value[:limit] if isinstance(value, str) else None


def mapping(value: Any) -> dict[str, Any]:
    """Return *value* if it is a JSON object, else an empty one: missing and malformed read alike downstream."""
    return value if isinstance(value, dict) else {}


def items(value: Any, limit: int = 200_000) -> list[Any]:
    """Return *value* if it is a JSON array, at most *limit* items of it, else an empty one."""
    return value[:limit] if isinstance(value, list) else []


def hex_digest(value: Any, length: int = 64) -> str | None:
    """Return *value* in lower case if it is a hex digest of *length* digits, else None."""
    if not isinstance(value, str) or len(value) != length:
        return None
    lowered = value.lower()
    return lowered if all(c in "0123456789abcdef" for c in lowered) else None

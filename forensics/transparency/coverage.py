"""What a search has covered, to the entry: a search that says nothing about its gaps proves nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from forensics.transparency.ranges import Span

MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class Gap:
    """The entries [begin, end) that were asked for and not searched, and why."""

    begin: int
    end: int
    reason: str

    @property
    def text(self) -> str:
        """The entries for a person: `1280–1535`, or `1280` where it is one."""
        return f"{self.begin}" if self.end == self.begin + 1 else f"{self.begin}–{self.end - 1}"


@dataclass(frozen=True, slots=True)
class Unread:
    """One entry of which something could not be read: its index in the shard, and what."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of the entries [asked.begin, asked.end) of *shard* was searched. Indices count in the shard.

    *ranges*: the searched ones, in order and not touching. *unparsable*: entries that are no entry of a known kind.
    *unreadable*: entries with a certificate that could not be read, or a name that could not be judged; a search for
    literals opens only entries that hold them, so it lists only those among them. *verified_size* and *verified_root*
    (32 bytes): the checkpoint to which every searched entry was hashed; None where there is no one such checkpoint.
    *each_proved*: whether every searched entry came with a proof of its own, to a checkpoint that the log signed.
    """

    shard: str
    asked: Span
    ranges: tuple[Span, ...]
    gaps: tuple[Gap, ...] = ()
    unparsable: tuple[Unread, ...] = ()
    unreadable: tuple[Unread, ...] = ()
    verified_size: int | None = None
    verified_root: bytes | None = None
    each_proved: bool = False

    @property
    def entries(self) -> int:
        """How many entries were searched."""
        return sum(span.end - span.begin for span in self.ranges)

    @property
    def complete(self) -> bool:
        """Whether every entry that was asked for was searched and could be judged."""
        whole = self.entries == self.asked.end - self.asked.begin
        return whole and not (self.gaps or self.unparsable or self.unreadable)

    def text(self) -> str:
        """Return the sentence for a person: `indices a–b of shard x, 3 gaps, k entries unparsable: listed`."""
        begin, end = self.asked
        span = f"indices {begin}–{end - 1}" if end > begin else "no indices"
        parts = [f"{span} of shard {self.shard}", _counted(len(self.gaps), "gap")]
        parts[1] += _listed((f"{gap.text} ({gap.reason})" for gap in self.gaps), len(self.gaps))
        parts.append(_counted(len(self.unparsable), "entry", "entries") + " unparsable" + _indices(self.unparsable))
        if self.unreadable:
            count = _counted(len(self.unreadable), "entry", "entries")
            parts.append(f"{count} not readable in full{_indices(self.unreadable)}")
        if self.verified_root is not None:
            parts.append(f"hashed to the checkpoint of size {self.verified_size}, root {self.verified_root.hex()}")
        else:
            parts.append("each entry hashed to a signed checkpoint" if self.each_proved else "hashes not checked")
        return ", ".join(parts)


def united(whole: Coverage, parts: Iterable[Coverage]) -> Coverage:
    """Return *whole*, the frame of a search, with what the searches of its *parts* covered beside what it has."""
    ranges, gaps = list(whole.ranges), list(whole.gaps)
    unparsable, unreadable = list(whole.unparsable), list(whole.unreadable)
    for part in parts:
        ranges += part.ranges
        gaps += part.gaps
        unparsable += part.unparsable
        unreadable += part.unreadable
    return replace(
        whole,
        ranges=joined(ranges),
        gaps=joined_gaps(gaps),
        unparsable=tuple(sorted(unparsable, key=lambda one: one.index)),
        unreadable=tuple(sorted(unreadable, key=lambda one: one.index)),
    )


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same entries as *spans*, as few spans in order as possible."""
    found: list[Span] = []
    for span in sorted(spans):
        if span.begin >= span.end:
            continue
        if found and span.begin <= found[-1].end:
            found[-1] = Span(found[-1].begin, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def without(spans: Iterable[Span], taken: Iterable[Span]) -> tuple[Span, ...]:
    """Return what of *spans* (in order, not touching) is in none of *taken*."""
    left = list(spans)
    for begin, end in joined(taken):
        left = [
            part
            for span in left
            for part in (Span(span.begin, min(span.end, begin)), Span(max(span.begin, end), span.end))
            if part.begin < part.end
        ]
    return tuple(left)


def joined_gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return *gaps* in order, neighbours with the same reason as one."""
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.begin):
        if found and found[-1].end == gap.begin and found[-1].reason == gap.reason:
            found[-1] = Gap(found[-1].begin, gap.end, gap.reason)
        else:
            found.append(gap)
    return tuple(found)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count or 'no'} {one if count == 1 else many or one + 's'}"


def _indices(unread: tuple[Unread, ...]) -> str:
    return _listed((str(each.index) for each in unread), len(unread))


def _listed(items: Iterable[str], count: int) -> str:
    shown = [item for _, item in zip(range(MAX_LISTED), items, strict=False)]
    rest = f" and {count - len(shown)} more" if count > len(shown) else ""
    return f": {', '.join(shown)}{rest}" if shown else ""

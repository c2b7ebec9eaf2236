"""Regular expressions for identities, as near to RE2 as Python's engine allows, and safe to run on hostile text.

Source: the syntax of RE2 (github.com/google/re2/wiki/Syntax), which monitors of transparency logs use. The meaning is
RE2's: unanchored, ASCII classes, `$` at the end of the text alone. Python's engine backtracks, RE2's does not; so what
can take exponential time is refused when the expression is read, and the rest is bounded by the length of the text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from forensics.model.errors import HostileInput, UsageError

MAX_PATTERN = 1000
MAX_TEXT = 4096
MAX_STEPS = 10**9
"""Ways in which the unbounded repetitions of an expression can be laid over a text, above which it is not tried."""

_ADVICE = "Write it without, or look for the fixed part of the name instead."


@dataclass(frozen=True)
class Expression:
    """A compiled expression. Raises UsageError for one that RE2 does not know or that could take forever."""

    pattern: str
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _repeats: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        translated, repeats = _translate(self.pattern)
        try:
            compiled = re.compile(translated, re.ASCII)
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f"the expression {self.pattern!r} cannot be read: {error}") from error
        object.__setattr__(self, "_compiled", compiled)
        object.__setattr__(self, "_repeats", repeats)

    def found_in(self, text: str) -> bool:
        """Return whether the expression is found anywhere in *text*.

        Raises HostileInput for a text so long that the search could take minutes: it was not judged.
        """
        if len(text) > MAX_TEXT or (len(text) > 64 and math.comb(len(text), self._repeats) > MAX_STEPS):
            raise HostileInput(f"a name of {len(text)} characters is too long for the expression {self.pattern!r}")
        return self._compiled.search(text) is not None


def _translate(pattern: str) -> tuple[str, int]:
    """Return *pattern* for Python and the number of its unbounded repetitions."""
    if len(pattern) > MAX_PATTERN:
        raise UsageError(f"an expression of {len(pattern)} characters; the limit is {MAX_PATTERN}")
    return _Reader(pattern).read()


class _Reader:
    """One pass over an expression. `_groups` holds for each open group whether anything in it repeats or branches."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._out: list[str] = []
        self._groups: list[bool] = [False]
        self._closed: bool | None = None  # of the group that has just ended: whether anything in it repeats or branches
        self._repeats = 0
        self._after_repeat = -1
        self._at = 0

    def read(self) -> tuple[str, int]:
        while self._at < len(self._pattern):
            character = self._pattern[self._at]
            if character in "*+?{":
                self._repeat()
                continue
            self._at += 1
            closed = None
            if character == "\\":
                self._escape()
            elif character == "[":
                self._class()
            elif character == "(":
                self._open()
            elif character == ")":
                closed = self._close()
            else:
                if character == "|":
                    self._groups[-1] = True
                self._out.append(r"\Z" if character == "$" else character)
            self._closed = closed
        return "".join(self._out), self._repeats

    def _refuse(self, what: str) -> UsageError:
        return UsageError(f"the expression {self._pattern!r} uses {what}", advice=_ADVICE)

    def _escape(self) -> None:
        following = self._pattern[self._at : self._at + 1]
        self._at += 1
        if following.isdigit():
            raise self._refuse("a reference to a group, which RE2 does not know")
        if following in set("pPCQEZGKXRkg"):
            raise self._refuse(f"\\{following}, which is not supported here")
        self._out.append(r"\Z" if following == "z" else "\\" + following)

    def _class(self) -> None:
        end = self._at + (self._pattern[self._at : self._at + 1] == "^")
        end += self._pattern[end : end + 1] == "]"
        while end < len(self._pattern) and self._pattern[end] != "]":
            if self._pattern.startswith("[:", end):
                raise self._refuse("a class by name, which is not supported here")
            end += 2 if self._pattern[end] == "\\" else 1
        inside = re.findall(r"\\.|.", self._pattern[self._at : end], re.DOTALL)
        # Python keeps some characters in a class for later use and warns; RE2 takes them as they are.
        plain = "".join("\\" + each if each in set("[&~|") else each for each in inside)
        self._out.append("[" + plain.replace("--", "-\\-") + "]")
        if end >= len(self._pattern):
            raise self._refuse("a class without an end")
        self._at = end + 1

    def _open(self) -> None:
        kind = re.match(r"\?(?::|P<[A-Za-z_][A-Za-z0-9_]*>|i\)|i:)", self._pattern[self._at :])
        if self._pattern[self._at : self._at + 1] == "?" and kind is None:
            raise self._refuse("a kind of group that is not supported here")
        head = kind[0] if kind else ""
        self._at += len(head)
        if head == "?i)":
            if any(self._out):
                raise self._refuse("(?i) elsewhere than at its beginning")
            self._out.append("(?i)")
            return
        self._out.append("(" + head)
        self._groups.append(False)

    def _close(self) -> bool:
        if len(self._groups) == 1:
            raise self._refuse("a closing parenthesis without an opening one")
        self._out.append(")")
        inner = self._groups.pop()
        self._groups[-1] = self._groups[-1] or inner
        return inner

    def _repeat(self) -> None:
        match = re.compile(r"[*+?]\??|\{([0-9]{1,4})(,([0-9]{0,4}))?\}\??", re.ASCII).match(self._pattern, self._at)
        if self._out and self._at == self._after_repeat:
            raise self._refuse("a repetition of a repetition")
        if match is None:  # a brace that repeats nothing
            self._out.append(r"\{")
            self._at += 1
            self._closed = None
            return
        most = match[3] or match[1] if match[1] is not None else ""
        bounded = match[0][0] == "?" or (match[1] is not None and (match[2] is None or match[3] != ""))
        many = not bounded or (most.isdigit() and int(most) > 1)
        if many and self._closed:
            raise self._refuse("a repetition of a group that repeats or branches inside")
        if match[1] is not None and int(most or match[1]) > 1000:
            raise self._refuse("more than 1000 repetitions")
        if many:
            self._repeats += 1
        self._groups[-1] = True
        self._out.append(match[0])
        self._at = self._after_repeat = match.end()
        self._closed = None

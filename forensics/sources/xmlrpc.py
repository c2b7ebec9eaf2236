"""XML-RPC answers from a stranger: parsed without entities, a row at a time, within limits.

Source: XML-RPC specification (1999); Python's `xmlrpc.client` for the nil extension.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from forensics.model.errors import BadAnswer, HostileInput

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_DEPTH = 24
"""Nesting of elements; a row of the journal stands twelve deep."""
MAX_ROWS = 100_000
"""Rows of one answer; the index sends at most 50,000."""
MAX_TEXT = 4096
"""Characters of one value."""
_ROW_DEPTH = 6
"""methodResponse, params, param, value, array, data: the rows of a list are the values below these."""


class Fault(BadAnswer):
    """The server answered, and its answer is an XML-RPC fault."""


class OtherAnswer(BadAnswer):
    """The answer to another method than the one asked about."""


def call(method: str, *arguments: int | str) -> bytes:
    """Return the body of a call; the same question always has the same bytes."""
    import xmlrpc.client

    return xmlrpc.client.dumps(arguments, method).encode()


def rows(body: bytes, name: str, evidence: tuple[str, ...] = ()) -> Iterator[list[Any]]:
    """Yield each row of an answer that is a list of lists; *name* says in errors where it comes from.

    Raises Fault, BadAnswer for what is no such answer, HostileInput beyond a limit or for a document type.
    """
    count = 0
    for depth, element in _elements(body, name, evidence):
        if depth == _ROW_DEPTH + 1 and element.tag == "value":
            count += 1
            if count > MAX_ROWS:
                raise HostileInput(f"{name} answered with more than {MAX_ROWS:,} rows.")
            row = _value(element)
            if not isinstance(row, list):
                raise _no_answer(name, "a row that is no list", evidence)
            yield row


def scalar(body: bytes, name: str, evidence: tuple[str, ...] = ()) -> int:
    """Return the whole number that an answer consists of. Raises as `rows` does."""
    for depth, element in _elements(body, name, evidence):
        if depth == 4 and element.tag == "value":
            number = _value(element)
            if isinstance(number, int):
                return number
            break
    raise _no_answer(name, "something that is not a number", evidence)


def _elements(body: bytes, name: str, evidence: tuple[str, ...]) -> Iterator[tuple[int, Element]]:
    """Yield every element at its end with its depth (the root is 1); a row is forgotten once it was seen."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    open_ones: list[Element] = []
    try:
        for event, element in iterparse(io.BytesIO(body), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                open_ones.append(element)
                if len(open_ones) > MAX_DEPTH:
                    raise HostileInput(f"{name} answered with XML nested more than {MAX_DEPTH} levels deep.")
                continue
            depth = len(open_ones)
            if depth == 1 and element.tag != "methodResponse":
                raise _no_answer(name, "XML that is no methodResponse", evidence)
            if depth == 2 and element.tag == "fault":
                raise _fault(element, name, evidence)
            yield depth, element
            open_ones.pop()
            if depth == _ROW_DEPTH + 1 and element.tag == "value":
                open_ones[-1].clear()
    except DefusedXmlException:
        raise HostileInput(f"{name} answered with XML that declares a document type or entities.") from None
    except (ParseError, ValueError, LookupError) as error:  # a broken document, or an encoding nobody knows
        raise _no_answer(name, f"something that is not XML ({error})", evidence) from None


def _no_answer(name: str, what: str, evidence: tuple[str, ...]) -> BadAnswer:
    return BadAnswer(f"{name} answered with {what}.", evidence=evidence)


def _fault(element: Element, name: str, evidence: tuple[str, ...]) -> Fault:
    parts = [(item.text or "").strip() for item in element.iter() if item.text and item.tag in {"string", "int", "i4"}]
    words = "; ".join(parts)[:300]
    return Fault(f"{name} answered with a fault: {words or 'without words'}.", evidence=evidence)


def _value(element: Element) -> Any:
    """Return the value of a `value` element: text, whole number, list, or None for nil and for what we do not read."""
    child = next(iter(element), None)
    if child is None:  # without a type it is a string
        return (element.text or "")[:MAX_TEXT]
    if child.tag == "string":
        return (child.text or "")[:MAX_TEXT]
    if child.tag in {"int", "i4", "i8"}:
        digits = (child.text or "").strip()
        bare = digits.removeprefix("-")
        return int(digits) if bare.isascii() and bare.isdigit() and len(bare) < 19 else None
    if child.tag == "array":
        data = child.find("data")
        return [_value(item) for item in data] if data is not None else []
    return None

"""Strict decoding of TOML tables into frozen dataclasses.

The dataclass is the schema: a key it does not name, a missing key without default, and a value of
another type are each a :class:`ScenarioError` that names the file and the full key. Nothing is ignored.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from tests.lab.errors import ScenarioError

T = TypeVar("T")


def decode(cls: type[T], table: object, file: str, key: str = "") -> T:
    """Read ``table`` as the dataclass ``cls``; ``key`` is the path of the table, for messages."""
    if not isinstance(table, dict):
        raise ScenarioError(file, key or "(file)", "is not a table")
    fields = {field.name: field for field in dataclasses.fields(typing.cast("Any", cls))}
    hints = typing.get_type_hints(cls)
    for name in table:
        if name not in fields:
            raise ScenarioError(file, _join(key, str(name)), "is not a key of the scenario format")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(hints[name], table[name], file, _join(key, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ScenarioError(file, _join(key, name), "is missing")
    return cls(**values)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _value(hint: Any, value: object, file: str, key: str) -> Any:
    """Convert one value to the type its field declares."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _value(inner, value, file, key)
    if origin is typing.Literal:
        if value not in arguments or isinstance(value, bool):
            raise ScenarioError(file, key, f"is {value!r}, not one of {', '.join(map(str, arguments))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise ScenarioError(file, key, "is not an array")
        return tuple(_value(arguments[0], item, file, f"{key}[{n}]") for n, item in enumerate(value))
    if origin is Mapping or origin is dict:
        if not isinstance(value, dict):
            raise ScenarioError(file, key, "is not a table")
        return {name: _value(arguments[1], item, file, _join(key, name)) for name, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast("type[Any]", hint), value, file, key)
    return _scalar(hint, value, file, key)


def _scalar(hint: Any, value: object, file: str, key: str) -> Any:
    """Check a string, number, boolean or time; times must carry an offset and become UTC."""
    if hint is datetime:
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise ScenarioError(file, key, "is not a time with an offset")
        return value.astimezone(UTC)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ScenarioError(file, key, f"is {value!r}, which is not of type {hint.__name__}")
    return value

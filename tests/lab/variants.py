"""The same history told otherwise: other names, another year's calendar, another order of the file.

What is concluded about a release may depend on none of these. Times move by whole weeks, since hours and weekdays are
a project's habits, and never across a day from which on certificates carry more claims.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from tests.lab.npm_accounts import CI_NAME
from tests.lab.scenario import IdentityChange, Repository, Scenario

T = TypeVar("T")

FOUR_WEEKS = timedelta(weeks=4)
_REPOSITORY, _OWNER = 7_000_001, 5_000_003  # what is added to the repository's numbers


def mapped(value: T, change: Callable[[Any], Any]) -> T:
    """Return ``value`` with every string, number and time in it changed, keys of tables included."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: mapped(getattr(value, field.name), change) for field in dataclasses.fields(value)}
        return cast("T", dataclasses.replace(value, **fields))
    if isinstance(value, tuple):
        return cast("T", tuple(mapped(item, change) for item in value))
    if isinstance(value, Mapping):
        return cast("T", {mapped(key, change): mapped(item, change) for key, item in value.items()})
    return cast("T", change(value))


def shifted(scenario: Scenario, by: timedelta = FOUR_WEEKS) -> Scenario:
    """Everything later by so much, or earlier."""
    return mapped(scenario, lambda value: value + by if isinstance(value, datetime) else value)


def reversed_file(scenario: Scenario) -> Scenario:
    """The tables of the file in the opposite order."""
    turned = {name: getattr(scenario, name)[::-1] for name in ("release", "sibling", "log_only", "known", "expect")}
    return dataclasses.replace(scenario, **turned)


def renamed(scenario: Scenario) -> Scenario:
    """Another project, repository, owner and other accounts, under other numbers.

    New names are of the old names' length, for sizes are looked at as well.
    """
    home = scenario.repository
    names = {scenario.project, *(sibling.project for sibling in scenario.sibling)}
    accounts = {row.account for row in scenario.release} - {"", CI_NAME}
    if scenario.background:
        accounts |= {scenario.background.account} - {"", CI_NAME}
    known = {**{name: _turned(name) for name in names | accounts}, home.url: _elsewhere(home.url)}

    def change(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        for old in sorted(names, key=len, reverse=True):  # `thing-1.0.tar.gz`, `pkg:npm/thing@1.0`
            value = re.sub(rf"(?<![\w@.-]){re.escape(old)}(?=[-@]\d)", known[old], value)
        return known.get(value, value)

    other = mapped(scenario, change)
    moved = dataclasses.replace(other.repository, id=home.id + _REPOSITORY, owner_id=home.owner_id + _OWNER)
    return dataclasses.replace(
        other,
        id=scenario.id,
        repository=moved,
        release=tuple(dataclasses.replace(row, identity=_renumbered(row.identity, home)) for row in other.release),
    )


def _renumbered(identity: IdentityChange, home: Repository) -> IdentityChange:
    """An identity's numbers: those of the repository stay the repository's."""
    return dataclasses.replace(
        identity,
        repository_id=home.id + _REPOSITORY if identity.repository_id == home.id else identity.repository_id,
        owner_id=home.owner_id + _OWNER if identity.owner_id == home.owner_id else identity.owner_id,
    )


def _turned(name: str) -> str:
    """A name of the same length and form: each letter thirteen further on (``@`` and separators stay)."""
    return "".join(chr((ord(c) - 97 + 13) % 26 + 97) if "a" <= c <= "z" else c for c in name)


def _elsewhere(url: str) -> str:
    host, owner, name = url.rstrip("/").rsplit("/", 2)
    return f"{host}/{_turned(owner)}/{_turned(name)}"

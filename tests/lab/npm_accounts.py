"""Who published a version, and who maintains a package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.lab.plan import PlannedRelease
from tests.lab.scenario import Scenario

CI_NAME = "GitHub Actions"
CI_EMAIL = "npm-oidc-no-reply@github.com"
"""Whom the registry names for a trusted publisher."""


@dataclass(frozen=True)
class Account:
    """An account of the registry."""

    name: str
    email: str

    def row(self) -> dict[str, object]:
        """As ``_npmUser`` and ``maintainers`` have it."""
        return {"name": self.name, "email": self.email}

    def user(self) -> dict[str, str]:
        """As the search has it."""
        return {"username": self.name, "email": self.email}


def publisher(scenario: Scenario, release: PlannedRelease) -> Account:
    """The account that published a release: the scenario's, else the trusted publisher's or the owner's."""
    row = release.row
    name = row.account or (CI_NAME if row.door.startswith("trusted-") else _owner(scenario))
    return Account(name, row.account_email or _email(scenario, name))


def maintainers(scenario: Scenario, releases: Iterable[PlannedRelease]) -> list[Account]:
    """The accounts that may publish: the owner where CI publishes alone, and everybody who has published."""
    made = [publisher(scenario, release) for release in releases]
    named = {one.name: Account(one.name, _email(scenario, one.name)) for one in made if one.name != CI_NAME}
    if not named:
        owner = _owner(scenario)
        named[owner] = Account(owner, _email(scenario, owner))
    return [named[name] for name in sorted(named)]


def _owner(scenario: Scenario) -> str:
    """The owner of the repository, whose account the lab gives the package to."""
    return scenario.repository.url.rstrip("/").split("/")[-2].lower()


def _email(scenario: Scenario, name: str) -> str:
    """The usual address of an account: the one that a release which is not malicious gives, else one of the lab."""
    if name == CI_NAME:
        return CI_EMAIL
    given = (row.account_email for row in scenario.release if row.account == name and not row.malicious)
    local = "".join(c if c.isalnum() else "." for c in name.lower())
    return next((email for email in given if email), f"{local}@accounts.lab.example")

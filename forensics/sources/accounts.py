"""The accounts that have a role in a project of PyPI, and where else they have one.

Source: PyPI's XML-RPC documentation (`package_roles`, `user_packages`). Roles are those of the moment of asking: who
had one when a release was made, the journal tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.journal import Member
from forensics.model.project import Project
from forensics.sources.interface import Witness
from forensics.sources.xmlrpc import call, rows

if TYPE_CHECKING:
    from forensics.evidence.client import Client

NEEDS = "index"
MAX_ACCOUNTS = 20
"""Accounts of which the other projects are asked for; organisations with more have robots among them."""
MAX_PROJECTS = 2000
"""Projects of one account that are kept."""


async def read_members(
    client: Client, endpoints: Endpoints, project: Project, witness: Witness
) -> Outcome[tuple[Member, ...]]:
    """Return the accounts of *project* by role and name, each with its other projects, as far as the index tells."""
    url = endpoints["journal"]
    roles = await _pairs(client, url, "package_roles", project.name, witness)
    if isinstance(roles, NotChecked):
        return roles
    members: list[Member] = []
    for number, (role, account) in enumerate(sorted(dict.fromkeys(roles.value))):
        others: Outcome[tuple[str, ...]] = NotChecked(f"more than {MAX_ACCOUNTS} accounts: not asked", NEEDS)
        if number < MAX_ACCOUNTS:
            theirs = await _pairs(client, url, "user_packages", account, witness)
            if isinstance(theirs, NotChecked):
                others = theirs
            else:
                names = sorted({name for _, name in theirs.value if name.lower() != project.name})
                caveat = f"the first {MAX_PROJECTS} of {len(names)}" if len(names) > MAX_PROJECTS else ""
                others = Checked(tuple(names[:MAX_PROJECTS]), theirs.evidence, caveat)
        members.append(Member(account, role, others, evidence=roles.evidence))
    return Checked(tuple(members), roles.evidence)


async def _pairs(
    client: Client, url: str, method: str, argument: str, witness: Witness
) -> Outcome[tuple[tuple[str, str], ...]]:
    """Return the answer of a method that gives pairs of texts."""
    body = call(method, argument)
    outcome = await witness.ask(client.post(url, content=body, content_type="text/xml", accept="text/xml"), NEEDS)
    if isinstance(outcome, NotChecked):
        return outcome
    if outcome.value.status != 200:
        return witness.miss(f"{method}: the index answered HTTP {outcome.value.status}", NEEDS, outcome.evidence)
    found: list[tuple[str, str]] = []
    try:
        for raw in rows(outcome.value.body, url, outcome.evidence):
            if len(raw) != 2 or not all(isinstance(part, str) for part in raw):
                raise BadAnswer(f"{url} answered {method} with a row that is no pair.", evidence=outcome.evidence)
            found.append((raw[0][:200], raw[1][:200]))
    except (BadAnswer, HostileInput) as error:
        return witness.miss(error.what, NEEDS, outcome.evidence)
    return Checked(tuple(found), outcome.evidence)

"""Names of packages in the registry's addresses."""

from __future__ import annotations

from urllib.parse import quote


def registry_name(name: str) -> str:
    """Return *name* as one segment of the registry's paths: a scope's slash is escaped, its at sign is not."""
    return quote(name, safe="@").replace("%2F", "%2f")

"""Lead files of publicly documented incidents: shipped, found by project, and copied into live cases as imports."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from forensics.model.project import Project


def leads_for(project: Project) -> list[tuple[str, bytes, str]]:
    """Return name, bytes and source text of each shipped lead file about *project*, sorted by name."""
    found: list[tuple[str, bytes, str]] = []
    for entry in sorted(files("forensics.leads").iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".toml"):
            continue
        data = entry.read_bytes()
        lead = tomllib.loads(data.decode())
        if lead.get("project") == str(project):
            found.append((entry.name, data, f"lead file {lead['id']}: {lead['title']}"))
    return found

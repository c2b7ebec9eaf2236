"""The installed command and an environment to run it in."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

COMMAND = Path(sys.executable).with_name("forensics")


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment without the caller's own settings, every place to write below *home*."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FORENSICS_", "LC_", "COLUMNS", "XDG_"))}
    own = {"HOME": str(home), "FORENSICS_HOME": str(home / "cases"), "FORENSICS_CACHE": str(home / "cache")}
    return {**kept, **own, **(more or {})}

"""Reports on disk: whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

from forensics.model.errors import UsageError


def write_out(path: Path, text: str) -> None:
    """Write *text* to *path* whole or not at all; raises UsageError when that cannot be done.

    What exists and is no regular file, such as a pipe or a device, is written to and not replaced.
    """
    data = text.encode("utf-8", "backslashreplace")
    written: Path | None = None
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            written = Path(file.name)
            file.write(data)
        written.chmod(0o644)
        written.replace(path)
    except OSError as error:
        if written is not None:
            written.unlink(missing_ok=True)
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.",
            meaning="The case is kept; nothing was written to that place.",
            advice="Name another file; a case that is named is not collected again.",
        ) from None

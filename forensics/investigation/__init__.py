"""The one object a command or a notebook holds: a case, how it is filled, and what follows from it.

Collection and analysis never mix. `collect` asks and records; `analyse` reads only what the case holds, through the
same sources, and gives the same result wherever and whenever it runs.
"""

from forensics.investigation.analysis import Analysis, CaseFacts
from forensics.investigation.core import RECONSTRUCTION, Investigation, Progress, run_to_end
from forensics.investigation.opening import Found, find_or_start

__all__ = [
    "RECONSTRUCTION",
    "Analysis",
    "CaseFacts",
    "Found",
    "Investigation",
    "Progress",
    "find_or_start",
    "run_to_end",
]

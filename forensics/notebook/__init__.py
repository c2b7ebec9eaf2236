"""What a notebook or a script holds: a case with its tables, pictures, pivots and comparisons.

Shows and arranges what `investigation`, `graph`, `compare` and `report` say; judges nothing. Begin with
`forensics.open_case` or `forensics.investigate`.
"""

from forensics.notebook.columns import columns
from forensics.notebook.difference import Difference
from forensics.notebook.exposed import Exposed
from forensics.notebook.hunt import LogView
from forensics.notebook.releases import Releases, ReleaseView
from forensics.notebook.view import CaseView, Conclusion

__all__ = ["CaseView", "Conclusion", "Difference", "Exposed", "LogView", "ReleaseView", "Releases", "columns"]

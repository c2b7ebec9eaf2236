"""Release forensics: which releases are suspect, through which door, since when, and on what evidence."""

from forensics._version import __version__

__all__ = ["__version__"]

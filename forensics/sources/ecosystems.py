"""The package indexes that can be asked, by ecosystem."""

from __future__ import annotations

from forensics.model.project import Ecosystem
from forensics.sources.index import PackageIndex
from forensics.sources.npm import NPM
from forensics.sources.pypi import PYPI

_INDEXES = {Ecosystem.PYPI: PYPI, Ecosystem.NPM: NPM}


def package_index(ecosystem: Ecosystem) -> PackageIndex:
    """Return what *ecosystem* contributes to a collection."""
    return _INDEXES[ecosystem]

"""Signals of the catalogue whose source this version does not collect: listed, explained, and always not checked."""

from __future__ import annotations

from forensics.signals.registry import Signal

SIGNALS: tuple[Signal, ...] = ()
"""There are none at present."""

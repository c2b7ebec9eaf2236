"""Evidence references: links from a statement to the observations it rests on, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from forensics.model.document import ObservationDoc

_ID = re.compile(r"o-[0-9a-f]{6,64}")


@dataclass(slots=True)
class Evidence:
    """Renders references while the page is written, and remembers who used which observation.

    The observations come last on the page, so that by then every use is known.
    """

    observations: Sequence[ObservationDoc]
    uses: dict[str, dict[str, str]] = field(default_factory=dict)
    _anchors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, observation in enumerate(self.observations, 1):
            name = observation["id"]
            self._anchors.setdefault(name, name if _ID.fullmatch(name) else f"o-n{number}")

    def __call__(self, ids: Iterable[str], anchor: str, label: str, most: int = 12) -> Markup:
        """Return links to the observations *ids*, noting that *label* at *anchor* uses them; *most* are shown."""
        names = list(dict.fromkeys(ids))
        if not names:
            return Markup('<span class="ev none">no evidence named</span>')
        parts = [self._reference(name, anchor, label) for name in names[:most]]
        if len(names) > most:
            parts.append(Markup('<span class="more">and {} more in the JSON</span>').format(len(names) - most))
        return Markup('<span class="ev">{}</span>').format(Markup(" ").join(parts))

    def shown(self) -> list[tuple[ObservationDoc, str, dict[str, str]]]:
        """Return the observations used so far in the document's order, each with its anchor and its users."""
        return [
            (observation, self._anchors[observation["id"]], self.uses[observation["id"]])
            for observation in self.observations
            if observation["id"] in self.uses
        ]

    def _reference(self, name: str, anchor: str, label: str) -> Markup:
        target = self._anchors.get(name)
        if target is None:
            return Markup('<span class="gone">{} (not in this case)</span>').format(escape(name))
        self.uses.setdefault(name, {}).setdefault(anchor, label)
        return Markup('<a href="#{}">{}</a>').format(target, name)

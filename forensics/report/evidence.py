"""Evidence references: links from a statement to the observations it rests on, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from forensics.model.document import ObservationDoc

_ID = re.compile(r"o-[0-9a-f]{6,64}")
_KINDS = {
    "pypi": "index", "npm": "index", "files": "files", "rekor": "log", "rekor_tiles": "log", "osv": "OSV",
    "depsdev": "deps.dev", "github": "GitHub", "github_api": "GitHub", "git": "git",
}  # fmt: skip
"""What a reader calls the service behind each key of the case's endpoints."""
MOST = 400
"""References of one statement that a page shows; the JSON has all."""


@dataclass(slots=True)
class Evidence:
    """Renders references while the page is written, and remembers who used which observation.

    A reference is the number of the observation, behind a word that says whose answer it is. The observations come
    last on the page, so that by then every use is known.
    """

    observations: Sequence[ObservationDoc]
    endpoints: Mapping[str, str] = field(default_factory=dict)
    uses: dict[str, dict[str, str]] = field(default_factory=dict)
    _known: dict[str, tuple[str, int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, observation in enumerate(self.observations, 1):
            name = observation["id"]
            anchor = name if _ID.fullmatch(name) else f"o-n{number}"
            self._known.setdefault(name, (anchor, number, self._kind(observation)))

    def __call__(self, ids: Iterable[str], anchor: str, label: str) -> Markup:
        """Return links to the observations *ids*, noting that *label* at *anchor* uses them.

        Of four or more with consecutive numbers the first and the last are links: the rows between lie between.
        """
        names = list(dict.fromkeys(ids))
        if not names:
            return Markup('<span class="ev none">no evidence named</span>')
        kinds: dict[str, list[int]] = {}
        parts: list[Markup] = []
        for name in names[:MOST]:
            if name not in self._known:
                parts.append(Markup('<span class="gone">{} (not in this case)</span>').format(name))
                continue
            _, number, kind = self._known[name]
            self.uses.setdefault(name, {}).setdefault(anchor, label)
            kinds.setdefault(kind, []).append(number)
        parts = [Markup("{} {}").format(kind, self._runs(numbers)) for kind, numbers in kinds.items()] + parts
        if len(names) > MOST:
            parts.append(Markup("and {} more in the JSON").format(len(names) - MOST))
        return Markup('<span class="ev">{}</span>').format(Markup(" · ").join(parts))

    def shown(self) -> list[tuple[ObservationDoc, str, int, str, dict[str, str]]]:
        """Return the observations used so far in order: each with anchor, number, kind and users."""
        return [
            (observation, *self._known[observation["id"]], self.uses[observation["id"]])
            for observation in self.observations
            if observation["id"] in self.uses
        ]

    def _runs(self, numbers: Iterable[int]) -> Markup:
        runs: list[list[int]] = []
        for number in sorted(numbers):
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        links = [
            Markup("{}–{}").format(self._link(run[0]), self._link(run[-1]))
            if len(run) > 3
            else Markup(" ").join(map(self._link, run))
            for run in runs
        ]
        return Markup(" ").join(links)

    def _link(self, number: int) -> Markup:
        target = self._known[self.observations[number - 1]["id"]][0]
        return Markup('<a href="#{}">{}</a>').format(target, number)

    def _kind(self, observation: ObservationDoc) -> str:
        if observation["method"] == "IMPORT":
            return "import"
        if observation["method"].startswith("GIT"):
            return "git"
        known = [(len(url), key) for key, url in self.endpoints.items() if observation["url"].startswith(url)]
        return _KINDS.get(max(known)[1], max(known)[1]) if known else "answer"

"""The adoption dashboard: how far attestations have spread over a list of projects, as one page and its JSON.

The rows of the JSON have the keys of "Are we PEP 740 yet?" (`name`, `downloads`, `wheel`, `value`, `css_class`, `icon`,
`title`, beside `last_update`), so that what reads that file reads this one; `wheel` is null where nothing was observed.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypedDict

from forensics.model.project import Ecosystem, Project
from forensics.model.times import to_iso
from forensics.sweep.dashboard_charts import months_chart, tiles_chart
from forensics.sweep.tables import JUDGED

if TYPE_CHECKING:
    import polars as pl
    from jinja2 import Environment

SCHEMA = "forensics/adoption/1"

ENABLED = {
    "pypi": datetime(2024, 10, 29, tzinfo=UTC),  # the publishing action attests by default (Are we PEP 740 yet?)
    "npm": datetime(2023, 4, 19, tzinfo=UTC),  # provenance enters public beta (GitHub's announcement of that day)
}
"""When attestations became usual on an index; what was published before cannot be expected to have any."""

_CLASSES = {
    "attested": ("success", "🔏", "Its latest release carries attestations."),
    "partly attested": ("warning", "", "Some files of its latest release carry attestations, some do not."),
    "not attested": ("warning", "", "Its latest release carries no attestation."),
    "too old": ("default", "⏰", "Its latest release is older than attestations on its index."),
    "not observed": ("unknown", "?", "Whether its latest release carries attestations was not observed."),
}
"""`css_class`, `icon` and `title` of each state."""


class AdoptionRow(TypedDict):
    """One project. `wheel`: its latest release is attested, is not, or (null) nobody saw."""

    name: str
    downloads: int | None
    wheel: bool | None
    value: int
    css_class: str
    icon: str
    title: str
    ecosystem: str
    attested: str
    reason: str | None
    latest: str | None
    latest_published: str | None
    first_attested: str | None
    first_attested_at: str | None
    trusted_publisher: str
    identity_provider: str | None
    repository: str | None
    workflow: str | None
    commit: str | None
    run: str | None
    predicates: list[str]
    verified: str | None
    slsa: str
    slsa_reason: str
    change: str | None
    verdict: str


class MonthDoc(TypedDict):
    """Releases of the listed projects published in one month (UTC, `YYYY-MM`), by what is known of them."""

    month: str
    attested: int
    not_attested: int
    not_observed: int


class AdoptionDoc(TypedDict):
    """The whole dashboard (schema forensics/adoption/1). Counts are of projects that were judged."""

    schema: str
    data: list[AdoptionRow]
    last_update: str
    counts: dict[str, int]
    trusted_publisher: dict[str, int]
    identity_provider: dict[str, int]
    slsa: dict[str, int]
    change: dict[str, int]
    months: list[MonthDoc]


def adoption_doc(
    projects: pl.DataFrame, releases: pl.DataFrame, downloads: Mapping[Project, int], as_of: datetime
) -> AdoptionDoc:
    """Return the dashboard of the tables of a sweep, most downloaded first, then by name. *as_of* is in UTC."""
    import polars as pl

    judged = projects.filter(pl.col("outcome") == JUDGED)
    keys = ["ecosystem", "project", "version"]
    latest = judged.select("ecosystem", "project", pl.col("latest").alias("version")).join(
        releases.select(*keys, "predicates", "verified", "commit", "run"), on=keys, how="left"
    )
    found = {(row["ecosystem"], row["project"]): row for row in latest.iter_rows(named=True)}
    rows = [
        _row(row, found.get((row["ecosystem"], row["project"]), {}), downloads) for row in judged.iter_rows(named=True)
    ]
    rows.sort(key=lambda r: (-(r["downloads"] or 0), r["ecosystem"], r["name"]))
    return {
        "schema": SCHEMA,
        "data": rows,
        "last_update": as_of.strftime("%A, %d %B %Y, %H:%M:%S UTC"),
        "counts": _counted(r["attested"] for r in rows),
        "trusted_publisher": _counted(r["trusted_publisher"] for r in rows),
        "identity_provider": _counted(r["identity_provider"] for r in rows if r["identity_provider"]),
        "slsa": _counted(r["slsa"] for r in rows),
        "change": _counted(r["change"] for r in rows if r["change"]),
        "months": _months(releases),
    }


def _row(row: Mapping[str, Any], release: Mapping[str, Any], downloads: Mapping[Project, int]) -> AdoptionRow:
    css_class, icon, title = _CLASSES[_state(row)]
    project = Project(Ecosystem(row["ecosystem"]), row["project"])
    return {
        "name": row["project"],
        "downloads": downloads.get(project),
        "wheel": {"attested": True, "partly attested": True, "not attested": False}.get(row["attested"]),
        "value": 1,
        "css_class": css_class,
        "icon": icon,
        "title": title,
        "ecosystem": row["ecosystem"],
        "attested": row["attested"],
        "reason": row["attested_reason"],
        "latest": row["latest"],
        "latest_published": _iso(row["latest_published"]),
        "first_attested": row["first_attested"],
        "first_attested_at": _iso(row["first_attested_at"]),
        "trusted_publisher": row["trusted_publisher"],
        "identity_provider": row["identity_provider"],
        "repository": row["repository"],
        "workflow": row["workflow"],
        "commit": release.get("commit"),
        "run": release.get("run"),
        "predicates": list(release.get("predicates") or []),
        "verified": release.get("verified"),
        "slsa": row["slsa"],
        "slsa_reason": row["slsa_reason"],
        "change": row["provenance_change"],
        "verdict": row["verdict"],
    }


def _state(row: Mapping[str, Any]) -> str:
    old = row["latest_published"] is not None and row["latest_published"] < ENABLED[row["ecosystem"]]
    return "too old" if row["attested"] == "not attested" and old else str(row["attested"])


def _iso(at: datetime | None) -> str | None:
    return to_iso(at) if at is not None else None


def _counted(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _months(releases: pl.DataFrame) -> list[MonthDoc]:
    """Return the months from the first attested release on, each with its releases; nothing where none is attested."""
    import polars as pl

    dated = releases.filter(pl.col("published").is_not_null()).with_columns(
        pl.col("published").dt.strftime("%Y-%m").alias("month"),
        pl.col("attested").is_in(["attested", "partly attested"]).alias("has"),
    )
    first = dated.filter(pl.col("has"))["month"].min()
    if first is None:
        return []
    grouped = (
        dated.filter(pl.col("month") >= first)
        .group_by("month")
        .agg(
            pl.col("has").sum().alias("attested"),
            (pl.col("attested") == "not attested").sum().alias("not_attested"),
            (pl.col("attested") == "not observed").sum().alias("not_observed"),
        )
        .sort("month")
    )
    counted = {row[0]: row[1:] for row in grouped.iter_rows()}
    months = [(month, counted.get(month, (0, 0, 0))) for month in _every_month(min(counted), max(counted))]
    return [MonthDoc(month=m, attested=a, not_attested=n, not_observed=o) for m, (a, n, o) in months]


def _every_month(first: str, last: str) -> list[str]:
    """Return the months from *first* to *last*, both as `YYYY-MM`, also those without a release."""
    start, end = (int(text[:4]) * 12 + int(text[5:]) - 1 for text in (first, last))
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(start, end + 1)]


def render_adoption(document: AdoptionDoc) -> str:
    """Return *document* as one self-contained HTML page that loads nothing and works without JavaScript.

    Names and repositories are outside text: escaped, with what hides made visible, and nothing in them is a link.
    """
    from forensics.report.clean import clean_text

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return clean_text(value)
        if isinstance(value, dict):
            return {cleaned(k): cleaned(v) for k, v in value.items()}
        return [cleaned(v) for v in value] if isinstance(value, list) else value

    shown: AdoptionDoc = cleaned(document)
    template = _environment().get_template("adoption.html.j2")
    return template.render(
        d=shown,
        page=_page(),
        tiles=tiles_chart([row["attested"] for row in shown["data"]]),
        months=months_chart(shown["months"]),
    )


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    from forensics.report import words

    environment = Environment(
        loader=ChoiceLoader([PackageLoader("forensics.sweep"), PackageLoader("forensics.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        {"vclass": words.verdict_class, "vwords": words.verdict_words, "predicate": words.predicate_words}
    )
    environment.globals.update({"plural": words.plural})
    return environment


@cache
def _page() -> dict[str, Any]:
    """Return style, script and the policy that allows exactly these two."""
    from markupsafe import Markup

    def asset(*names: str) -> str:
        loader = _environment().loader
        assert loader is not None
        return "\n".join(loader.get_source(_environment(), name)[0].replace("\r\n", "\n") for name in names)

    style, script = asset("charts.css", "report.css", "adoption.css"), asset("report.js", "adoption.js")
    allowed = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in (style, script)]
    policy = (
        f"default-src 'none'; style-src 'sha256-{allowed[0]}'; script-src 'sha256-{allowed[1]}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704 - our own files

"""The API of notebooks and scripts: frames as documented, pivots that chain, safe pages, errors that advise."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import forensics
from forensics.model.checked import NotChecked
from forensics.model.endpoints import SERVICES
from forensics.model.errors import CaseNotFound, NoSuchProject, NoSuchVersion, UsageError
from forensics.model.finding import Verdict
from forensics.notebook import CaseView
from forensics.notebook.columns import ABOUT, JUDGED, MEANINGS, described
from forensics.notebook.progress import Line
from forensics.report import render_html
from forensics.timeline.tables import SCHEMAS
from tests.lab.pki import Authority
from tests.lab.tiles_http import TilesSite, serve_tiles
from tests.lab.tiles_log import big_log, writer
from tests.sources.conftest import _tiny_server, tiny  # noqa: F401 -- fixtures of the small index
from tests.sources.tiny import Tiny, entry

BAD = ["8.3.41", "8.3.42", "8.3.45", "8.3.46"]


@pytest.fixture(scope="module")
def case() -> CaseView:
    return forensics.open_case("ultralytics-2024-12", workers=1)


# Documented columns


def test_every_column_of_the_tables_has_a_meaning_and_no_other_has() -> None:
    assert {name: list(meanings) for name, meanings in MEANINGS.items()} == {
        name: list(columns) for name, columns in SCHEMAS.items()
    }
    assert set(ABOUT) == set(SCHEMAS) | set(JUDGED)
    assert all(meaning.endswith(".") for name in ABOUT for _, meaning in described(name).values())


@pytest.mark.parametrize("name", [*SCHEMAS, "verdicts", "findings", "waves"])
def test_frames_have_the_columns_that_are_documented(case: CaseView, name: str) -> None:
    frame = getattr(case, name)
    assert frame.columns == list(described(name))
    assert case.columns(name)["column"].to_list() == frame.columns
    told = getattr(CaseView, name).__doc__ or ""
    assert all(f"\n{column} (" in told for column in frame.columns)


def test_frames_of_pivots_and_log_have_the_columns_that_are_documented(case: CaseView) -> None:
    assert case.pivots.rows.columns == list(described("pivots"))
    assert case.log.entries.columns == list(described("log_entries"))


def test_a_frame_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no frame 'release'") as caught:
        forensics.columns("release")
    assert "releases" in caught.value.advice


# What the case says


def test_frames_agree_with_the_judgement(case: CaseView) -> None:
    worst = case.verdicts.filter(pl.col("verdict") == "likely-compromised")
    assert worst["version"].to_list() == BAD == case.suspects.versions
    assert case.verdict is Verdict.LIKELY_COMPROMISED
    assert case.waves["last_good"].to_list() == ["8.3.40", "8.3.44"]
    fired = case.findings.filter(version="8.3.41")["signal"].to_list()
    assert fired == [f.signal for f in case.release("8.3.41").assessment.findings] != []
    unknown = case.not_checked.filter(subject="8.3.41")["what"].to_list()
    assert unknown == [u.signal for u in case.release("8.3.41").assessment.not_checked] != []


def test_conclusion_is_the_reports(case: CaseView) -> None:
    assert case.conclusion.headline == case.document["headline"]
    assert "Last good before: 8.3.40" in str(case.conclusion)
    assert "Reconstruction" in str(case.conclusion)


def test_a_release_has_its_own_rows_and_is_found_however_it_is_written(case: CaseView) -> None:
    release = case.release("v8.3.41")
    assert release.version == "8.3.41"
    assert set(release.artifacts["filename"]) == {"ultralytics-8.3.41.tar.gz", "ultralytics-8.3.41-py3-none-any.whl"}
    assert release.attestations.height == 2
    assert release.events.height > 0
    with pytest.raises(NoSuchVersion, match=r"8\.3\.410") as caught:
        case.release("8.3.410")
    assert "8.3.41" in caught.value.advice


def test_diff_shows_what_runs_anew_and_leaves_no_commit_out(case: CaseView) -> None:
    found = case.release("8.3.41").diff()
    assert (found.before.release.version, found.after.release.version) == ("8.3.40", "8.3.41")
    reaching = found.contents.filter(pl.col("newly_reaches").list.len() > 0)
    assert set(reaching["path"]) == {"ultralytics/models/yolo/model.py", "ultralytics/utils/downloads.py"}
    assert found.claims.filter(change="changed").height == 0, "the project's own workflow signed it"
    assert found.commits.height == len(found.comparison.source.commits) > 0  # type: ignore[union-attr]
    unsigned = case.diff("8.3.44", "8.3.45")
    assert unsigned.claims.is_empty()
    assert "8.3.45" in unsigned.not_checked.filter(what="identity")["reason"].item()


def test_first_release_is_measured_against_none(case: CaseView) -> None:
    with pytest.raises(UsageError, match="against no other"):
        case.release(case.verdicts["version"][0]).diff()


# Pivots and the log


def test_pivots_take_releases_and_frames_and_chain(case: CaseView) -> None:
    signed = case.same_run(case.suspects)
    assert set(signed["version"]) == {"8.3.41", "8.3.42"}
    payload = case.same_payload(signed)
    inside = payload.filter(pl.col("filename").str.contains("!"))
    assert set(inside["version"]) == {"8.3.41", "8.3.42"}, "a file inside both, from one step to the next"
    one = case.release("8.3.41")
    assert case.same_commit(one).equals(case.same_commit("8.3.41"))
    assert case.same_workflow_digest(one).height == case.same_identity(one).height == 74
    assert case.graph.frame().height > 0


def test_from_one_entry_of_the_log_to_all_that_its_signer_signed(case: CaseView) -> None:
    index = case.release("8.3.41").attestations["log_index"][0]
    signed = case.log.signed_by(index)
    assert signed.height == 74 == case.log.signed_by("ultralytics/ultralytics").height
    forgotten = signed.filter(~pl.col("in_index"))
    assert set(forgotten["version"]) == {"8.3.41", "8.3.42"}
    assert forgotten["verified"].all()
    assert case.log.signed_by(forgotten["commit"][0])["version"].unique().to_list() == ["8.3.41"]
    assert case.log.signers["not_in_index"].to_list() == [4]
    with pytest.raises(UsageError, match="no entry 1 "):
        case.log.signed_by(1)


def test_without_an_index_nobody_says_that_an_entry_is_not_listed(case: CaseView) -> None:
    unasked = NotChecked("the index could not be reached", "index")
    history = replace(case.analysis.history, releases=(), unasked=unasked)
    log = CaseView(case.investigation, replace(case.analysis, history=history)).log
    assert log.entries.height == 4
    assert log.entries["in_index"].to_list() == [None] * 4


def test_log_is_asked_from_what_the_case_recorded(case: CaseView) -> None:
    digest = case.release("8.3.42").artifacts["sha256"][0]
    answer = case.log.search(hash=f"sha256:{digest}")
    assert answer.entries["log_index"].to_list() == [case.release("8.3.42").attestations["log_index"][0]]
    assert answer.not_checked.is_empty()
    unheard = case.log.search(hash="sha256:" + "0" * 64)
    assert unheard.entries.is_empty()
    assert "holds no answer" in unheard.not_checked["reason"].item(), "not asked is not absent"
    with pytest.raises(UsageError, match="one thing"):
        case.log.search()


def test_lockfiles_that_name_a_suspect_are_found_and_unread_ones_named(case: CaseView, tmp_path: Path) -> None:
    digest = case.release("8.3.42").artifacts["sha256"][0]
    (tmp_path / "requirements.txt").write_text(f"ultralytics==8.3.42 --hash=sha256:{digest}\n", "utf-8")
    (tmp_path / "uv.lock").write_text("[[[ ultralytics", "utf-8")
    found = case.exposure(tmp_path)
    assert found.hits.columns == list(described("exposure"))
    assert found.hits.select("match", "version", "verdict").rows() == [("hash", "8.3.42", "likely-compromised")]
    assert found.not_read["file"].str.ends_with("uv.lock").to_list() == [True]
    assert "uv.lock" in found._repr_html_()
    with pytest.raises(UsageError):
        case.exposure(tmp_path / "none")


# Evidence, pictures, reports


def test_evidence_is_the_bytes_of_an_observation(case: CaseView) -> None:
    import hashlib

    row = case.observations.filter(pl.col("sha256").is_not_null()).row(0, named=True)
    assert hashlib.sha256(case.evidence(row["id"])).hexdigest() == row["sha256"]
    with pytest.raises(UsageError, match="no observation"):
        case.evidence("o-000000000000")


def test_pictures_and_reports_are_those_of_the_command(case: CaseView, tmp_path: Path) -> None:
    assert case.timeline()._repr_svg_().lstrip().startswith("<svg")
    assert "8.3.45" in case.timeline(2)._repr_html_()
    with pytest.raises(UsageError, match="no wave 3"):
        case.timeline(3)
    assert case.report(tmp_path / "r.html").read_text("utf-8") == render_html(case.document)
    with pytest.raises(UsageError, match="suffix"):
        case.report(tmp_path / "r.docx")
    with pytest.raises(UsageError, match="cannot be written"):
        case.report(tmp_path / "r.html" / "r.html")


def test_completion_offers_what_there_is(case: CaseView) -> None:
    offered = dir(case)
    assert {"releases", "verdicts", "same_payload", "suspects", "timeline", "log", "report"} <= set(offered)
    assert not [name for name in offered if name.startswith("_")]


# Pages

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "safe\u202egnp.exe\u200b",
    "https://evil.example/x",
    "a\ud800b\x1b[31m",
    "A" * 100_000,
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _poisoned(case: CaseView, payload: str) -> CaseView:
    """The same case, its first suspect with *payload* as version, file name, reason and finding."""
    old = case.suspects[0].assessment
    artifacts = tuple(replace(a, filename=payload, upload_client=payload) for a in old.release.artifacts)
    release = replace(old.release, version=payload, artifacts=artifacts, published_by=payload)
    found = tuple(replace(f, observed=payload, expected=payload, benign_if=(payload,)) for f in old.findings)
    assessment = replace(old, release=release, findings=found, reasons=(payload,))
    rest = [a for a in case.analysis.assessments if a is not old]
    releases = tuple(release if r.version == old.release.version else r for r in case.analysis.history.releases)
    history = replace(case.analysis.history, releases=releases)
    facts = replace(case.analysis.case, reconstruction=payload)
    waves = tuple(replace(w, releases=(payload, *w.releases[1:])) for w in case.analysis.waves[:1])
    analysis = replace(
        case.analysis, assessments=(assessment, *rest), history=history, case=facts, waves=waves, compared={}
    )
    return CaseView(case.investigation, analysis)


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text_in_every_page(case: CaseView, payload: str) -> None:
    view = _poisoned(case, payload)
    one = view.suspects[0]
    pages = [view, view.conclusion, view.suspects, one, view.diff("8.3.40", payload), view.log]
    for shown in pages:
        html = shown._repr_html_()  # type: ignore[attr-defined]
        parser = _Tags()
        parser.feed(html)
        allowed = {"div", "h4", "p", "ul", "li", "b", "table", "caption", "thead", "tbody", "tr", "th", "td",
                   "details", "summary"}  # fmt: skip
        assert parser.seen <= allowed
        assert parser.attributes <= {"style", "scope"}
        html.encode("utf-8")
        assert not {"\u202e", "\u200b", "\x1b"} & set(html)
        assert "https://evil" not in html
        assert len(html) < 400_000
        repr(shown).encode("utf-8")


# Errors, progress, scripts


def test_errors_render_as_three_sentences_where_ipython_shows_a_traceback() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        out, held = io.StringIO(), sys.stdout
        sys.stdout = out
        try:
            done = shell.run_cell("import forensics; forensics.open_case('ultralitics-2024-12')")
        finally:
            sys.stdout = held
        assert isinstance(done.error_in_exec, CaseNotFound)
        assert "There is no case 'ultralitics-2024-12'" in out.getvalue()
        assert "Did you mean ultralytics-2024-12?" in out.getvalue()
        assert "Traceback" not in out.getvalue()
    finally:
        InteractiveShell.clear_instance()


def test_errors_show_what_hides() -> None:
    shown = "".join(CaseNotFound("no \u202ecase\x1b[2J")._render_traceback_())
    assert "\u202e" not in shown
    assert "\x1b" not in shown


def test_progress_rewrites_one_line_on_a_terminal_and_is_silent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with Line() as line:
            for done in range(1000):
                line("verification", done, 1000)
        assert ("Checking signatures: 0 of 1000" in stream.getvalue()) is shown
        assert stream.getvalue().count("\r") < 20, "many calls are one change"
        assert "\n" not in stream.getvalue()


def test_a_kernel_shows_one_line_of_progress_and_errors_without_traceback() -> None:
    import nbformat
    from nbclient import NotebookClient

    steps = "with Line() as line:\n    for n in range(4):\n        line('verification', n, 4); time.sleep(0.25)"
    cells = [f"import time\nfrom forensics.notebook.progress import Line\n{steps}",
             "import forensics; forensics.open_case('none')"]  # fmt: skip
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=60, kernel_name="python3", allow_errors=True).execute()
    assert [output.output_type for output in book.cells[0].outputs] == ["display_data"], "one output, changed in place"
    (error,) = book.cells[1].outputs
    assert error.traceback[0] == "CaseNotFound: There is no case 'none'."
    assert error.traceback[-1].startswith("`forensics case list`")


def test_import_is_light() -> None:
    heavy = "{'polars', 'httpx', 'sigstore', 'networkx', 'jinja2', 'IPython', 'cryptography'}"
    code = f"import forensics, sys; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_script_without_a_main_guard_is_not_run_again_by_workers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import forensics\nprint('begun')\n"
        "print(forensics.open_case('ultralytics-2024-12', workers=2).suspects.versions)\n",
        "utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=110)
    assert done.stderr == ""
    assert done.stdout == f"begun\n{BAD}\n"


@pytest.fixture
def _services(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    for name in [name for name in os.environ if name.startswith("FORENSICS_")]:
        monkeypatch.delenv(name)
    for service in SERVICES:
        monkeypatch.setenv(service.variable, f"{tiny.url}/{service.key}" if service.key != "git" else "")
    monkeypatch.setenv("FORENSICS_PYPI_URL", tiny.url)
    monkeypatch.setenv("FORENSICS_FILES_URL", tiny.url)
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path / "cases"))


@pytest.mark.usefixtures("_services")
def test_investigate_collects_once_and_a_later_call_asks_nobody(tiny: Tiny) -> None:  # noqa: F811
    tiny.page([entry("demo-1.0.0.tar.gz"), entry("demo-1.1.0.tar.gz", day=2)])
    told: list[tuple[Any, ...]] = []
    case = forensics.investigate("demo", case="mine", workers=1, progress=lambda *step: told.append(step))
    assert case.releases["version"].to_list() == ["1.0.0", "1.1.0"]
    assert case.investigation.case.table_names()
    assert told
    tiny.asked.clear()
    again = forensics.investigate("demo", case="mine", offline=True, workers=1)
    assert again.releases.equals(case.releases)
    assert tiny.asked == []
    listed = forensics.cases()
    assert listed.filter(name="mine")["state"].to_list() == ["complete"]
    assert "ultralytics-2024-12" in listed.filter("builtin")["name"].to_list()


@pytest.mark.usefixtures("_services")
def test_a_project_that_is_none_leaves_no_case_behind(tmp_path: Path) -> None:
    with pytest.raises(NoSuchProject):
        forensics.investigate("demo", case="none", workers=1)
    assert not (tmp_path / "cases" / "none").exists()
    with pytest.raises(UsageError, match="some"):
        forensics.investigate("demo", files="some")


@pytest.mark.usefixtures("_services")
def test_a_scan_of_the_log_is_kept_in_the_case_and_repeats_offline(
    tiny: Tiny,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = Authority()
    san = "https://github.com/acme/wanted/.github/workflows/release.yml@refs/tags/v1.2.3"
    own = writer(authority, 999, san=san)
    log = big_log(authority, 600, {17: own.record(b"x"), 599: own.record(b"y")}, writers=2)
    tiny.page([entry("demo-1.0.0.tar.gz")])
    with serve_tiles(TilesSite(log), authority, tmp_path) as running:
        monkeypatch.setenv("FORENSICS_REKOR_TILES_URLS", running.url)
        monkeypatch.setenv("FORENSICS_TRUST_ROOT", str(running.root))
        case = forensics.investigate("demo", case="mine", workers=1)
        live = case.log.scan(identity=san, offline=False)
        assert case.log.scan(regex="acme/wan.ed", from_index=18, to_index=599, offline=False).entries.height == 1
    assert live.entries["log_index"].to_list() == [17, 599]
    assert live.entries["verified"].to_list() == [True, True]
    assert live.not_checked.is_empty()
    assert "indices 0–599" in live.covered[0]
    root = Path(os.environ["FORENSICS_TRUST_ROOT"])
    again = forensics.open_case("mine", trust_root=root, workers=1).log.scan(identity=san)
    assert again.entries.drop("evidence").equals(live.entries.drop("evidence"))

"""Judging: what counts as found, as a false alarm, as a miss; and the evaluation as JSON, text and page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab import LabError
from tests.lab.evaluate import evaluate, run
from tests.lab.evaluation import scenario_lines, summarise, text
from tests.lab.judging import Outcome, compare
from tests.lab.scenario import parse_scenario
from tests.test_lab.minimal import MINIMAL

BAD = """
[[release]]
version = "1.0.1"
published = 2026-02-01T10:00:00Z
door = "token"
files = ["sdist", "wheel"]
malicious = true
[[release]]
version = "1.0.2"
published = 2026-03-01T10:00:00Z
door = "trusted-attested"
files = ["sdist", "wheel"]
[[expect]]
version = "1.0.1"
verdict = "likely-compromised"
signals = ["provenance-lost", "no-source-release"]
at_publish = "suspicious"
silent = ["door-changed"]
[[expect]]
version = "1.0.2"
verdict = "notable"
"""
SCENARIO = parse_scenario(MINIMAL + BAD, "small.toml")


def row(version: str, verdict: str, *fired: str, at_publish: str = "", unchecked: str = "") -> dict[str, Any]:
    missing = [{"what": unchecked, "reason": "nobody was asked", "needs": "index"}] if unchecked else []
    return {
        "version": version,
        "verdict": verdict,
        "at_publish": at_publish or verdict,
        "signals": [{"id": one} for one in fired],
        "not_checked": missing,
    }


def outcome(late: list[dict[str, Any]], early: list[dict[str, Any]] | None = None) -> Outcome:
    made = Outcome(SCENARIO)
    first = {"releases": late if early is None else early}
    compare(made, {"1.0.1": first, "1.0.2": first}, {"releases": late})
    return made


GOOD = [
    row("1.0.0", "ordinary"),
    row("1.0.1", "likely-compromised", "provenance-lost", "no-source-release", at_publish="suspicious"),
    row("1.0.2", "notable", "off-hours"),
]


def test_all_expectations_held() -> None:
    made = outcome(GOOD)
    assert made.passed
    assert (made.malicious, made.found, made.found_at_publish) == (1, 1, 1)
    assert (made.benign, made.false_alarms) == (2, [])
    assert made.signals["provenance-lost"]["fired"] == made.signals["provenance-lost"]["required"] == 1
    assert made.signals["door-changed"] == dict.fromkeys(made.signals["door-changed"], 0) | {"silent_required": 1}
    assert made.signals["off-hours"]["fired_benign"] == 1


def test_more_than_expected_of_a_malicious_release_is_fine_and_of_another_a_false_alarm() -> None:
    late = [GOOD[0], row("1.0.1", "likely-compromised", "provenance-lost", "no-source-release"), GOOD[2]]
    assert outcome(late).passed
    late = [GOOD[0], GOOD[1], row("1.0.2", "suspicious", "door-changed")]
    made = outcome(late)
    assert made.false_alarms == ["1.0.2"]
    assert made.misses == ["1.0.2: suspicious, expected at most notable (door-changed)"]
    assert made.signals["door-changed"]["false_alarms"] == 1


def test_a_release_that_nobody_found_is_missed_with_the_reason() -> None:
    early = [row("1.0.1", "undetermined", unchecked="provenance-lost")]
    made = outcome([GOOD[0], row("1.0.1", "notable", "door-changed"), GOOD[2]], early)
    assert made.misses == [
        "1.0.1: notable, expected at least likely-compromised (door-changed)",
        "1.0.1: undetermined at publication, expected at least suspicious (door-changed)",
        "1.0.1: provenance-lost did not fire (not checked: nobody was asked)",
        "1.0.1: no-source-release did not fire",
        "1.0.1: door-changed fired and had to be silent",
    ]
    assert (made.found, made.found_at_publish) == (0, 0)
    gone = outcome([GOOD[0], GOOD[2]], [])
    assert gone.misses[0] == "1.0.1: undetermined, expected at least likely-compromised (nothing fired)"


def test_a_background_release_above_notable_at_any_moment_is_a_miss() -> None:
    made = outcome(GOOD, [row("1.0.0", "suspicious", "version-jump"), *GOOD[1:]])
    assert made.false_alarms == ["1.0.0"]
    assert made.misses == ["1.0.0: suspicious at 1.0.1, expected at most notable (version-jump)"]


def test_the_evaluation_as_json_text_and_page() -> None:
    bad = outcome([GOOD[0], row("1.0.1", "notable", "door-changed"), row("1.0.2", "suspicious", "door-changed")])
    summary = summarise([outcome(GOOD), bad])
    assert set(summary) == {
        "schema", "scenarios", "recall", "recall_at_publish", "false_alarms", "benign_releases", "per_signal",
    }  # fmt: skip
    assert summary["schema"] == "forensics/evaluation/1"
    assert [set(one) for one in summary["scenarios"]] == [{"id", "kind", "passed", "misses"}] * 2
    assert (summary["recall"], summary["recall_at_publish"]) == (0.5, 0.5)
    assert (summary["false_alarms"], summary["benign_releases"]) == (1, 4)
    assert json.loads(json.dumps(summary)) == summary
    told = "\n".join(text(summary))
    assert "1 of 2 scenarios pass" in told
    assert "recall with hindsight: 50.0%" in told
    assert scenario_lines(bad)[0].startswith("FAIL  benign    small ")


def test_nothing_malicious_has_no_recall() -> None:
    scenario = parse_scenario(MINIMAL, "small.toml")
    made = Outcome(scenario)
    compare(made, {}, {"releases": [row("1.0.0", "ordinary")]})
    summary = summarise([made])
    assert summary["recall"] is summary["recall_at_publish"] is None
    assert "recall with hindsight: no malicious release" in text(summary)


def test_an_empty_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="holds no scenario"):
        evaluate(tmp_path, None)


STAND_IN = """#!{python}
import json, pathlib, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if "--case" in sys.argv:
    pathlib.Path(sys.argv[sys.argv.index("--case") + 1]).mkdir(exist_ok=True)
print(json.dumps({{"releases": []}}))
"""


def test_earlier_cases_stand_beside_the_late_one_where_a_snapshot_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The early case of an expected version is used again, that of another is collected, and both are handed over."""
    log, command = tmp_path / "calls", tmp_path / "forensics"
    command.write_text(STAND_IN.format(python=sys.executable, log=str(log)))
    command.chmod(0o755)
    monkeypatch.setattr("tests.lab.evaluate.forensics_command", lambda: str(command))
    known = '[[known]]\nkind = "snapshot"\nversions = ["1.0.2", "1.0.1"]\n'
    only = BAD.replace('[[expect]]\nversion = "1.0.2"\nverdict = "notable"\n', "")
    (tmp_path / "small.toml").write_text(MINIMAL + only + known)
    run(tmp_path / "small.toml")
    words = [[Path(word).name for word in json.loads(line)] for line in log.read_text().splitlines()]
    assert words == [
        ["timeline", "pypi:small", "--case", "at-1.0.1", "--json", "--quiet"],
        ["timeline", "pypi:small", "--case", "at-1.0.2", "--json", "--quiet"],
        ["timeline", "pypi:small", "--case", "as-of", "--json", "--quiet"],
        ["case", "import", "as-of", "at-1.0.1"],
        ["case", "import", "as-of", "at-1.0.2"],
        ["timeline", "--case", "as-of", "--offline", "--json", "--quiet"],
    ]


def test_a_version_that_was_never_released_cannot_be_expected(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(f'{MINIMAL}[[expect]]\nversion = "9.9.9"\nverdict = "notable"\n')
    assert run(tmp_path / "small.toml").misses == ["small: 9.9.9 is expected, and was never released"]


def test_a_world_that_cannot_be_made_is_a_miss_of_its_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of a kind that nobody thought of\nmore")

    monkeypatch.setattr("tests.lab.evaluate.serve", broken)
    (tmp_path / "small.toml").write_text(MINIMAL)
    assert run(tmp_path / "small.toml").misses == ["ZeroDivisionError: of a kind that nobody thought of"]


@pytest.mark.slow
def test_a_scenario_is_run_through_the_installed_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two small scenarios, side by side, printed in the order of their names; the second one cannot be met."""
    expect = '[[expect]]\nversion = "1.0.0"\nverdict = "ordinary"\nsignals = ["door-changed"]\n'
    for name, more in (("first", ""), ("small", expect)):
        (tmp_path / f"{name}.toml").write_text(MINIMAL.replace('id = "small"', f'id = "{name}"') + more)
    assert evaluate(tmp_path, tmp_path / "out.json", jobs=2) == 1
    told = capsys.readouterr().out
    assert told.index("pass  benign    first") < told.index("FAIL  benign    small")
    assert "1.0.0: door-changed did not fire" in told
    written = json.loads((tmp_path / "out.json").read_text())
    assert [one["passed"] for one in written["scenarios"]] == [True, False]

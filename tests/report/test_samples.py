"""The sample reports are those that this version writes. `make reports` remakes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Forensics

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CASES = sorted(path.stem for path in (ROOT / "fixtures/cases").glob("*.zip"))


def test_there_is_a_sample_for_every_built_in_case_and_no_other() -> None:
    there = {path.name for path in (ROOT / "reports").iterdir()}
    assert there == {f"{case}.{form}" for case in CASES for form in ("html", "md")}


@pytest.mark.parametrize("case", CASES)
def test_samples_are_current(case: str, forensics: Forensics, tmp_path: Path) -> None:
    for form in ("html", "md"):
        done = forensics("report", case, "-o", f"r.{form}", "--exit-zero", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        stale = f"reports/{case}.{form} is not what this version writes; run `make reports`"
        assert (tmp_path / f"r.{form}").read_bytes() == (ROOT / "reports" / f"{case}.{form}").read_bytes(), stale

"""Every notebook runs from a clean kernel, is stored without outputs, and shows what it promises, without a network."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from forensics.model.endpoints import SERVICES

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

SHOWN = {
    "ultralytics.ipynb": (
        "4 of 39 releases are likely compromised",
        "Last good before: 8.3.40",
        "First good after: 8.3.47",
        "Reconstruction",
        "No claim of the signer differs but those that differ with every release.",
        "ultralytics/utils/downloads.py",
        "none of its 2 files is attested",
        "121904356",
        "Wave 2, close up",
        "Who is tied to whom",
        "unattested-trusted-publish",
    ),
    "hunting.ipynb": (
        "Who signed the 74 log entries of this case",
        "'repository_id': '520670205'",
        "121904360",
        "same run:    ['8.3.41', '8.3.42']",
        "suspects that no signature leads to: ['8.3.45', '8.3.46']",
        "Around the flagged releases",
    ),
    "your_project.ipynb": (
        "collection complete: True",
        "Claims of the signer, release by release",
        "8.3.40 → 8.3.41",
        "same_workflow_digest",
        "2024-12-04 20:51:00 UTC",
    ),
}
PICTURES = {"ultralytics.ipynb": 3, "hunting.ipynb": 1, "your_project.ipynb": 2}


def test_every_notebook_says_what_it_shows() -> None:
    assert {path.name for path in NOTEBOOKS} == set(SHOWN) == set(PICTURES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_without_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_runs_and_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path / "cases"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for service in SERVICES:  # nobody is asked: whoever tried would find nobody
        monkeypatch.setenv(service.variable, "http://127.0.0.1:9")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=100, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "\n".join(
        str(output.get("text", "")) + "\n".join(map(str, output.get("data", {}).values())) for output in outputs
    )
    assert all(output.output_type != "error" for output in outputs)
    assert all(output.get("name") != "stderr" for output in outputs)
    assert [wanted for wanted in SHOWN[path.name] if wanted not in text] == []
    pages = "\n".join(str(output.get("data", {}).get("text/html", "")) for output in outputs)
    assert pages.count("<svg") == PICTURES[path.name]
    assert not re.search(r"<(?:script|link|img|iframe)|(?:src|href)=|url\(|@import", pages), "nothing is loaded"

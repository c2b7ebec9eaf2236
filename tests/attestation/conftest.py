from __future__ import annotations

from pathlib import Path

import pytest
from attestation_kit import Kit

from forensics.attestation.evaluate import Evaluator
from forensics.attestation.trust import shipped_root

EVIDENCE = Path(__file__).parents[3] / "shared" / "evidence"


@pytest.fixture(scope="session")
def evidence() -> Path:
    if not EVIDENCE.is_dir():
        pytest.skip("the folder of evidence is not beside the checkout")
    return EVIDENCE


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()


@pytest.fixture(scope="session")
def production() -> Evaluator:
    return Evaluator(shipped_root(), independent=True)

"""Every case of Sigstore's conformance suite comes out as the suite has it, by the step that is about it."""

from __future__ import annotations

import hashlib
import json

import pytest
from attestation_kit import failures
from suite_cases import CASES, FILE, ROOT, USAGE
from suite_kit import Maker, Presented

from forensics.attestation.context import Expected
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.files import FileVerification, verify_document
from forensics.attestation.registry_keys import load_named_key
from forensics.attestation.trust import vouch
from forensics.model.attestation import VerificationStatus
from forensics.model.errors import MalformedEvidence


def presented(name: str) -> Presented:
    maker = Maker()
    made = CASES[name][0](maker)
    return made if isinstance(made, Presented) else Presented(made, maker.trusted())


def verify(shown: Presented, *, independent: bool = True) -> FileVerification:
    raw = json.dumps(shown.root).encode()
    key = load_named_key(shown.key) if shown.key else None
    evaluator = Evaluator(vouch(raw, raw, bare=key is not None), independent=independent)
    data = shown.bundle if isinstance(shown.bundle, str) else json.dumps(shown.bundle)
    signer = Expected(identity=shown.identity, issuer=shown.issuer, key=key)
    digest = hashlib.sha256(shown.artifact).hexdigest()
    return verify_document(data.encode(), name="x", evaluator=evaluator, sha256=digest, signer=signer)


@pytest.mark.parametrize("independent", [True, False], ids=["independent", "quick"])
@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][1] != USAGE])
def test_the_case_comes_out_as_the_suite_has_it(name: str, independent: bool) -> None:
    wanted = CASES[name][1]
    assert (wanted is not None) == name.endswith("_fail")
    shown = presented(name)
    if wanted in (ROOT, FILE):
        with pytest.raises(MalformedEvidence):
            verify(shown, independent=independent)
        return
    found = verify(shown, independent=independent)
    failed = failures(found.attestations[0])
    if wanted is None:
        assert (found.status, failed) == (VerificationStatus.VALID, set())
    elif wanted:
        assert found.status is VerificationStatus.INVALID
        assert wanted in failed
    else:
        assert (found.status, failed) == (VerificationStatus.NOT_CHECKED, set())

from __future__ import annotations

import pytest

from tests.transparency.conformance import EVIDENCE, PAGE, page, run


@pytest.mark.evidence
def test_every_published_collection_comes_out_as_it_should_and_the_page_says_so() -> None:
    if not EVIDENCE.is_dir():
        pytest.skip("the folder of evidence is not beside the checkout")
    results = run()
    assert [(result.what, result.wrong) for result in results if result.wrong] == []
    totals = [result.total for result in results]
    assert totals[:2] == [98, 97]
    assert totals[2:4] == [16, 16]
    assert all(totals)
    assert PAGE.read_text(encoding="utf-8") == page(results)

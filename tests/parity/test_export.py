"""Directories that we write, read by transformers: live, and by the digests of what it has read."""

import json

import pytest
from parity import make_export_golden as golden
from reference import hf_model


@pytest.mark.parametrize("case", hf_model.CASES)
def test_writes_the_very_files_that_transformers_has_read(case, tmp_path):
    expected = json.loads((golden.GOLDEN / "export.json").read_text())[case]
    assert golden.digests(golden.export(tmp_path, case)) == expected


@pytest.mark.parity
@pytest.mark.parametrize("case", hf_model.CASES)
def test_transformers_computes_the_same_logits(case, tmp_path):
    assert golden.difference(golden.export(tmp_path, case), case) < 1e-5

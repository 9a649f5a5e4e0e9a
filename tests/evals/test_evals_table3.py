"""Everything that Table 3 needs, through a model, offline, without torch or TensorFlow."""

import shutil
import sys

import pytest
from reference import hf_model

import llama_jax as lj
from llama_jax import paper, samples
from llama_jax.evals.tasks import benchmark_of
from llama_jax.report import RunFiles, markdown


@pytest.mark.slow
def test_every_task_of_table_3_runs(tmp_path):
    folder = hf_model.write("harness", tmp_path / "model")
    shutil.copyfile(samples.TOKENIZER, folder / "tokenizer.model")
    results = lj.evaluate(lj.load(folder), ["table3"], limit=1, out_dir=tmp_path / "out")
    tasks = results.summary["tasks"]
    assert set(tasks) == set(map(benchmark_of, paper.tasks_of("table3")))
    assert all(0 <= task["metrics"][task["primary"]]["value"] <= 1 for task in tasks.values())
    assert not {"tensorflow", "torch", "transformers"} & set(sys.modules)
    table = markdown([RunFiles.read(tmp_path / "out")])
    ours = next(line for line in table.splitlines() if line.startswith("| out"))
    cells = [cell.strip() for cell in ours.strip("|").split("|")]
    assert cells[1] == "-"  # code waits for outcomes
    assert all(cell[0].isdigit() for cell in cells[2:])

"""The Hugging Face hub's parquet files give the requests that the authors' files give."""

import json
from collections import defaultdict

import pyarrow
import pyarrow.parquet as parquet
import pytest
from reference import hub_rows

from llama_jax import samples
from llama_jax.data.load import load_rows
from llama_jax.data.manifest import MANIFEST
from llama_jax.evals.benchmarks import BENCHMARKS, benchmark, mmlu
from llama_jax.evals.plan import plan_task
from llama_jax.tokenizer import load_tokenizer

# The file below the task's folder, and the authors' row as the hub has it.
FILES = {
    "hellaswag": ("data/validation-00000-of-00001.parquet", hub_rows.hellaswag),
    "arc_challenge": ("ARC-Challenge/test-00000-of-00001.parquet", hub_rows.arc),
    "piqa": ("plain_text/validation-00000-of-00001.parquet", hub_rows.piqa),
    "winogrande": ("winogrande_xl/validation-00000-of-00001.parquet", hub_rows.same),
    "boolq": ("boolq/validation-00000-of-00001.parquet", hub_rows.boolq),
    "gsm8k": ("main/test-00000-of-00001.parquet", hub_rows.same),
    "humaneval": ("openai_humaneval/test-00000-of-00001.parquet", hub_rows.same),
    "mbpp": ("full/test-00000-of-00001.parquet", hub_rows.same),
    "nq_open": ("nq_open/validation-00000-of-00001.parquet", hub_rows.same),
}


def as_official(task, folder):
    """The package's samples, listed as official: the manifest's path, and the rows by role."""
    names = {"train": "dev"}
    manifest = {task.name: []}
    rows = {}
    for role, source in (("examples", task.examples), ("shots", task.shots)):
        if source is None:
            continue
        loaded = load_rows(task.name, source.parse, source.schema, None, role)
        rows[role] = loaded.rows
        known = loaded.known
        split = names.get(known.split, known.split)
        files = [
            {"path": file.path, "sha256": file.sha256, "rows": file.rows} for file in known.files
        ]
        entry = {"kind": "official", "role": role, "split": split, "official_rows": known.rows}
        manifest[task.name].append({**entry, "licence": "", "source": "", "files": files})
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest))
    return path, rows


def requests(task, way, data_dir, manifest):
    tokenizer = load_tokenizer(samples.TOKENIZER)
    shots = (
        0 if task.name in ("gsm8k", "mbpp", "nq_open") else None
    )  # their shots are no hub's file
    return plan_task(
        task, way, tokenizer, 1 << 20, data_dir=data_dir, manifest=manifest, shots=shots
    )


@pytest.mark.parametrize("name", FILES)
def test_the_hubs_files_ask_the_same(name, tmp_path):
    task = benchmark(name)
    manifest, rows = as_official(task, tmp_path)
    file, convert = FILES[name]
    path = tmp_path / name / file
    path.parent.mkdir(parents=True)
    parquet.write_table(
        pyarrow.Table.from_pylist([convert(r.fields) for r in rows["examples"]]), path
    )
    found = requests(task, task.protocols[0], tmp_path, manifest)
    expected = requests(task, task.protocols[0], None, MANIFEST)
    assert found.known.kind == "hub"
    assert found.requests == expected.requests
    assert [e.id for e in found.examples] == [e.id for e in expected.examples]


def test_the_hubs_mmlu_asks_the_same(tmp_path):
    task = mmlu.BENCHMARK
    manifest, rows = as_official(task, tmp_path)
    text = manifest.read_text().replace("_sample", "")
    manifest.write_text(text)
    for role, split in (("examples", "test"), ("shots", "dev")):
        subjects = defaultdict(list)
        for row in rows[role]:
            subject = task.examples.read(row).subtask
            subjects[subject].append({**hub_rows.mmlu(row.fields), "subject": subject})
        path = tmp_path / "mmlu" / "all" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pyarrow.Table.from_pylist(sum(subjects.values(), [])), path)
    found = requests(task, task.protocols[0], tmp_path, manifest)
    expected = requests(task, task.protocols[0], None, MANIFEST)
    assert found.known.kind == found.shots_known.kind == "hub"
    assert found.requests == expected.requests


def test_every_hub_here_is_tested():
    with_hub = {task.name for task in BENCHMARKS if task.examples.hub is not None}
    assert with_hub == {*FILES, "mmlu"}

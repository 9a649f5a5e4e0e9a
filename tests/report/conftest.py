"""Made-up evaluation results: two benchmarks of the paper and one that it does not have."""

import json

import pytest

SHA = "0123456789abcdef" * 4


def made_up_task(metric, value, stderr, n, of, **more):
    return {
        "protocol": "paper",
        "protocol_version": "1",
        "shots": 0,
        "split": "validation",
        "n": n,
        "of": of,
        "overflow": {},
        "metrics": {metric: {"value": value, "stderr": stderr, "unit": "fraction"}},
        "hashes": {"data": "d" + SHA[1:], "prompts": "e" + SHA[1:], "tokenizer": "f" + SHA[1:]},
        "paper": None,
        "primary": metric,
        "chance": None,
    } | more


def made_up_paper(table, column, metric, llama_2_7b):
    return {"table": table, "column": column, "metric": metric, "rows": {"Llama 2 7B": llama_2_7b}}


@pytest.fixture
def results():
    """results.json as an evaluation writes it."""
    perplexity = made_up_task("perplexity", 12.5, None, 1, 1)
    perplexity["metrics"]["perplexity"]["unit"] = "per token"
    return {
        "schema": 1,
        "model": {
            "path": "models/tiny",
            "params_sha256": SHA,
            "parameters": 15191712,
            "dtype": "float32",
        },
        "tasks": {
            "gsm8k": made_up_task(
                *("exact_match", 0.1425, 0.0096, 1319, 1319),
                shots=8,
                paper=made_up_paper("25", "GSM8K", "exact_match", 14.6),
            ),
            "math": made_up_task(
                *("exact_match", 0.25, 0.05, 100, 5000),
                shots=4,
                paper=made_up_paper("25", "MATH", "exact_match", 2.5),
            ),
            "boolq": made_up_task(
                *("acc", 0.5, 0.125, 16, 3270),
                chance=0.5,
                data="samples",
                paper=made_up_paper("20", "BoolQ", "acc", 77.4),
            ),
            "perplexity": perplexity,
        },
    }


@pytest.fixture
def sample_lines():
    """Sample lines by task."""
    choices = [
        {"text": "no", "logprob": -1.5, "tokens": 1, "chars": 2, "bytes": 2},
        {"text": "yes <b>&", "logprob": -2.0, "tokens": 1, "chars": 8, "bytes": 8},
    ]
    output = {"text": " 2 + 2 is 4.", "stop_reason": "stop", "extracted": "4", "scores": {}}
    return {
        "gsm8k": [{"id": "0", "prompt": "Q: 2+2?\nA:", "outputs": [output], "gold": "4"}],
        "math": [{"id": "0", "prompt": "x" * 900, "outputs": [output, output], "gold": "4"}],
        "boolq": [
            {"id": f"q{i}", "prompt": "is <it>?", "choices": choices, "gold": 1} for i in range(5)
        ],
        "perplexity": [{"id": "file"}],
    }


@pytest.fixture
def write_run(tmp_path, results, sample_lines):
    """Writes an output folder of eval and gives its path."""

    def write(name="trained", results=results):
        folder = tmp_path / name
        (folder / "samples").mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps(results))
        run = {"versions": {"jax": "0.10.2"}, "device": "cpu", "seconds": 12.5}
        (folder / "run.json").write_text(json.dumps(run))
        for task, lines in sample_lines.items():
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (folder / "samples" / f"{task}.jsonl").write_text(text)
        return folder

    return write

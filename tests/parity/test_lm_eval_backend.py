"""The model llama_jax in lm-evaluation-harness against its Hugging Face backend, live."""

import json
import os
from pathlib import Path

import pytest
from reference import hf_model

from llama_jax import samples

pytestmark = pytest.mark.parity

CHOICE = {
    "output_type": "multiple_choice",
    "doc_to_text": "{{first}}",
    "doc_to_choice": "choices",
    "doc_to_target": 0,
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
}
ROLLING = {
    "output_type": "loglikelihood_rolling",
    "doc_to_text": "",
    "doc_to_target": "{{text}}",
    "metric_list": [{"metric": "word_perplexity"}, {"metric": "bits_per_byte"}],
}
GENERATE = {
    "output_type": "generate_until",
    "doc_to_text": "{{first}}",
    "doc_to_target": "{{second}}",
    "generation_kwargs": {"until": ["\n\n", "."], "max_gen_toks": 24},
    "metric_list": [{"metric": "exact_match"}],
}
TASKS = {"toy_choice": CHOICE, "toy_rolling": ROLLING, "toy_generate": GENERATE}


def documents() -> list[dict]:
    """Made from the corpus; two contexts end in a space and a new line, one text needs windows."""
    paragraphs = [p for p in samples.CORPUS.read_text("utf-8").split("\n\n") if len(p) > 80][:40]
    docs = []
    for index, text in enumerate(paragraphs[:12]):
        cut = text.index(" ", 40)
        ends = [other[30:60] for other in paragraphs[index + 1 : index + 4]]
        first = text[:cut] + {3: " ", 5: "\n"}.get(index, "")
        docs.append({"text": text, "first": first, "second": text[cut:], "choices": ends})
    docs[7]["text"] = "\n".join(paragraphs * 6)
    return docs


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> tuple[Path, Path]:
    """A model with the tokenizers of both sides, and a folder of tasks."""
    lm_eval = pytest.importorskip("lm_eval")
    assert lm_eval
    from parity.make_harness_golden import write_tokenizer

    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    model = hf_model.write("harness", tmp_path_factory.mktemp("model") / "model")
    write_tokenizer(model)
    (model / "tokenizer.model").write_bytes(Path(samples.TOKENIZER).read_bytes())
    folder = tmp_path_factory.mktemp("tasks")
    data = folder / "docs.json"
    data.write_text("".join(f"{json.dumps(doc)}\n" for doc in documents()), encoding="utf-8")
    for name, how in TASKS.items():
        config = {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(data)}},
            "test_split": "test",
            "target_delimiter": " ",
            **how,
        }
        (folder / f"{name}.yaml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    return model, folder


def evaluate(model: str, arguments: str, tasks: Path, cache: Path, batch: int) -> dict:
    """Metrics and samples of the three tasks."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(cache))
        return lm_eval.simple_evaluate(
            model=model,
            model_args=arguments,
            tasks=list(TASKS),
            batch_size=batch,
            device="cpu",
            task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
            log_samples=True,
            bootstrap_iters=0,
        )


def test_metrics_and_answers_are_those_of_the_hugging_face_backend(world, tmp_path):
    model, tasks = world
    import llama_jax.lm_eval_backend.model  # noqa: F401  registers

    theirs = evaluate("hf", f"pretrained={model},dtype=float32", tasks, tmp_path, 1)
    ours = evaluate("llama_jax", f"path={model}", tasks, tmp_path, 4)
    for name in TASKS:
        expected, found = (side["results"][name] for side in (theirs, ours))
        numbers = {key: value for key, value in expected.items() if isinstance(value, float)}
        assert len(numbers) >= 1
        for metric, value in numbers.items():
            assert found[metric] == pytest.approx(value, rel=1e-5), (name, metric)
        for a, b in zip(ours["samples"][name], theirs["samples"][name], strict=True):
            for mine, other in zip(a["resps"], b["resps"], strict=True):
                assert_same(mine[0], other[0])


def assert_same(ours, theirs) -> None:
    """Texts and greedy flags are equal, log-probabilities within the bound of scoring."""
    if isinstance(theirs, tuple | list):
        assert bool(ours[1]) == bool(theirs[1])
        ours, theirs = ours[0], theirs[0]
    if isinstance(theirs, str):
        assert ours == theirs
    else:
        assert abs(ours - theirs) <= max(1e-4, 1e-6 * abs(theirs))

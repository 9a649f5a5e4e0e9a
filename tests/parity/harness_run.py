"""Runs lm-evaluation-harness on local files and writes what it asked and what it got.

    python tests/parity/harness_run.py MODEL --data DIR --tasks mmlu,boolq --limit 50 --out FILE

MODEL is a Hugging Face directory with tokenizer.json. Without --data, the samples of the package.
Every document's arguments, log-likelihoods or texts, and the metrics of each (sub)task; with
--documents FILE, the rolling log-likelihoods of the FILE's blank-line documents too. `--digests`
keeps digests of the arguments only. harness_compare.py holds the file against our evaluation.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
SCRATCH = tempfile.TemporaryDirectory()
os.environ["HF_DATASETS_CACHE"] = str(Path(SCRATCH.name) / "datasets")

import lm_eval  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from parity.harness_file import digest  # noqa: E402
from parity.harness_tasks import default_shots, harness_tasks  # noqa: E402


class Harness(HFLM):
    """Keeps the ids of every generation, by the ids of its prompt."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.generated: dict[tuple[int, ...], list[int]] = {}

    def _model_generate(self, context, max_length, stop, **options):
        out = super()._model_generate(context, max_length, stop, **options)
        assert len(context) == 1, "generations are batched; use --batch-size 1"
        self.generated[tuple(context[0].tolist())] = out[0, context.shape[1] :].tolist()
        return out


def ask(model: Harness, instances: list[Instance]) -> list[Any]:
    """The model's answer to every instance; they are kept in the instances too."""
    answers = getattr(model, instances[0].request_type)(instances)
    for instance, answer in zip(instances, answers, strict=True):
        instance.resps.append(answer)
    return answers


def run_task(task, ids: list[str], model: Harness | None, limit: int | None, digests: bool) -> dict:
    """The documents of one (sub)task, and its metrics."""
    task.build_all_requests(limit=limit, rank=0, world_size=1)
    instances = task.instances
    answers = ask(model, instances) if model is not None else [None] * len(instances)
    documents: dict[int, dict[str, Any]] = {}
    for instance, answer in zip(instances, answers, strict=True):
        one = documents.setdefault(instance.doc_id, {"id": ids[instance.doc_id]})
        one.setdefault("arguments", []).append(list(instance.args))
        one.setdefault("answers", []).append(answer)
        if isinstance(answer, str):
            prompt = tuple(model.tok_encode(instance.args[0]))
            one.setdefault("ids", []).append(model.generated[prompt])
    for one in documents.values():
        if digests:
            one["arguments"] = digest(one["arguments"])
    metrics = _metrics(task) if model is not None else {}
    return {"documents": list(documents.values()), "metrics": metrics}


def _metrics(task) -> dict[str, float]:
    """Means of what `process_results` says of each document, by filter."""
    task.apply_filters()
    docs = {instance.doc_id: instance.doc for instance in task.instances}
    found = {}
    for name in task.instances[0].filtered_resps:
        values: dict[str, list[float]] = {}
        for doc_id, doc in docs.items():
            mine = [i for i in task.instances if i.doc_id == doc_id]
            mine.sort(key=lambda instance: instance.idx)
            results = task.process_results(doc, [i.filtered_resps[name] for i in mine])
            for metric, value in results.items():
                values.setdefault(f"{metric},{name}", []).append(value)
        found |= {key: task.aggregation()[key.split(",")[0]](v) for key, v in values.items()}
    return {key: float(value) for key, value in found.items()}


def rolling(model: Harness, documents: list[str]) -> list[dict[str, Any]]:
    """The rolling log-likelihood of each document."""
    instances = [
        Instance("loglikelihood_rolling", {}, (text,), index, ("rolling", index, 1))
        for index, text in enumerate(documents)
    ]
    values = model.loglikelihood_rolling(instances)
    return [{"text": t, "logprob": float(v)} for t, v in zip(documents, values, strict=True)]


def main() -> None:
    """Parses, runs, writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", help="absent: arguments only")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tasks", default="")
    parser.add_argument("--limit", type=int, help="documents of each (sub)task")
    parser.add_argument("--subtasks", help="only these, separated by commas")
    parser.add_argument("--documents", type=Path)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--digests", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    model = None
    if args.model is not None:
        options = {"dtype": "float32", "device": "cpu", "batch_size": args.batch_size}
        model = Harness(pretrained=str(args.model), **options)
    subtasks = args.subtasks.split(",") if args.subtasks else None
    tasks: dict[str, Any] = {}
    for name in filter(None, args.tasks.split(",")):
        shots = default_shots(name)
        parts = harness_tasks(name, args.data, Path(SCRATCH.name), shots, subtasks)
        tasks[name] = {
            "shots": shots,
            "limit": args.limit,
            "parts": {
                part: run_task(task, ids, model, args.limit, args.digests)
                for part, (task, ids) in parts.items()
            },
        }
        print(name, {part: found["metrics"] for part, found in tasks[name]["parts"].items()})
    packages = (lm_eval, torch, transformers)
    found = {
        "versions": {package.__name__: package.__version__ for package in packages},
        "tasks": tasks,
    }
    if args.documents is not None:
        texts = args.documents.read_text(encoding="utf-8").split("\n\n")
        found["rolling"] = rolling(model, [text for text in texts if text.strip()])
    args.out.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""lm-evaluation-harness's own task files, fed with local raw files instead of the Hub's.

A task here is the YAML that is installed with lm-evaluation-harness; only where its data come from
is changed. `TASKS` says which YAML a benchmark of ours corresponds to and how a raw row becomes a
row of the Hub's data set, which is all that its prompts see. Runs where lm_eval is installed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks._yaml_loader import load_yaml
from reference import hub_rows

from llama_jax.data.load import load_rows
from llama_jax.evals.benchmarks import benchmark, protocol

FOLDER = Path(lm_eval.__file__).parent / "tasks"
Row = dict[str, Any]


@dataclass(frozen=True)
class HarnessTask:
    """Where a benchmark stands in the harness.

    Attributes:
        yaml: its file; "{subtask}" stands for the subtask's name.
        hub: a raw row to the Hub's row.
        shot: a raw row of the shots to what the few-shot samples hold; None for `hub`.
        own_shots: the YAML brings the shots, which are those of the raw file.
        names: how the YAML's name calls a subtask, where it calls it otherwise.
        code: its metrics run programs; only what it asks is taken.
    """

    yaml: str
    hub: Callable[[Row], Row]
    shot: Callable[[Row], Row] | None = None
    own_shots: bool = False
    code: bool = False
    names: Mapping[str, str] = field(default_factory=dict)


TASKS = {
    "hellaswag": HarnessTask("hellaswag/hellaswag.yaml", hub_rows.hellaswag),
    "arc_challenge": HarnessTask("arc/arc_challenge.yaml", hub_rows.arc),
    "piqa": HarnessTask("piqa/piqa.yaml", hub_rows.piqa),
    "winogrande": HarnessTask("winogrande/default.yaml", hub_rows.same),
    "boolq": HarnessTask("super_glue/boolq/default.yaml", hub_rows.boolq),
    "mmlu": HarnessTask("mmlu/default/mmlu_{subtask}.yaml", hub_rows.mmlu),
    "gsm8k": HarnessTask(
        "gsm8k/gsm8k-cot.yaml",
        hub_rows.same,
        lambda r: {"question": r["question"], "target": r["answer"]},
    ),
    "nq_open": HarnessTask("nq_open/nq_open.yaml", hub_rows.same),
    "siqa": HarnessTask("siqa/siqa.yaml", hub_rows.same),
    "arc_easy": HarnessTask("arc/arc_easy.yaml", hub_rows.arc),
    "openbookqa": HarnessTask("openbookqa/openbookqa.yaml", hub_rows.openbookqa),
    "commonsense_qa": HarnessTask("commonsense_qa/default.yaml", hub_rows.commonsense_qa),
    "sst2": HarnessTask("glue/sst2/default.yaml", hub_rows.same),
    "mnli": HarnessTask("glue/mnli/default.yaml", hub_rows.mnli),
    "wic": HarnessTask("super_glue/wic/default.yaml", hub_rows.boolq),
    "triviaqa": HarnessTask("triviaqa/default.yaml", hub_rows.triviaqa),
    "bbh": HarnessTask("bbh/fewshot/{subtask}.yaml", hub_rows.same, own_shots=True),
    "math": HarnessTask(
        "minerva_math/minerva_math_{subtask}.yaml",
        hub_rows.same,
        own_shots=True,
        names={
            "counting_and_probability": "counting_and_prob",
            "number_theory": "num_theory",
            "precalculus": "precalc",
        },
    ),
    "humaneval": HarnessTask("humaneval/humaneval.yaml", hub_rows.same, code=True),
    "mbpp": HarnessTask("mbpp/mbpp.yaml", hub_rows.same, hub_rows.mbpp_shot, code=True),
}


def harness_tasks(
    name: str, data_dir: Path | None, scratch: Path, shots: int, subtasks: list[str] | None
) -> dict[str, tuple[ConfigurableTask, list[str]]]:
    """Returns, for each subtask ("" without any), the harness's task and our ids of its rows."""
    task = benchmark(name)
    examples = _by_subtask(task.examples, name, data_dir, "examples")
    pool = _by_subtask(task.shots, name, data_dir, "shots") if shots and task.shots else {}
    found = {}
    for subtask, rows in examples.items():
        if subtasks and subtask not in subtasks:
            continue
        spec = TASKS[name]
        yaml = FOLDER / spec.yaml.format(subtask=spec.names.get(subtask, subtask))
        config = load_yaml(yaml, resolve_func=not spec.code)
        if spec.code:
            config.update(metric_list=[{"metric": "exact_match"}], filter_list=None)
        file = scratch / f"{name}_{subtask}.json"
        hub = [spec.hub(row) for _, row in rows]
        file.write_text("".join(f"{json.dumps(row)}\n" for row in hub), encoding="utf-8")
        split = config.get("test_split") or config["validation_split"]
        config.update(
            dataset_path="json",
            dataset_name=None,
            dataset_kwargs={"data_files": {split: str(file)}},
            training_split=None,
            fewshot_split=None,
            num_fewshot=shots,
            test_split=split,
            validation_split=None,
        )
        config.pop("tag", None)
        if shots and not spec.own_shots:
            shot = spec.shot or spec.hub
            samples = [shot(row) for _, row in pool.get(subtask, ())[:shots]]
            config["fewshot_config"] = {"sampler": "first_n", "samples": samples}
        found[subtask] = (ConfigurableTask(config=config), [name for name, _ in rows])
    return found


def default_shots(name: str) -> int:
    """The number of shots of our lm-eval protocol."""
    return protocol(benchmark(name), "lm-eval").shots[0]


def _by_subtask(source, name: str, data_dir: Path | None, role: str) -> dict[str, list]:
    """For each subtask the id and the raw row of its examples."""
    loaded = load_rows(name, source.parse, source.schema, data_dir, role)
    found: dict[str, list] = {}
    for row in loaded.rows:
        example = source.read(row)
        found.setdefault(example.subtask, []).append((example.id, row.fields))
    return found

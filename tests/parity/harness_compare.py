"""Holds what lm-evaluation-harness asked and got (harness_run.py) against our own evaluation.

    python tests/parity/harness_compare.py FILE MODEL --data DIR

Prints a line for each task: documents, whether every argument is the same text, the largest
difference of a log-likelihood and whether all are within max(1e-4, 1e-6 |value|), the metrics of
both; generated texts that differ are explained by the log-probabilities at the first differing
token. Exit status 1 where anything differs that is no tie.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from harness_file import digest, plain

import llama_jax as lj
from llama_jax.evals.ask import Known
from llama_jax.evals.ask import ask as ask_engine
from llama_jax.evals.benchmarks import benchmark, protocol
from llama_jax.evals.plan import TaskPlan, plan_task
from llama_jax.evals.requests import decode, encode
from llama_jax.evals.types import Choices, Generate, Generated, Likelihood, Request, Rolling
from llama_jax.model import decoder

TIE = 1e-4
# The harness's name (metric,filter) of our metrics.
METRICS = {
    "acc": "acc,none",
    "acc_norm": "acc_norm,none",
    "exact_match": ("exact_match,strict-match", "exact_match,remove_whitespace"),
    "exact_match_flexible": "exact_match,flexible-extract",
}


@dataclass
class Comparison:
    """What was seen of one task; `wrong` says what differs and is no tie."""

    documents: int = 0
    numbers: int = 0
    largest: float = 0.0
    texts: int = 0
    ties: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def number(self, where: str, theirs: float, ours: float) -> None:
        """Compares two log-likelihoods."""
        self.numbers += 1
        self.largest = max(self.largest, abs(theirs - ours))
        if abs(theirs - ours) > max(1e-4, 1e-6 * abs(theirs)):
            self.wrong.append(f"{where}: {theirs} there, {ours} here")


def arguments(request: Request) -> list[list[Any]]:
    """A request in the harness's terms."""
    if isinstance(request, Choices):
        return [[choice.given.context, choice.given.continuation] for choice in request.choices]
    assert isinstance(request, Generate)
    options = {"until": list(request.stop), "do_sample": False}
    return [[request.prompt, options]]


def same_arguments(theirs: Any, ours: list) -> bool:
    """Whether they ask the same; `theirs` may be a digest."""
    if isinstance(theirs, str):
        return digest(ours) == theirs
    return plain(theirs) == plain(ours)


def compare_task(
    name: str, found: dict, model: lj.Model, data_dir: Path | None, limit: int | None
) -> Comparison:
    """All parts of one task."""
    task = benchmark(name)
    way = protocol(task, "lm-eval")
    how = {"data_dir": data_dir, "shots": found["shots"], "limit": limit}
    plan = plan_task(task, way, model.tokenizer, model.config.context, **how)
    place = {example.id: index for index, example in enumerate(plan.examples)}
    seen = Comparison()
    for part, results in found["parts"].items():
        chosen = [place[document["id"]] for document in results["documents"]]
        responses = ask(plan, chosen, model)
        scores = []
        for document, index, response in zip(results["documents"], chosen, responses, strict=True):
            where = f"{name} {document['id']}"
            seen.documents += 1
            if not same_arguments(document["arguments"], arguments(plan.requests[index])):
                seen.wrong.append(f"{where}: other arguments")
            compare_answers(where, document["answers"], response, seen, model, plan.requests[index])
            scores.append(way.score(plan.examples[index], response))
        examples = [plan.examples[index] for index in chosen]
        compare_metrics(f"{name} {part}", results["metrics"], way, examples, scores, seen)
    return seen


def ask(plan: TaskPlan, chosen: list[int], model: lj.Model) -> list[Any]:
    """Our responses to the chosen requests."""
    items = tuple(dict.fromkeys(plan.items[p] for i in chosen for p in plan.places[i]))
    answers = ask_engine(model.engine, replace(plan, items=items), Known({}), progress=False)
    by_item = dict(zip(items, answers, strict=True))
    return [
        decode(plan.requests[i], [by_item[plan.items[p]] for p in plan.places[i]]) for i in chosen
    ]


def compare_answers(
    where: str, theirs: list, ours: Any, seen: Comparison, model: lj.Model, request: Request
) -> None:
    """Log-likelihoods or texts of one document."""
    if isinstance(ours, Generated):
        for text, output in zip(theirs, ours.outputs, strict=True):
            seen.texts += 1
            if text != output.text:
                explain(where, request.prompt, text, output.text, seen, model)
        return
    for (logprob, greedy), likelihood in zip(theirs, ours.given, strict=True):
        seen.number(where, logprob, likelihood.logprob)
        if greedy != likelihood.greedy:
            seen.wrong.append(f"{where}: greedy {greedy} there, {likelihood.greedy} here")


def explain(
    where: str, prompt: str, theirs: str, ours: str, seen: Comparison, model: lj.Model
) -> None:
    """A difference is a tie where the two first differing tokens are equally likely to 1e-4."""
    a, b = model.encode(prompt + theirs), model.encode(prompt + ours)
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    if at is None:
        seen.wrong.append(f"{where}: {theirs!r} there, {ours!r} here")
        return
    logits = decoder.apply(model.params, model.config, jnp.asarray([a[:at]], jnp.int32))[0, -1]
    gap = abs(float(logits[a[at]] - logits[b[at]]))
    note = f"{where}: token {at - len(model.encode(prompt))} differs, gap {gap:.2e}"
    (seen.ties if gap <= TIE else seen.wrong).append(note)


def compare_metrics(where: str, theirs: dict, way, examples, scores, seen: Comparison) -> None:
    """Every metric that both have."""
    for metric in way.metrics:
        names = METRICS.get(metric.name, ())
        for name in (names,) if isinstance(names, str) else names:
            if name in theirs:
                value = metric.of(examples, scores).value
                if abs(value - theirs[name]) > 1e-12:
                    seen.wrong.append(f"{where} {name}: {theirs[name]} there, {value} here")


def compare_rolling(found: list[dict], model: lj.Model) -> Comparison:
    """Rolling log-likelihoods of documents."""
    seen = Comparison()
    for index, document in enumerate(found):
        request = Rolling(document["text"])
        items = encode(request, model.tokenizer, model.config.context, "rolling").items
        parts = [
            Likelihood(sum(map(float, result.logprobs)), len(result.logprobs), result.greedy)
            for result in model.engine.score(items)
        ]
        seen.documents += 1
        seen.number(f"document {index}", document["logprob"], decode(request, parts).logprob)
    return seen


def main() -> None:
    """Parses, compares, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    found = json.loads(args.file.read_text(encoding="utf-8"))
    model = lj.load(args.model)
    how = (model, args.data, found["limit"])
    seen = {name: compare_task(name, task, *how) for name, task in found["tasks"].items()}
    if "rolling" in found:
        seen["rolling"] = compare_rolling(found["rolling"], model)
    for name, one in seen.items():
        print(
            f"{name:16}{one.documents:6} documents {one.numbers:6} log-likelihoods, largest "
            f"difference {one.largest:.2e} {one.texts:4} texts, {len(one.ties)} ties"
        )
        for line in (*one.ties, *one.wrong):
            print(f"    {line}")
    sys.exit(any(one.wrong for one in seen.values()))


if __name__ == "__main__":
    main()

"""Holds what lm-evaluation-harness asked and got (harness_run.py) against our own evaluation.

    PYTHONPATH=tests python -m parity.harness_compare FILE MODEL --data DIR

Prints a line for each task: documents, whether every argument is the same text, the largest
difference of a log-likelihood and whether all are within max(1e-4, 1e-6 |value|), the metrics of
both. Of generations the ids are compared, and a difference is explained by the logits at the first
differing id; of the same ids the texts are the same but for the first space, which the decoder of
Hugging Face's fast tokenizers drops, and for bytes that are no UTF-8. Exit status 1 where anything
differs that is no tie.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from parity.harness_file import digest, plain

import llama_jax as lj
from llama_jax.evals.benchmarks import benchmark, protocol
from llama_jax.evals.plan import TaskPlan, plan_task
from llama_jax.evals.requests import answer, decode, encode
from llama_jax.evals.types import Choices, Generate, Likelihood, Request, Rolling
from llama_jax.inference.types import GenerateItem
from llama_jax.model import decoder

TIE = 1e-4
DEFAULT_NEW_TOKENS = 256  # of the harness, where a task says nothing
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
    if request.max_new_tokens != DEFAULT_NEW_TOKENS:
        options["max_gen_toks"] = request.max_new_tokens
    return [[request.prompt, options]]


def same_arguments(theirs: Any, ours: list) -> bool:
    """Whether they ask the same; `theirs` may be a digest."""
    if isinstance(theirs, str):
        return digest(ours) == theirs
    return plain(theirs) == plain(ours)


def compare_task(name: str, found: dict, model: lj.Model, data_dir: Path | None) -> Comparison:
    """All parts of one task."""
    task = benchmark(name)
    way = protocol(task, "lm-eval")
    how = {
        "data_dir": data_dir,
        "shots": found["shots"],
        "limit": found["limit"],
        "on_overflow": "drop-shots",
    }
    plan = plan_task(task, way, model.tokenizer, model.config.context, **how)
    place = {example.id: index for index, example in enumerate(plan.examples)}
    seen = Comparison()
    for part, results in found["parts"].items():
        chosen = [place[document["id"]] for document in results["documents"]]
        found_here = ask(plan, chosen, model)
        scores = []
        for document, index, ours in zip(results["documents"], chosen, found_here, strict=True):
            where = f"{name} {document['id']}"
            seen.documents += 1
            if not same_arguments(document["arguments"], arguments(plan.requests[index])):
                seen.wrong.append(f"{where}: other arguments")
            prompt = plan.items[plan.places[index][0]].ids
            compare_answers(where, document, ours, seen, model, prompt)
            response = decode(plan.requests[index], list(map(answer, ours)))
            scores.append(way.score(plan.examples[index], response))
        examples = [plan.examples[index] for index in chosen]
        compare_metrics(f"{name} {part}", results["metrics"], way, examples, scores, seen)
    return seen


def ask(plan: TaskPlan, chosen: list[int], model: lj.Model) -> list[list[Any]]:
    """The engine's results for the chosen examples."""
    items = list(dict.fromkeys(plan.items[p] for i in chosen for p in plan.places[i]))
    generate = isinstance(items[0], GenerateItem)
    results = model.engine.generate(items) if generate else model.engine.score(items)
    by_item = dict(zip(items, results, strict=True))
    return [[by_item[plan.items[place]] for place in plan.places[i]] for i in chosen]


def compare_answers(
    where: str, theirs: dict, ours: list[Any], seen: Comparison, model: lj.Model, prompt: tuple
) -> None:
    """Log-likelihoods, or generated ids and texts, of one document."""
    if "ids" not in theirs:
        for (logprob, greedy), result in zip(theirs["answers"], ours, strict=True):
            seen.number(where, logprob, answer(result).logprob)
            if greedy != result.greedy:
                seen.wrong.append(f"{where}: greedy {greedy} there, {result.greedy} here")
        return
    for text, ids, result in zip(theirs["answers"], theirs["ids"], ours, strict=True):
        seen.texts += 1
        shared = min(len(ids), len(result.ids))  # the harness may see a stop string a token later
        if list(ids[:shared]) != list(result.ids[:shared]):
            explain(where, prompt, ids, result.ids, seen, model)
        elif text != result.text.removeprefix(" ") and "\ufffd" not in text:
            seen.wrong.append(f"{where}: {text!r} there, {result.text!r} here, of the same ids")


def explain(
    where: str, prompt: tuple, theirs: Sequence, ours: Sequence, seen: Comparison, model: lj.Model
) -> None:
    """A difference is a tie where the two first differing ids are equally likely to 1e-4."""
    both = zip(theirs, ours, strict=False)
    at = next(place for place, (one, other) in enumerate(both) if one != other)
    params = jax.tree.map(jnp.asarray, model.params)
    before = jnp.asarray([[*prompt, *ours[:at]]], jnp.int32)
    logits = decoder.apply(params, model.config, before)[0, -1]
    gap = abs(float(logits[theirs[at]] - logits[ours[at]]))
    note = f"{where}: id {at} differs, {theirs[at]} there, {ours[at]} here, gap {gap:.2e}"
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
        request = Rolling(document["text"], second_bos=True)
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
    seen = {name: compare_task(name, t, model, args.data) for name, t in found["tasks"].items()}
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

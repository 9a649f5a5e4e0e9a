"""Gold answers through the whole path: a benchmark that cannot score its own answers is wrong.

An engine that knows the gold answers (or, `right=False`, gives wrong ones) stands in for the model;
everything else is the evaluation itself: prompts, tokens, stop strings, extraction, scores. Gold
answers must give 1 and wrong ones 0; what no text can reach by the protocol's rules (an answer with
a stop string inside) is counted as unreachable.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llama_jax.errors import InputError
from llama_jax.evals.answers import normalise_answer
from llama_jax.evals.ask import Known, ask
from llama_jax.evals.plan import TaskPlan, plan_task
from llama_jax.evals.protocol import Benchmark, Protocol
from llama_jax.evals.requests import decode
from llama_jax.evals.types import (
    Choices,
    ChosenFrom,
    Generate,
    Generated,
    Likelihood,
    Output,
    Score,
)
from llama_jax.inference.text import Continuation
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreItem, ScoreResult
from llama_jax.tokenizer import Tokenizer

# Longer than any prompt: nothing is fed to a model here.
_CONTEXT = 1 << 20
_LIKELY, _UNLIKELY, _NORMALISER = -1e-3, -1e3, -5.0


@dataclass(frozen=True)
class SelfCheck:
    """What the gold and the wrong answers of a task scored by its primary metric.

    Attributes:
        task: the benchmark's name.
        protocol: the protocol's name.
        n: examples.
        gold: mean over the examples when gold answers are given.
        wrong: mean when wrong answers are given.
        unreachable: ids of examples whose gold answers did not score 1.
    """

    task: str
    protocol: str
    n: int
    gold: float
    wrong: float
    unreachable: tuple[str, ...]


class Oracle:
    """An engine that answers each item as it was told."""

    def __init__(
        self, likely: dict[ScoreItem, float], texts: dict[GenerateItem, str], tokenizer: Tokenizer
    ) -> None:
        self._likely = likely
        self._texts = texts
        self._tokenizer = tokenizer

    def score(
        self,
        items: Sequence[ScoreItem],
        on_result: Callable[[int, ScoreResult], None] | None = None,
        known: Collection[int] = (),
    ) -> list[ScoreResult | None]:
        """The sum that was told, on the first scored id."""
        results = []
        for index, item in enumerate(items):
            rest = (0.0,) * (len(item.ids) - item.start - 1)
            results.append(ScoreResult((self._likely[item], *rest), False))
            if on_result is not None:
                on_result(index, results[-1])
        return results

    def generate(
        self,
        items: Sequence[GenerateItem],
        *,
        on_result: Callable[[int, GenerateResult], None] | None = None,
    ) -> list[GenerateResult]:
        """The text that was told, token by token, up to a stop string or the limit."""
        results = []
        for index, item in enumerate(items):
            row = Continuation(item, item.max_new_tokens or _CONTEXT, self._tokenizer)
            whole = _continuing(self._tokenizer, self._texts[item])
            for token in (*whole, self._tokenizer.eos_id):
                if row.remaining:
                    row.push(token)
            results.append(row.result())
            if on_result is not None:
                on_result(index, results[-1])
        return results


def _continuing(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a text that goes on with another one: no space is put before its first word."""
    before, ids = tokenizer.encode("\n"), tokenizer.encode(f"\n{text}")
    return list(ids[len(before) :] if ids[: len(before)] == before else tokenizer.encode(text))


def self_check(
    benchmark: Benchmark,
    protocol: Protocol,
    tokenizer: Tokenizer,
    data_dir: Path | None,
    limit: int | None = None,
) -> SelfCheck:
    """Returns what gold and wrong answers score.

    Raises:
        InputError: the data is not as it must be, or the protocol does not say its gold texts.
    """
    plan = plan_task(benchmark, protocol, tokenizer, _CONTEXT, data_dir=data_dir, limit=limit)
    gold, wrong = _values(plan, tokenizer, True), _values(plan, tokenizer, False)
    ids = [example.id for example in plan.examples]
    return SelfCheck(
        task=benchmark.name,
        protocol=protocol.name,
        n=len(ids),
        gold=sum(gold) / len(ids),
        wrong=sum(wrong) / len(ids),
        unreachable=tuple(name for name, value in zip(ids, gold, strict=True) if value != 1),
    )


def _values(plan: TaskPlan, tokenizer: Tokenizer, right: bool) -> list[float]:
    """The primary metric of every example; of several gold texts the best one counts."""
    best = [0.0] * len(plan.examples)
    waiting = list(range(len(best)))
    turn = 0
    while waiting:
        for index, value in zip(waiting, _turn(plan, waiting, tokenizer, right, turn), strict=True):
            best[index] = max(best[index], value)
        turn += 1
        waiting = [i for i in waiting if right and best[i] != 1 and turn < _turns(plan, i)]
    return best


def _turn(
    plan: TaskPlan, chosen: Sequence[int], tokenizer: Tokenizer, right: bool, turn: int
) -> list[float]:
    """What the chosen examples score with the gold text number `turn` of each."""
    oracle = _oracle(plan, chosen, tokenizer, right, turn)
    items = tuple(dict.fromkeys(plan.items[place] for i in chosen for place in plan.places[i]))
    found = ask(oracle, replace(plan, items=items), Known({}), progress=False)
    answer = dict(zip(items, found, strict=True))
    values = []
    for i in chosen:
        response = decode(plan.requests[i], [answer[plan.items[place]] for place in plan.places[i]])
        values.append(_value(plan, plan.protocol.score(plan.examples[i], response)))
    return values


def _value(plan: TaskPlan, score: Score) -> float:
    """The primary metric of one example.

    Where it is none of one example's numbers (F1 of labels, a score of the whole corpus, tests that
    have to be run) the label, or what was extracted, must be the gold answer to the letter.
    """
    if plan.benchmark.outcomes is None and plan.protocol.primary in score.values:
        return score.values[plan.protocol.primary]
    found = score.extracted if score.predicted is None else (score.predicted,)
    golds = score.gold if isinstance(score.gold, list | tuple) else [score.gold]
    return float(bool(found) and all(one in golds for one in found))


def _turns(plan: TaskPlan, index: int) -> int:
    return len(_gold_texts(plan, index)) if isinstance(plan.requests[index], Generate) else 1


def _gold_texts(plan: TaskPlan, index: int) -> Sequence[str]:
    if plan.protocol.gold_texts is None:
        raise InputError(f"{plan.benchmark.name}: protocol {plan.protocol.name} has no gold texts")
    return plan.protocol.gold_texts(plan.examples[index])


def _oracle(
    plan: TaskPlan, chosen: Sequence[int], tokenizer: Tokenizer, right: bool, turn: int
) -> Oracle:
    likely: dict[ScoreItem, float] = {}
    texts: dict[GenerateItem, str] = {}
    for index in chosen:
        request = plan.requests[index]
        items = [plan.items[place] for place in plan.places[index]]
        if isinstance(request, Choices):
            count = len(request.choices)
            gold = _gold_choice(plan, index)
            for place, item in enumerate(items):
                value = _LIKELY if (place == gold) == right else _UNLIKELY
                likely[item] = value if place < count else _NORMALISER
        elif isinstance(request, Generate):
            answers = _gold_texts(plan, index if right else _other(plan, index))
            texts.update(dict.fromkeys(items, answers[turn % len(answers)]))
        else:
            raise InputError(f"{plan.benchmark.name}: its requests have no gold answers")
    return Oracle(likely, texts, tokenizer)


def _gold_choice(plan: TaskPlan, index: int) -> int:
    """The index that the protocol's own score names."""
    request = plan.requests[index]
    same = (Likelihood(-1.0, 1, False),) * len(request.choices)
    normaliser = same if request.choices[0].unconditional is not None else None
    texts = tuple(choice.text for choice in request.choices)
    gold = plan.protocol.score(plan.examples[index], ChosenFrom(texts, same, normaliser)).gold
    if not isinstance(gold, int):  # people's mean rating is no answer of those asked
        raise InputError(f"{plan.benchmark.name}: its examples have no right answers")
    return gold


def _other(plan: TaskPlan, index: int) -> int:
    """The next example that shares no gold answer with this one."""
    mine = _golds(plan, index)
    for step in range(1, len(plan.examples)):
        other = (index + step) % len(plan.examples)
        if not mine & _golds(plan, other):
            return other
    raise InputError(f"{plan.benchmark.name}: all examples have the same gold answer")


def _golds(plan: TaskPlan, index: int) -> set[str]:
    nothing = Generated((Output("", "eos"),) * plan.requests[index].samples)
    gold = plan.protocol.score(plan.examples[index], nothing).gold
    golds = gold if isinstance(gold, list | tuple) else [gold]
    return {normalise_answer(str(one)) for one in golds}

from llama_jax.evals.dry_run import dry_run
from llama_jax.inference.types import GenerateItem, ScoreItem


class Plan:
    def __init__(self, name, items):
        self.name, self.items, self.examples = name, items, [None] * 3


class Engine:
    def describe(self, items):
        return f"scores {len(items)}"

    def describe_generation(self, items):
        return f"generates {len(items)}"


def test_each_task_says_what_it_asks_for():
    score, generate = ScoreItem((1, 2), 1), GenerateItem((1, 2), 3)
    plans = [Plan("a", [score, generate, score]), Plan("b", [generate])]
    assert dry_run(Engine(), plans) == (
        "a: 3 examples\nscores 2\ngenerates 1\n\nb: 3 examples\ngenerates 1"
    )

from llama_jax.data.manifest import MANIFEST
from llama_jax.evals.dry_run import dry_run
from llama_jax.evals.run import plan_tasks


class Engine:
    def describe(self, items):
        return f"scores {len(items)}"

    def describe_generation(self, items):
        return f"generates {len(items)}"


def test_each_task_says_what_it_asks_for(tokenizer):
    how = {"data_dir": None, "on_overflow": "error", "manifest": MANIFEST, "limit": 3}
    plans = plan_tasks(["hellaswag", "gsm8k"], tokenizer, 9999, **how)
    assert dry_run(Engine(), plans) == {
        "hellaswag": "3 examples\nscores 12",
        "gsm8k": "3 examples\ngenerates 3",
    }

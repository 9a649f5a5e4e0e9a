"""Scoring and generation: token ids in, log-probabilities or new tokens out.

    items --plan--> prefix tree, token batches --engine--> results

`types` and `plan` import no jax; `engine` is the only place where evaluation touches a device. What
the items are for (benchmarks, prompts, metrics) is unknown here.
"""

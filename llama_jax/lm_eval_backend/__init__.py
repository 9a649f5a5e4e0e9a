"""A model of ours behind lm-evaluation-harness: its tasks, prompts and metrics, our engine.

`model` registers it under the name llama_jax; lm_eval looks for no outside models itself, so

    python -m llama_jax.lm_eval_backend --model llama_jax --model_args path=DIR --tasks ...

registers it and goes on as the command lm_eval does. `items` is pure and needs no lm_eval.
"""

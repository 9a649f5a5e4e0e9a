r"""ARC-Easy: grade-school science questions that retrieval or co-occurrence answers.

Paper     Clark et al. 2018, "Think you have Solved Question Answering? Try ARC, the AI2 Reasoning
          Challenge"
Raw file  ARC-Easy-Test.jsonl, 2376 rows (test), as ARC-Challenge's. Some questions have 3 or 5
          answers, some label them 1-4 instead of A-D.
Fills     Llama 2, Table 20, column ARC-e, 0-shot.

Rows, prompt and rules are ARC-Challenge's (`arc_challenge.py`): `paper` decides by likelihood per
character, which here reproduces Llama 1 (7B: 72.8 printed, lm-evaluation-harness acc_norm 72.94).
"""

from dataclasses import replace

from llama_jax.evals.benchmarks import arc_challenge
from llama_jax.evals.protocol import Benchmark, PaperColumn, Rule, Source

PAPER = replace(
    arc_challenge.PAPER,
    rules=(*arc_challenge.RULES, Rule("test split, 2376 rows", "not stated", guess=True)),
)

BENCHMARK = Benchmark(
    name="arc_easy",
    title="ARC-Easy",
    citation=arc_challenge.BENCHMARK.citation,
    examples=Source(arc_challenge.SCHEMA, arc_challenge.read),
    protocols=(PAPER, arc_challenge.LM_EVAL),
    paper=PaperColumn("20", "ARC-e", "acc_norm"),
    chance=0.2502,  # the mean of 1 / answers over the test split
)

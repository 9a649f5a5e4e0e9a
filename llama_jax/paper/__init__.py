"""The numbers that the Llama 2 paper prints, as data, and the rules that its Table 3 follows.

`tables.json` holds the paper's numeric tables cell by cell; `data` reads it; `groups` averages
benchmarks as Table 3 does; `rules` says which cells follow from which, `recompute` checks them all,
and `contradictions` lists where the paper disagrees with itself; `measures` says which tasks fill
each table. Nothing here imports jax.
"""

from llama_jax.paper.contradictions import CONTRADICTIONS, Contradiction
from llama_jax.paper.data import Contested, PaperTable, Value, numbers, published, table
from llama_jax.paper.groups import (
    AGIEVAL_ITEMS,
    GROUPS,
    MMLU_ITEMS,
    MMLU_ITEMS_LLAMA1,
    Group,
    GroupMean,
    Part,
    group_mean,
    item_weighted_mean,
    mean,
)
from llama_jax.paper.measures import MEASURED, PREFIX, Column, Measure, column_of, tasks_of
from llama_jax.paper.recompute import Check, decimals, recompute

__all__ = [
    "AGIEVAL_ITEMS",
    "CONTRADICTIONS",
    "GROUPS",
    "MEASURED",
    "MMLU_ITEMS",
    "MMLU_ITEMS_LLAMA1",
    "PREFIX",
    "Check",
    "Column",
    "Contested",
    "Contradiction",
    "Group",
    "GroupMean",
    "Measure",
    "PaperTable",
    "Part",
    "Value",
    "column_of",
    "decimals",
    "group_mean",
    "item_weighted_mean",
    "mean",
    "numbers",
    "published",
    "recompute",
    "table",
    "tasks_of",
]

"""The numbers that the Llama 2 paper prints, as data, and the rules that its Table 3 follows.

`tables.json` holds the paper's numeric tables cell by cell; `data` reads it; `groups` averages
benchmarks as Table 3 does, and lists where the paper disagrees with itself. Nothing here imports
jax.
"""

from llama_jax.paper.data import Contested, PaperTable, numbers, published, table
from llama_jax.paper.groups import (
    AGIEVAL_ITEMS,
    CONTRADICTIONS,
    GROUPS,
    MMLU_ITEMS,
    MMLU_ITEMS_LLAMA1,
    Contradiction,
    Group,
    GroupMean,
    Part,
    group_mean,
    item_weighted_mean,
    mean,
    recompute_table3,
)

__all__ = [
    "AGIEVAL_ITEMS",
    "CONTRADICTIONS",
    "GROUPS",
    "MMLU_ITEMS",
    "MMLU_ITEMS_LLAMA1",
    "Contested",
    "Contradiction",
    "Group",
    "GroupMean",
    "PaperTable",
    "Part",
    "group_mean",
    "item_weighted_mean",
    "mean",
    "numbers",
    "published",
    "recompute_table3",
    "table",
]

"""Parameter trees as flat dicts with one path per array: "layers/attention/query"."""

from typing import Any

import jax


def flatten(tree: Any) -> dict[str, Any]:
    """Path -> leaf of any pytree; the parts of a path are dict keys, indices and field names.

    >>> flatten({"a": {"b": 1}, "c": (2, 3)})
    {'a/b': 1, 'c/0': 2, 'c/1': 3}
    """
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def unflatten(leaves: dict[str, Any]) -> dict[str, Any]:
    """The nested dict with these leaves: the inverse of `flatten` for a tree made of dicts.

    >>> unflatten({"a/b": 1, "c": 2})
    {'a': {'b': 1}, 'c': 2}
    """
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *parents, last = path.split("/")
        node = tree
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = leaf
    return tree

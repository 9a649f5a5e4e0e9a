"""What a step measures of parameters and gradients, on the device."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

GROUPS = ("embedding", "attention", "feed_forward", "norms", "output")


def group_of(path: str) -> str:
    """The group of a parameter, from its path such as "layers.attention.query"."""
    if path.endswith("scale"):
        return "norms"
    name = path.removeprefix("layers.").partition(".")[0]
    if name not in GROUPS:
        raise ValueError(f"parameter {path!r} belongs to no group")
    return name


def norms_by_group(tree: dict) -> dict[str, Float[Array, ""]]:
    """The global norm of each group of a tree shaped like the parameters."""
    groups: dict[str, list[Array]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        groups.setdefault(group_of(name), []).append(leaf)
    return {name: optax.tree.norm(leaves) for name, leaves in groups.items()}


def step_metrics(
    loss: Array, count: Array, gradients: dict, params: dict, learning_rate: Array
) -> dict[str, Float[Array, ""]]:
    """The metrics of `train_step`: see there."""
    by_group = norms_by_group(gradients)
    squares = [jnp.square(norm) for norm in by_group.values()]
    return {
        "loss": loss,
        "tokens": count,
        "gradient_norm": jnp.sqrt(sum(squares)),
        "parameter_norm": optax.tree.norm(params),
        "learning_rate": jnp.asarray(learning_rate, jnp.float32),
        **{f"gradient_norm.{name}": norm for name, norm in by_group.items()},
    }

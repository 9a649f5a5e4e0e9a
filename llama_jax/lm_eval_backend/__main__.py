"""The command lm_eval, with the model llama_jax among its models."""

import sys

from llama_jax.errors import InputError


def main() -> None:
    """Registers the model and hands the command line to lm_eval."""
    try:
        from lm_eval.__main__ import cli_evaluate
    except ImportError:
        sys.exit(
            "error: lm-evaluation-harness is not installed; pip install 'llama_jax[lm-eval]' "
            "(or lm-eval beside llama_jax)"
        )
    import llama_jax.lm_eval_backend.model  # noqa: F401  registers

    try:
        cli_evaluate()
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

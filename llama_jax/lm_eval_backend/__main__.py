"""The command lm_eval, with the model llama_jax among its models."""

import sys
from typing import NoReturn

from llama_jax.compiled import keep_compiled
from llama_jax.errors import InputError
from llama_jax.huge_pages import restart_with_huge_pages


def main() -> None:
    """Registers the model and hands the command line to lm_eval."""
    try:
        from lm_eval.__main__ import cli_evaluate
    except ImportError:
        _refuse("lm-evaluation-harness is not installed; pip install 'llama_jax[lm-eval]'")
    import llama_jax.lm_eval_backend.model  # noqa: F401  registers

    keep_compiled()
    try:
        cli_evaluate()
    except InputError as error:
        _refuse(str(error))


def _refuse(why: str) -> NoReturn:
    print(f"error: {why}", file=sys.stderr)
    raise SystemExit(2) from None


if __name__ == "__main__":
    restart_with_huge_pages()
    main()

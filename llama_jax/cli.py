"""`llama-jax`: every subcommand is one library call, a table or text, and an exit status.

0 done, 1 failed, 2 wrong arguments or input (one line on stderr, nothing written). Results go to
stdout, progress and notices to stderr. Nothing heavy is imported before a subcommand is known, so
that `--help` answers at once.
"""

import errno
import os
import sys

from llama_jax.errors import InputError
from llama_jax.huge_pages import restart_with_huge_pages

# The machine's fault rather than the arguments'.
FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

SUMMARIES = {
    "doctor": "Show versions, devices and memory.",
    "generate": "Continue a text; it appears as it is generated, the prompt before it.",
    "chat": "Talk with a chat model; replies appear as they are generated.",
    "infill": "Print what stands between two texts; for Code Llama 7B and 13B.",
    "eval": "Evaluate a model on benchmarks, beside the paper's values.",
    "perplexity": "Compute the perplexity of a text, per token, byte and word.",
    "score": "Score saved outputs against a benchmark's gold answers; no model is needed.",
    "report": "Write one page and one Markdown file for one or several runs side by side.",
    "convert": "Convert weights to Hugging Face's, Meta's, llama2.c's or our own format.",
    "tokenizer": "Train a tokenizer on text files; the result is a SentencePiece model.",
    "train": "Train a model; a run that was interrupted goes on.",
    "data": "List, verify, download or prepare the files of the benchmarks.",
    "weights": "Say what a file of weights holds, or verify it.",
}


def entry() -> None:
    """The entry point of `llama-jax`: `main`, in a process with huge pages."""
    restart_with_huge_pages()
    main()


def main() -> None:
    """What `llama-jax` does with `sys.argv`."""
    name, *arguments = sys.argv[1:] or [""]
    if name in ("-h", "--help"):
        print(overview())
        return
    try:
        if name not in SUMMARIES:
            raise InputError(f"no subcommand {name!r}; there are: {', '.join(SUMMARIES)}")
        from llama_jax.commands import call

        call(name, arguments)
    except InputError as error:
        print(f"llama-jax: error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"llama-jax: error: {where}{error.strerror or error}", file=sys.stderr)
        raise SystemExit(1 if error.errno in FAILURES else 2) from None
    except KeyboardInterrupt:
        print("llama-jax: interrupted; what is written stays", file=sys.stderr)
        raise SystemExit(130) from None


def overview() -> str:
    """The help page of the program as a whole."""
    lines = ["usage: llama-jax SUBCOMMAND ...", "", "Llama 2 in JAX: load, generate, evaluate.", ""]
    lines += [f"  {name:12}{summary}" for name, summary in SUMMARIES.items()]
    return "\n".join([*lines, "", "llama-jax SUBCOMMAND --help says more."])


if __name__ == "__main__":
    entry()

"""The process that reads LaTeX with SymPy; `math_symbolic` starts it by its path, and kills it.

It imports nothing of this package. One line of JSON in, one out:

    {"left": "2x", "right": "x+x", "strict": true, "seconds": 5}  ->  {"verdict": "equal"}

"different" is a verdict, and so is "unread": one of the two is no LaTeX that SymPy reads. It has a
clock of its own, so that it ends even if whoever started it was killed meanwhile.
"""

import json
import os
import signal
import sys
import warnings

# Bytes of address space: what a huge power asks for is refused before it hurts the machine.
_MEMORY = 4 << 30


def _verdict(left: str, right: str, strict: bool) -> str:
    """Parses both and simplifies their difference."""
    import sympy
    from sympy.parsing.latex import parse_latex

    try:
        read = [parse_latex(text, strict=strict) for text in (left, right)]
    except Exception:  # the parser fails on a model's LaTeX in any way there is
        return "unread"
    try:
        # A number's "==" and not `equals`: this is lm-evaluation-harness's test.
        return "equal" if sympy.simplify(read[0] - read[1]) == 0 else "different"
    except Exception:  # inequalities and equations cannot be subtracted, MemoryError
        return "different"


def main() -> None:
    """Answers line by line until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    warnings.simplefilter("ignore")
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        ready = _verdict(r"\frac{1}{2}", "0.5", True)  # loads the grammar
        print(json.dumps({"ready": ready == "equal"}), file=answers, flush=True)
    except ImportError as error:
        print(json.dumps({"ready": False, "why": str(error)}), file=answers, flush=True)
        return
    for line in sys.stdin:
        asked = json.loads(line)
        signal.alarm(int(asked["seconds"]) + 2)  # its default is to end the process
        verdict = _verdict(asked["left"], asked["right"], asked["strict"])
        signal.alarm(0)
        print(json.dumps({"verdict": verdict}), file=answers, flush=True)


if __name__ == "__main__":
    main()

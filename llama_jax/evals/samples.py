"""One JSON line for each example: what was asked, what came back, how it was scored.

Everything that a choice rule divides by is in the line, so any metric can be recomputed from the
file with no model: `response_of` gives back the response.
"""

import json
from pathlib import Path
from typing import Any

from llama_jax.errors import InputError
from llama_jax.evals.types import (
    Choice,
    Choices,
    ChosenFrom,
    Example,
    Generate,
    Generated,
    Likelihood,
    Loglikelihood,
    Output,
    Request,
    Response,
    Rolling,
    Score,
)


def sample(example: Example, request: Request, response: Response, score: Score) -> dict[str, Any]:
    """Returns the sample line of an example.

    `prompt` is the context, null where the answers have different ones; each then carries its own
    `context` and `continuation`.
    """
    line: dict[str, Any] = {"id": example.id}
    if example.subtask:
        line["subtask"] = example.subtask
    match request:
        case Choices(choices=choices):
            contexts = {choice.given.context for choice in choices}
            line["prompt"] = contexts.pop() if len(contexts) == 1 else None
            line["choices"] = _choices(choices, response, shared=line["prompt"] is not None)
        case Loglikelihood():
            line["prompt"] = request.context
            line["choices"] = [_counted(request.continuation, response, greedy=True)]
        case Rolling():
            line["prompt"] = ""
            line["choices"] = [_counted(request.text, response, greedy=True)]
        case Generate():
            line["prompt"] = request.prompt
            line["outputs"] = output_lines(response, score)
    line["gold"] = score.gold
    if score.predicted is not None:
        line["predicted"] = score.predicted
    return {**line, "scores": dict(score.values)}


def _choices(choices: tuple[Choice, ...], response: ChosenFrom, shared: bool) -> list[dict]:
    lines = []
    for i, (choice, likelihood) in enumerate(zip(choices, response.given, strict=True)):
        line = _counted(choice.text, likelihood, greedy=False)
        if response.unconditional is not None:
            line["unconditional_logprob"] = response.unconditional[i].logprob
        if not shared:
            line["context"] = choice.given.context
            line["continuation"] = choice.given.continuation
        lines.append(line)
    return lines


def _counted(text: str, likelihood: Likelihood, greedy: bool) -> dict[str, Any]:
    line = {
        "text": text,
        "logprob": likelihood.logprob,
        "tokens": likelihood.tokens,
        "chars": len(text),
        "bytes": len(text.encode()),
    }
    return {**line, "greedy": likelihood.greedy} if greedy else line


def output_lines(response: Generated, score: Score) -> list[dict[str, Any]]:
    """Returns for each output its text, what was found in it and its own numbers."""
    lines = []
    for i, output in enumerate(response.outputs):
        line: dict[str, Any] = {"text": output.text, "stop_reason": output.stop_reason}
        if score.extracted:
            line["extracted"] = score.extracted[i]
        if score.output_values:
            line["scores"] = dict(score.output_values[i])
        lines.append(line)
    return lines


def response_of(line: dict[str, Any]) -> Response:
    """Returns the response that a sample line records."""
    if "outputs" in line:
        return Generated(tuple(Output(o["text"], o["stop_reason"]) for o in line["outputs"]))
    choices = line["choices"]
    given = tuple(Likelihood(c["logprob"], c["tokens"], c.get("greedy", False)) for c in choices)
    if "greedy" in choices[0]:
        return given[0]
    without = None
    if "unconditional_logprob" in choices[0]:
        without = tuple(Likelihood(c["unconditional_logprob"], c["tokens"], False) for c in choices)
    return ChosenFrom(tuple(c["text"] for c in choices), given, without)


def read_samples(path: Path) -> list[dict[str, Any]]:
    """Reads a sample file; a line that is no JSON is an InputError."""
    lines = []
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise InputError(f"{path}:{number}: not a line of JSON: {error}") from None
    return lines

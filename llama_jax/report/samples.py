"""The samples of a report: a question, what each run made of it, and what was right."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from llama_jax.errors import InputError
from llama_jax.report.runs import RunFiles

PROMPT_CHARACTERS = 700
"""How much of a prompt's end is shown: the question, not its few-shot examples."""

_NORMALISERS = {
    "acc_norm": "chars",
    "acc_bytes": "bytes",
    "acc_tokens": "tokens",
    "acc_unconditional": "unconditional_logprob",
}
_WORDS = {
    "acc_norm": " (per character)",
    "acc_bytes": " (per byte)",
    "acc_tokens": " (per token)",
    "acc_unconditional": " (less the unconditional one)",
}


def samples_section(runs: Sequence[RunFiles]) -> str:
    """The first samples of every task, the runs side by side; "" when no run brought any."""
    names = dict.fromkeys(name for run in runs for name in run.tasks)
    tasks = []
    for name in names:
        by_run = {run.label: {s["id"]: s for s in run.samples.get(name, ())} for run in runs}
        primaries = {run.label: run.tasks[name].primary for run in runs if name in run.tasks}
        ids = dict.fromkeys(key for found in by_run.values() for key in found)
        if not ids:
            continue
        shown = "\n".join(_sample(key, by_run, primaries) for key in ids)
        opened = "" if tasks else " open"
        summary = f"{_text(name)}, the first {len(ids)}"
        tasks.append(f"<details{opened}><summary>{summary}</summary>\n{shown}</details>")
    if not tasks:
        return ""
    return "<section><h2>Samples</h2>\n" + "\n".join(tasks) + "</section>"


def picked(choices: Sequence[Mapping[str, Any]], metric: str) -> int:
    """The index of the choice that a metric picks: the one of highest log-probability.

    It is divided by the choice's characters for acc_norm, bytes for acc_bytes, tokens for
    acc_tokens, and lessened by the unconditional log-probability for acc_unconditional.
    """
    scores = [_score(choice, metric) for choice in choices]
    return scores.index(max(scores))


def _score(choice: Mapping[str, Any], metric: str) -> float:
    needed = _NORMALISERS.get(metric)
    if needed is None:
        return choice["logprob"]
    value = choice.get(needed)
    if value is None or (value == 0 and metric != "acc_unconditional"):
        raise InputError(
            f"samples: choice {choice['text']!r} has no {needed}, which {metric} needs"
        )
    return choice["logprob"] - value if metric == "acc_unconditional" else choice["logprob"] / value


def _sample(key: Any, by_run: Mapping[str, Mapping], primaries: Mapping[str, str]) -> str:
    # Runs of different protocols ask the same question in other words, or decide by another rule:
    # each gets its own block.
    asked: dict[str, dict[str, Mapping]] = {}
    metrics: dict[str, str] = {}
    for label, found in by_run.items():
        if key in found:
            sample = found[key]
            texts = [c["text"] for c in sample.get("choices") or ()]
            question = json.dumps([sample.get("prompt"), texts, primaries[label]])
            metrics[question] = primaries[label]
            asked.setdefault(question, {})[label] = sample
    return "\n".join(_block(key, samples, metrics[q]) for q, samples in asked.items())


def _block(key: Any, samples: Mapping[str, Mapping], metric: str) -> str:
    first = next(iter(samples.values()))
    parts = [f"<h3>{_text(key)}</h3>", _prompt(first.get("prompt"))]
    if first.get("choices"):
        parts.append(_choices(samples, metric))
    else:
        if first.get("gold") is not None:
            parts.append(f"<p>Gold: {_text(_words(first['gold']))}</p>")
        parts += [_outputs(label, sample) for label, sample in samples.items()]
    return "\n".join(parts)


def _prompt(prompt: Any) -> str:
    if prompt is None:
        return ""
    text = _words(prompt)
    hidden = len(text) - PROMPT_CHARACTERS
    if hidden <= 0:
        return f"<pre>{_text(text)}</pre>"
    note = f"{hidden:,} characters before this are in the sample file."
    return f'<p class="notes">{note}</p><pre>{_text(text[hidden:])}</pre>'


def _choices(samples: Mapping[str, Mapping], metric: str) -> str:
    first = next(iter(samples.values()))
    unit = "log-probability" + _WORDS.get(metric, "")
    # What the evaluation itself noted goes before what the metric's rule would pick.
    picks = {
        label: s["predicted"] if "predicted" in s else picked(s["choices"], metric)
        for label, s in samples.items()
    }
    rows = []
    for i, choice in enumerate(first["choices"]):
        gold = " ✓" if i == first.get("gold") else ""
        cells = ""
        for label, sample in samples.items():
            own = sample["choices"][i]
            text = f"{own['logprob']:.2f}"
            if metric in _NORMALISERS:
                text += f" ({_score(own, metric):.3f})"
            chosen = picks[label] == i
            cells += f"<td>{f'<b>{text}&nbsp;◂</b>' if chosen else text}</td>"
        rows.append(f'<tr><th scope="row">{_text(choice["text"])}{gold}</th>{cells}</tr>')
    head = "".join(f"<th>{_text(label)}</th>" for label in samples)
    return (
        '<div class="scroll"><table class="choices">'
        f"<thead><tr><th>choice</th>{head}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table></div>\n"
        f'<p class="notes">{unit}; ✓ gold, ◂ picked by {_text(metric)}</p>'
    )


def _outputs(label: str, sample: Mapping[str, Any]) -> str:
    outputs = sample.get("outputs") or ()
    facts = []
    if outputs:
        shown = ("extracted", "stop_reason")
        facts = [f"{k}: {_words(outputs[0][k])}" for k in shown if k in outputs[0]]
    facts += [f"{name}: {_words(value)}" for name, value in (sample.get("scores") or {}).items()]
    parts = [f"<p>{_text(label)}: {_text('; '.join(facts))}</p>"]
    parts += [f"<pre>{_text(output['text'])}</pre>" for output in outputs[:1]]
    if len(outputs) > 1:
        parts.append(f'<p class="notes">the first of {len(outputs)} outputs</p>')
    return "\n".join(parts)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    return html.escape(str(value))

"""A page about one training run: its curves, what it says, what it was made from."""

import html
import json
import math
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llama_jax.report import plots

Log = Sequence[Mapping[str, Any]]


def write_training_page(log: Log, settings: Mapping[str, Any], title: str, out_dir: Path) -> Path:
    """Writes OUT/loss.svg and OUT/index.html, and gives the path of the page.

    Args:
        log: the lines of train_log.jsonl.
        settings: the content of train_config.json.
        title: of the page.
        out_dir: folder of the run.

    Raises:
        InputError: no line has a loss; nothing is written.
    """
    svg = plots.loss_svg(log)
    sections = [
        f"<h1>{_text(title)}</h1>",
        _table("Where it stands", _last_values(log)),
        _losses(log, svg),
        _scores(log),
        _samples(log),
        _table("Settings", _flat({k: settings.get(k, {}) for k in ("identity", "options")})),
    ]
    template = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    body = "\n".join(section for section in sections if section)
    page = string.Template(template).substitute(title=_text(title), body=body)
    standalone = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    standalone = svg if "xmlns=" in svg else standalone
    (out_dir / "loss.svg").write_text(standalone, encoding="utf-8")
    path = out_dir / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _losses(log: Log, svg: str) -> str:
    names = [name.replace("_", " ") for name in plots.loss_curves(log)]
    legend = "".join(
        f'<span class="swatch" style="background:{plots.colour(i)}"></span>{_text(name)}'
        for i, name in enumerate(names)
    )
    return f"<section><h2>Loss</h2>\n<figure><div>{legend}</div>\n{svg}</figure></section>"


def _last_values(log: Log) -> dict[str, Any]:
    """The newest value of every number in the log, and a few sums over it."""
    last: dict[str, Any] = {}
    for line in log:
        last |= {k: v for k, v in line.items() if isinstance(v, int | float)}
    steps = [line for line in log if "loss" in line]
    validated = [line["validation_loss"] for line in log if "validation_loss" in line]
    last["tokens in all"] = sum(line.get("tokens", 0) for line in steps)
    last["minutes of steps"] = sum(line.get("seconds", 0) for line in steps) / 60
    if validated:
        last["lowest validation_loss"] = min(validated)
    return last


def _scores(log: Log) -> str:
    """Benchmarks by step, where there are any."""
    lines = [line for line in log if any(name.startswith("eval/") for name in line)]
    names = dict.fromkeys(name for line in lines for name in line if name.startswith("eval/"))
    if not lines:
        return ""
    head = "".join(f"<th>{_text(name.removeprefix('eval/'))}</th>" for name in names)
    rows = "".join(
        f'<tr><th scope="row">{line["step"]}</th>'
        + "".join(f'<td class="number">{_number(line.get(name))}</td>' for name in names)
        + "</tr>"
        for line in lines
    )
    return (
        '<section><h2>Benchmarks</h2><div class="scroll"><table><thead><tr><th>step</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _samples(log: Log) -> str:
    """What the model writes, the newest first."""
    lines = [line for line in log if "sample" in line]
    blocks = [
        f"<details{' open' if number == 0 else ''}><summary>after step {line['step']}</summary>"
        f"<pre>{_text(line['sample_prompt'] + line['sample'])}</pre></details>"
        for number, line in enumerate(reversed(lines))
    ]
    return f"<section><h2>Samples</h2>{''.join(blocks)}</section>" if blocks else ""


def _table(title: str, values: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_text(name)}</th><td class="number">{_number(value)}</td></tr>'
        for name, value in values.items()
    )
    return (
        f'<section><h2>{_text(title)}</h2><div class="scroll"><table><tbody>{rows}</tbody></table>'
        "</div></section>"
    )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        path = f"{prefix}{name}"
        flat |= _flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return flat


def _number(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return _text(value if isinstance(value, str) else json.dumps(value))


def _text(value: Any) -> str:
    return html.escape(str(value))

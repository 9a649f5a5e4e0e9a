"""Generation against llama2.c and Hugging Face on the same weights, alternating.

    python benchmarks/decode_speed.py MODEL_DIR --llama2c DIR --peer-python PYTHON --out FILE

--llama2c names a folder with llama2.c's run.c and tokenizer.bin, --peer-python a Python with torch
and transformers; what is not given is left out. Three settings: one row greedy, eight rows greedy,
64 samples of one long prompt. The first run of each contestant (compilation, page faults) is
thrown away; then they take turns. Rates are medians; `decode` leaves the prompt out. Greedy ids
must be those of Hugging Face, but for ties within 1e-4. `others` is the share of the CPU that
other processes had: above 0.05 a run says little, since threads that wait for each other suffer
most.
"""

import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from decode_workers import llama2c
from sides import Side, machine, peer_environment

from llama_jax import weights
from llama_jax.tokenizer import load_tokenizer

TEXT = "Once upon a time, there was a little girl named Lily. She"  # 16 ids with Llama's tokenizer
WORKERS = Path(__file__).resolve().parent / "decode_workers"


@dataclass(frozen=True)
class Setting:
    """What all contestants generate."""

    name: str
    prompts: list[list[int]]
    copies: int
    new: int
    temperature: float = 0.0
    top_p: float = 1.0

    def command(self, new: int) -> dict:
        """For a worker."""
        names = ("prompts", "copies", "temperature", "top_p")
        return {**{name: getattr(self, name) for name in names}, "new": new}


def settings(model: Path, vocab: int, samples: int) -> list[Setting]:
    """Prompts: a fixed text, seeded ids."""
    tokenizer = load_tokenizer(model / "tokenizer.model")
    text = [tokenizer.bos_id, *tokenizer.encode(TEXT)]
    rng = np.random.default_rng(0)
    others = rng.integers(5, vocab, (7, len(text))).tolist()
    long = [tokenizer.bos_id, *rng.integers(5, vocab, 399).tolist()]
    return [
        Setting("batch 1", [text], 1, 128),
        Setting("batch 8", [text, *others], 1, 128),
        Setting("samples, temperature only", [long], samples, 64, 0.8),
        Setting("samples, temperature and top-p", [long], samples, 64, 0.8, 0.95),
    ]


def compare(setting: Setting, workers: dict[str, Side], repeats: int, other=None) -> dict:
    """Medians of each contestant; `other` is timed between them and gives tokens per second."""
    runs = {name: [] for name in workers}
    other_rates = []
    for turn in range(repeats + 1):
        if other is not None:
            other_rates.append(other())
        for name, worker in workers.items():
            one = worker.ask(**setting.command(1))
            whole = worker.ask(**setting.command(setting.new))
            assert whole["tokens"] == len(setting.prompts) * setting.copies * setting.new, name
            whole["decode"] = (whole["tokens"] - one["tokens"]) / (
                whole["seconds"] - one["seconds"]
            )
            if turn:
                runs[name].append(whole)
            else:
                print(
                    f"{setting.name}: {name} first {one['seconds'] + whole['seconds']:.1f} s",
                    flush=True,
                )
    result = {name: _medians(list_) for name, list_ in runs.items()}
    if other is not None:
        rate = statistics.median(other_rates[1:])
        result["llama2c"] = {"decode_tokens_per_second": rate, "all": other_rates[1:]}
    if setting.temperature == 0 and "hugging_face" in workers:
        result["greedy"] = _agreement(setting, runs, workers["hugging_face"])
    ours = result["ours"]["decode_tokens_per_second"]
    result["ratios"] = {
        name: round(ours / result[name]["decode_tokens_per_second"], 3)
        for name in ("hugging_face", "llama2c")
        if name in result
    }
    if "hugging_face" in result:
        whole = [result[name]["tokens_per_second"] for name in ("ours", "hugging_face")]
        result["ratios"]["hugging_face, prompt included"] = round(whole[0] / whole[1], 3)
    return result


def _medians(runs: list[dict]) -> dict:
    return {
        "tokens_per_second": statistics.median(run["tokens"] / run["seconds"] for run in runs),
        "decode_tokens_per_second": statistics.median(run["decode"] for run in runs),
        "all": [run["decode"] for run in runs],
        "others": [run["others"] for run in runs],
        "peak_mib": round(max(run["peak_mib"] for run in runs)),
    }


def _agreement(setting: Setting, runs: dict, peer: Side) -> list[dict]:
    """Rows whose greedy ids differ: the first place, and how far our id lies below the peer's."""
    found = []
    pairs = zip(runs["ours"][-1]["ids"], runs["hugging_face"][-1]["ids"], strict=True)
    for row, (ours, theirs) in enumerate(pairs):
        if ours == theirs:
            continue
        at = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
        command = {"prompts": [setting.prompts[row]], "margins": ours[: at + 1]}
        margin = peer.ask(**command)["margins"][-1]
        found.append({"row": row, "at": at, "margin": margin, "tie": margin < 1e-4})
    return found


def main(
    model: tyro.conf.Positional[Path],
    peer_python: Path | None = None,
    llama2c_source: Annotated[Path | None, tyro.conf.arg(name="llama2c")] = None,
    llama2c_model: Path | None = None,
    out: Path | None = None,
    repeats: int = 3,
    samples: int = 64,
    threads: int = os.cpu_count() or 1,
    weight_dtype: str = "",
    only: str = "",
) -> None:
    """Prints and writes the comparison.

    Args:
        model: a Hugging Face directory with tokenizer.model.
        peer_python: Python with torch and transformers.
        llama2c_source: folder with run.c and tokenizer.bin.
        llama2c_model: the model as a llama2.c file; written anew by default.
        out: JSON file.
        repeats: timed runs of each.
        samples: of the long prompt.
        threads: of the peers; ours takes all cores.
        weight_dtype: of ours; "int8" for weights in eight bits.
        only: settings whose name begins so.
    """
    vocab = weights.read(model).config.vocab_size
    ours = [sys.executable, str(WORKERS / "ours.py"), str(model), str(samples), weight_dtype]
    workers = {"ours": Side("ours", ours)}
    if peer_python is not None:
        script = str(WORKERS / "hugging_face.py")
        command = [str(peer_python), script, str(model)]
        peer = Side("hugging_face", command, **peer_environment(threads))
        workers["hugging_face"] = peer
    about = {"machine": machine(), "threads": threads}
    about |= {name: worker.about for name, worker in workers.items()}
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        single = None
        if llama2c_source is not None:
            source, program = Path(llama2c_source), Path(folder) / "run"
            llama2c.build(source, program)
            if llama2c_model is None:
                llama2c_model = Path(folder) / "model.bin"
                llama2c.export(model, llama2c_model)
            tokenizer = source / "tokenizer.bin"

            def single():
                return llama2c.run(program, llama2c_model, tokenizer, TEXT, 144, threads)

        for setting in settings(model, vocab, samples):
            if setting.name.startswith(only):
                other = single if setting.name == "batch 1" else None
                results[setting.name] = compare(setting, workers, repeats, other)
                print(setting.name, json.dumps(results[setting.name]), flush=True)
    for worker in workers.values():
        worker.close()
    report = {"model": model.name, **about, "repeats": repeats, "results": results}
    if out is not None:
        out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)

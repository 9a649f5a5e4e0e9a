"""From raw books to a model and a table: bits per byte on held-out chapters, beside two baselines.

    python experiments/books.py --books FOLDER --out runs/books

Chapters are documents; every twentieth, by a hash of its text, is held out. The baselines are xz,
which has read the training text first, and a 5-gram model with Kneser-Ney smoothing of the same
tokens. OUT gets chapters.jsonl, tokenizer.model, training/ and books.md.
"""

import json
import lzma
import re
import sys
from pathlib import Path

import numpy as np
import tyro

from llama_jax import train_data
from llama_jax.compiled import keep_compiled
from llama_jax.errors import InputError
from llama_jax.evals.kneser_ney import kneser_ney_bits
from llama_jax.huge_pages import restart_with_huge_pages
from llama_jax.tokenizer import load_tokenizer
from llama_jax.tokenizer.train import train_bpe
from llama_jax.training.loop import LOG_FILE, train
from llama_jax.training.presets import train_preset
from llama_jax.training.settings import apply
from llama_jax.training.stop import leave_if_stopped

HEADING = re.compile(r"^(?=\s*(?:CHAPTER|Chapter|BOOK|PART|[IVXLC]+\.) ?.{0,60}$)", re.MULTILINE)
SHORTEST = 2000  # characters; headings in a table of contents make no chapters
HELD_OUT = 0.05


def chapters(text: str) -> list[str]:
    """The text cut at headings; what is too short to be a chapter stays with what comes before."""
    found: list[str] = []
    for part in HEADING.split(text):
        if found and len(found[-1]) < SHORTEST:
            found[-1] += part
        else:
            found.append(part)
    return found


def validation_loss(run: Path) -> tuple[float, int]:
    """The last validation of a run: nats per token, and its tokens."""
    lines = map(json.loads, (run / LOG_FILE).read_text(encoding="utf-8").splitlines())
    last = [line for line in lines if "validation_loss" in line][-1]
    return last["validation_loss"], last["validation_tokens"]


def targets(rows) -> np.ndarray:
    """The ids that are predicted, in order."""
    return rows.targets[rows.loss_mask.astype(bool)]


def main(
    *, books: Path, out: Path, settings: tuple[str, ...] = (), limit: int | None = None
) -> None:
    """Trains and prints the table.

    Args:
        books: folder of .txt files, one book each.
        out: folder of the run.
        settings: key=value over the preset "books".
        limit: only the first so many steps.
    """
    keep_compiled()
    texts = [path.read_text(encoding="utf-8") for path in sorted(books.glob("*.txt"))]
    if not texts:
        raise InputError(f"{books}: no .txt file in this folder; give a folder of books")
    out.mkdir(parents=True, exist_ok=True)
    corpus, pieces = out / "chapters.jsonl", out / "tokenizer.model"
    found = [chapter for text in texts for chapter in chapters(text)]
    corpus.write_text("".join(json.dumps({"text": c}) + "\n" for c in found), encoding="utf-8")
    preset = apply(list(settings), train_preset("books"))
    pieces.write_bytes(train_bpe(found, preset.model.vocab_size))
    store = train_data.open_store(corpus, pieces, "file", out / "tokens")
    data = train_data.batches_of(store, preset, fraction=HELD_OUT, how="hash", packing="stream")
    tokenizer = load_tokenizer(pieces)
    run = train(
        preset.model, preset.optimizer, data.source, steps=limit or preset.steps,
        batch_size=preset.batch_size, seed=preset.seed, out_dir=out / "training",
        validation_rows=data.validation, validate_every=preset.validate_every,
        save_every=preset.save_every, keep=2, tokenizer_bytes=tokenizer.serialized(),
        options=preset.options,
    )  # fmt: skip
    leave_if_stopped(run.stopped_at)
    loss, count = validation_loss(out / "training")
    rows = train_data.all_rows(data.source.sources[0].packed)
    seen, held_out = targets(rows), targets(data.validation)
    before, text = (tokenizer.decode(ids.tolist()).encode() for ids in (seen, held_out))
    ngrams = kneser_ney_bits(seen, held_out, preset.model.vocab_size).sum()
    packed = len(lzma.compress(before + text, preset=9)) - len(lzma.compress(before, preset=9))
    bits = {
        "xz -9, after the training text": 8 * packed,
        "5-gram, Kneser-Ney": ngrams,
        f"Llama, {len(found)} chapters, step {limit or preset.steps}": loss / np.log(2) * count,
    }
    lines = ["| model | bits per byte |", "| --- | --- |"]
    lines += [f"| {name} | {total / len(text):.3f} |" for name, total in bits.items()]
    (out / "books.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines), f"{count} tokens, {len(text)} bytes held out; {out}", sep="\n")


if __name__ == "__main__":
    restart_with_huge_pages()
    try:
        tyro.cli(main)
    except InputError as error:
        sys.exit(f"books: {error}")

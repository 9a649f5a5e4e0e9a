"""Writes the corpus, the two benchmark samples and the tokenizer into a folder.

The corpus is ASCII text; documents are separated by exactly one blank line, hold none themselves,
and the file ends with one newline: `text.strip().split("\\n\\n")` gives the documents.
"""

import io
import json
from pathlib import Path

from llama_jax.samples.generator.arc import arc_rows
from llama_jax.samples.generator.grammar import Draw
from llama_jax.samples.generator.hellaswag import hellaswag_rows
from llama_jax.samples.generator.passages import passage
from llama_jax.samples.generator.questions import all_facts, question
from llama_jax.samples.generator.scenes import all_scenes
from llama_jax.samples.generator.stories import Teller

SEED = 2023
CORPUS_BYTES = 1_000_000
CORPUS = "corpus.txt"
HELLASWAG = "hellaswag/hellaswag_sample.jsonl"
ARC = "arc_challenge/ARC-Challenge-sample.jsonl"
TOKENIZER = "tokenizer.model"
VOCAB_SIZE = 512


def documents(draw: Draw, size: int) -> list[str]:
    """Different documents of `size` bytes in all: short and long stories, passages, questions."""
    scenes, told = all_scenes(), dict[str, None]()
    teller = Teller(draw, scenes)
    asked = [fact for fact in all_facts() if not fact.held]
    total = 0
    while total < size:
        kind = draw.below(100)
        if kind < 30:
            text = teller.short(draw.one(scenes))
        elif kind < 40:
            text = teller.long(*draw.some(scenes, 2))
        elif kind < 60:
            text = passage(draw)
        else:
            text = question(draw, draw.some(asked, draw.one((1, 1, 2, 3))))
        if text not in told:
            told[text] = None
            total += len(text) + 2
    return list(told)


def train_tokenizer(texts: list[str]) -> bytes:
    """A SentencePiece model with Llama's settings, from lines of text; the same bytes every time."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="bpe",
        vocab_size=VOCAB_SIZE,
        character_coverage=0.99995,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def _jsonl(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows)


def texts(seed: int = SEED) -> dict[str, str]:
    """The text files by their paths: the corpus and the two benchmark samples."""
    scenes = all_scenes()
    return {
        CORPUS: "\n\n".join(documents(Draw(seed), CORPUS_BYTES)) + "\n",
        HELLASWAG: _jsonl(hellaswag_rows(Draw(seed + 1), scenes)),
        ARC: _jsonl(arc_rows(Draw(seed + 2), all_facts())),
    }


def write(folder: Path, seed: int = SEED) -> list[Path]:
    """Writes all files below `folder` and returns their paths."""
    contents = {path: text.encode("ascii") for path, text in texts(seed).items()}
    lines = contents[CORPUS].decode("ascii").splitlines()
    contents[TOKENIZER] = train_tokenizer([line for line in lines if line])
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return [folder / path for path in contents]

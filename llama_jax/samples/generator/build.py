r"""Writes the corpus, the two benchmark samples and the tokenizer into a folder.

The corpus is ASCII text; documents are separated by exactly one blank line, hold none themselves,
and the file ends with one newline: `text.strip().split("\n\n")` gives the documents.
"""

import hashlib
import json
from pathlib import Path

from llama_jax.samples.generator.arc import arc_rows
from llama_jax.samples.generator.grammar import Draw
from llama_jax.samples.generator.hellaswag import hellaswag_rows
from llama_jax.samples.generator.passages import passage
from llama_jax.samples.generator.questions import all_facts, question
from llama_jax.samples.generator.scenes import all_scenes
from llama_jax.samples.generator.stories import Teller
from llama_jax.tokenizer.train import train_bpe

SEED = 2023
CORPUS_BYTES = 1_000_000
CORPUS = "corpus.txt"
HELLASWAG = "hellaswag/hellaswag_sample.jsonl"
ARC = "arc_challenge/ARC-Challenge-sample.jsonl"
TOKENIZER = "tokenizer.model"
MANIFEST = "manifest.json"
VOCAB_SIZE = 512
# Of 100 stories, how many are about what. Some things take more telling than others.
FAMILIES = {"task": 45, "need": 20, "helper": 12, "effect": 15, "feeding": 8}
# Scenes that may come second in a story: they begin with the person, not with the day.
LATER = ("task", "helper")


def documents(draw: Draw, size: int) -> list[str]:
    """Different documents of `size` bytes in all: short and long stories, passages, questions."""
    told = dict[str, None]()
    families = {name: [s for s in all_scenes() if s.family == name] for name in FAMILIES}
    weighted = [name for name, weight in FAMILIES.items() for _ in range(weight)]
    later = [scene for name in LATER for scene in families[name]]
    asked = [fact for fact in all_facts() if not fact.held]
    teller = Teller(draw)
    total = 0
    while total < size:
        kind = draw.below(100)
        first = draw.one(families[draw.one(weighted)])
        if kind < 42:
            text = teller.short(first)
        elif kind < 48:
            text = teller.long(first, draw.one([scene for scene in later if scene is not first]))
        elif kind < 62:
            text = passage(draw)
        else:
            text = question(draw, draw.some(asked, draw.one((1, 1, 2, 3))))
        if text not in told:
            told[text] = None
            total += len(text) + 2
    return list(told)


def _jsonl(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows)


def _manifest(contents: dict[str, bytes]) -> str:
    """Bytes and SHA-256 of every file, and the rows of the benchmark files."""
    files = {}
    for path, data in contents.items():
        files[path] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if path.endswith(".jsonl"):
            files[path]["rows"] = data.count(b"\n")
    return json.dumps({"licence": "Apache-2.0", "files": files}, indent=2) + "\n"


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
    # Llama's coverage is for text with thousands of characters; here it would lose a digit.
    contents[TOKENIZER] = train_bpe(
        [line for line in lines if line], VOCAB_SIZE, character_coverage=1.0
    )
    contents[MANIFEST] = _manifest(contents).encode("ascii")
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return [folder / path for path in contents]

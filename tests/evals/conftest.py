"""A model that is a hash function, a tokenizer of bytes, and small made-up raw files."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from llama_jax.data.rows import Row
from llama_jax.data.schema import Record, Text
from llama_jax.evals.protocol import Benchmark, Metric, Protocol, Rule, Source
from llama_jax.evals.types import Example, Generate, Generated, ModelInfo, Score
from llama_jax.inference.types import GenerateItem, GenerateResult, ScoreItem, ScoreResult

HELLASWAG_ROWS = [
    {
        "activity_label": "Juggling",
        "ctx_a": "A girl picks up three oranges.",
        "ctx_b": "she",
        "endings": ["throws them up.", "paints a fence.", "sleeps.", "eats one, then one more."],
        "label": 0,
    },
    {
        "activity_label": "Home and Garden",
        "ctx_a": "[header] How to water a fern [title] Wait for a dry day. [step] Feel the soil.",
        "ctx_b": "",
        "endings": ["[substeps] Pour slowly.", "Burn it. [title] Run.", "Sing.", "Sing."],
        "label": 1,
    },
    {
        "activity_label": "Sledging",
        "ctx_a": "Two boys climb  a hill.",
        "ctx_b": "the Older one",
        "endings": ["sits down.", "flies to München.", "melts.", "is a hill."],
        "label": 3,
    },
    {
        "activity_label": "Sewing",
        "ctx_a": "A needle is threaded.",
        "ctx_b": "then",
        "endings": [", a button is sewn on.", ", it rains.", ", nobody.", ", the cat sews."],
        "label": 2,
    },
]


def arc_row(name: str, stem: str, answers: dict[str, str], key: str) -> dict:
    choices = [{"text": text, "label": label} for label, text in answers.items()]
    return {"id": name, "question": {"stem": stem, "choices": choices}, "answerKey": key}


ARC_ROWS = [
    arc_row("Q_1", "What melts ice?", {"A": "heat", "B": "a spoon", "C": "dark", "D": "sand"}, "A"),
    arc_row("Q_2", "Which is alive?", {"1": "a rock", "2": "a fern", "3": "rain", "4": "tin"}, "2"),
    arc_row("Q_3", "Which floats?", {"A": "iron", "B": "cork", "C": "lead"}, "B"),
    arc_row(
        "Q_4", "What has legs?", {"A": "ant", "B": "eel", "C": "pea", "D": "oak", "E": "fog"}, "A"
    ),
]


class ByteTokenizer:
    """One token for each byte of UTF-8; 1 begins a text, 2 ends it."""

    vocab_size = 259
    bos_id = 1
    eos_id = 2
    sha256 = "b" * 64

    def encode(self, text: str) -> list[int]:
        return [byte + 3 for byte in text.encode()]

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        offsets, begin = [], 0
        for character in text:
            size = len(character.encode())
            offsets += [(begin, begin + size)] * size
            begin += size
        return self.encode(text), offsets

    def decode(self, ids) -> str:
        return bytes(i - 3 for i in ids if i > 2).decode(errors="replace")

    def id_to_piece(self, token: int) -> str:
        return str(token)

    def id_to_bytes(self, token: int) -> bytes:
        return bytes([token - 3])

    def serialized(self) -> bytes:
        return b""


class Crash(Exception):
    """Stands for the power cut."""


class HashEngine:
    """Log-probabilities and texts that are a function of the ids alone; counts its work.

    Results arrive in batches, the last items first; after `crash_after` of them it dies.
    """

    def __init__(self, crash_after: int | None = None, batch: int = 3) -> None:
        self.counts: Counter[str] = Counter()
        self.calls = 0
        self.scored: list[ScoreItem] = []
        self._left = crash_after
        self._batch = batch

    def score(self, items, on_result=None, known=()) -> list[ScoreResult | None]:
        self.calls += 1
        results = {}
        backwards = [index for index in range(len(items)) if index not in known][::-1]
        for begin in range(0, len(items), self._batch):
            for index in backwards[begin : begin + self._batch]:
                self._work()
                results[index] = score_by_hash(items[index])
                self.scored.append(items[index])
                self.counts["scored"] += len(items[index].ids) - items[index].start
                if on_result is not None:
                    on_result(index, results[index])
        return [results.get(index) for index in range(len(items))]

    def generate(self, items, *, on_result=None) -> list[GenerateResult]:
        self.calls += 1
        results = []
        for index, item in enumerate(items):
            self._work()
            results.append(generate_by_hash(item))
            self.counts["generated"] += 1
            if on_result is not None:
                on_result(index, results[-1])
        return results

    def _work(self) -> None:
        if self._left == 0:
            raise Crash
        if self._left is not None:
            self._left -= 1


def score_by_hash(item: ScoreItem) -> ScoreResult:
    values = []
    for end in range(item.start, len(item.ids)):
        digest = hashlib.sha256(repr(item.ids[: end + 1]).encode()).digest()
        values.append(float(np.float32(-5 * int.from_bytes(digest[:4], "big") / 2**32)))
    return ScoreResult(tuple(values), greedy=values[0] > -2.5)


def generate_by_hash(item: GenerateItem) -> GenerateResult:
    number = int.from_bytes(hashlib.sha256(repr(item).encode()).digest()[:2], "big")
    text = f" {number % 7}"
    return GenerateResult(tuple(b + 3 for b in text.encode()), text, "stop")


def write_rows(path: Path, rows: list[dict]) -> dict:
    """Writes JSON lines; returns the file's entry for a manifest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return {"path": path.name, "sha256": digest, "rows": len(rows)}


def known_set(files: list[dict], *, kind="official", role="examples", official_rows=None) -> dict:
    rows = sum(file["rows"] for file in files)
    return {
        "kind": kind,
        "role": role,
        "split": "test",
        "official_rows": official_rows or rows,
        "licence": "none",
        "source": "made up",
        "files": files,
    }


def toy_prompt(example: Example, shots) -> Generate:
    lines = [f"Q: {shot.row['q']}\nA: {shot.row['a']}\n" for shot in shots]
    return Generate("".join(lines) + f"Q: {example.row['q']}\nA:", 4, stop=("\n",))


def toy_score(example: Example, response: Generated) -> Score:
    found = response.outputs[0].text.strip()
    right = float(found == example.row["a"])
    return Score({"exact": right}, example.row["a"], (found,), ({"exact": right},))


def toy_read(row: Row) -> Example:
    subtask = Path(row.file).stem.removesuffix("_shots")
    return Example(f"toy/{subtask}:{row.index}", row.fields, subtask)


def toy_benchmark(**protocol) -> Benchmark:
    """Sums, in two subtasks, with up to three shots from files of their own."""
    source = Source(Record({"q": Text(), "a": Text()}), toy_read)
    exact = Metric("exact", "The text is the answer.")
    way = {
        "name": "paper",
        "version": 1,
        "prompt": toy_prompt,
        "score": toy_score,
        "metrics": (exact,),
        "primary": "exact",
        "rules": (Rule("all", "made up"),),
        "shots": (2, 0, 3),
    }
    return Benchmark("toy", "Toy", "nobody", source, (Protocol(**way | protocol),), shots=source)


@pytest.fixture
def toy(tmp_path):
    """(function that makes the benchmark, data folder, manifest)."""
    folder = tmp_path / "toy-data"
    files = {"examples": [], "shots": []}
    for subtask, step in (("add", 1), ("twice", 2)):
        rows = [{"q": f"{i} and {i * step}", "a": str(i + i * step)} for i in range(5)]
        shots = [{"q": f"{i} with {i}", "a": str(i * step)} for i in range(3)]
        files["examples"].append(write_rows(folder / "toy" / f"{subtask}.jsonl", rows))
        files["shots"].append(write_rows(folder / "toy" / f"{subtask}_shots.jsonl", shots))
    manifest = folder / "manifest.json"
    sets = [known_set(entries, role=role) for role, entries in files.items()]
    manifest.write_text(json.dumps({"toy": sets}))
    return toy_benchmark, folder, manifest


@pytest.fixture(scope="session")
def raw(tmp_path_factory):
    """(data folder, manifest) of the made-up HellaSwag and ARC rows."""
    folder = tmp_path_factory.mktemp("raw")
    hellaswag = write_rows(folder / "hellaswag" / "hellaswag_val.jsonl", HELLASWAG_ROWS)
    arc = write_rows(folder / "arc_challenge" / "ARC-Challenge-Test.jsonl", ARC_ROWS)
    manifest = folder / "manifest.json"
    sets = {
        "hellaswag": [known_set([hellaswag], kind="partial", official_rows=9)],
        "arc_challenge": [known_set([arc])],
    }
    manifest.write_text(json.dumps(sets))
    return folder, manifest


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    """Prepared rows go to a folder of this test session, never to the user's."""
    monkeypatch.setenv("LLAMA_JAX_CACHE", str(cache))


@pytest.fixture
def tokenizer() -> ByteTokenizer:
    return ByteTokenizer()


@pytest.fixture
def engine_class() -> type[HashEngine]:
    return HashEngine


@pytest.fixture
def crash() -> type[Crash]:
    return Crash


@pytest.fixture
def model_info() -> ModelInfo:
    return ModelInfo("models/hash", "a" * 64, 42, "float32", context=512, device="none")

"""Run by test_engine_devices.py on 8 CPU devices: the engine on meshes against one device."""

import jax
import numpy as np

from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError
from llama_jax.inference.engine import Engine
from llama_jax.inference.kept import Kept
from llama_jax.inference.types import GenerateItem, ScoreItem
from llama_jax.model import decoder
from llama_jax.sharding import make_mesh

CONFIG = LlamaConfig(66, 32, 2, 8, 4, 48, 128, 1e-5)  # 66: the vocabulary does not divide over 4
MESHES = ({"data": 8}, {"tensor": 4}, {"data": 2, "tensor": 2}, {"data": 3})


class Tokenizer:
    """Ids are letters; 2 ends a text."""

    vocab_size, bos_id, eos_id = 64, 1, 2

    def decode(self, ids):
        return "".join(chr(60 + token) for token in ids if token > 2)

    def id_to_bytes(self, token):
        return self.decode([token]).encode()


def params():
    """Weights large enough that the next id is far from uniformly distributed."""

    def larger(path, array):
        return array if "norm" in jax.tree_util.keystr(path) else 10 * array

    return jax.tree_util.tree_map_with_path(larger, decoder.init(jax.random.key(0), CONFIG))


def score_items():
    """Behind two prefixes, nested, equal and alone: numbers of rows that no mesh divides."""
    rng = np.random.default_rng(0)

    def ids(count):
        return tuple(int(n) for n in rng.integers(3, 64, count))

    items = []
    for shots in (ids(50), ids(40)):
        for _ in range(5):
            context = (1, *shots, *ids(int(rng.integers(3, 14))))
            items += [ScoreItem((*context, letter), len(context)) for letter in (5, 6, 7)]
            items.append(ScoreItem((*context, 5, *ids(4)), len(context)))
    items += [ScoreItem((1, *ids(n)), 1) for n in (1, 30, 127)]
    return [*items, items[0]]


def generate_items():
    """Eleven prompts, greedy and drawn, some behind one prefix."""
    rng = np.random.default_rng(1)
    shared = tuple(int(n) for n in rng.integers(3, 64, 40))
    items = []
    for index in range(11):
        own = tuple(int(n) for n in rng.integers(3, 64, 2 + index))
        how = {} if index % 2 else {"temperature": 1.0, "seed": index, "top_p": 0.9}
        items.append(GenerateItem((1, *(shared if index < 6 else ()), *own), 5 + index, **how))
    return items


def compare_scores(found, expected):
    for ours, one in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours.logprobs, one.logprobs, atol=1e-5, rtol=0)
        total = sum(one.logprobs)
        assert abs(sum(ours.logprobs) - total) <= max(1e-4, 1e-6 * abs(total))
        assert ours.greedy == one.greedy


def meshes():
    weights, scored, continued = params(), score_items(), generate_items()
    one = Engine(weights, CONFIG, Tokenizer(), batch_tokens=512, batch_rows=8)
    scores, texts = one.score(scored), one.generate(continued)
    assert len({text.ids for text in texts}) == len(texts)
    for sizes in MESHES:
        name = " ".join(f"{axis}={size}" for axis, size in sizes.items())
        mesh = make_mesh(**sizes)
        engine = Engine(weights, CONFIG, Tokenizer(), batch_tokens=128, batch_rows=4, mesh=mesh)
        compare_scores(engine.score(scored), scores)
        print(name, "scores equal")
        assert engine.generate(continued) == texts
        print(name, "texts equal")


def dialogue():
    """What is kept from turn to turn is spread over the devices as the rows are."""
    weights = params()
    one = Engine(weights, CONFIG, Tokenizer())
    for sizes in ({"data": 8}, {"tensor": 4}, {"data": 2, "tensor": 2}):
        engine = Engine(weights, CONFIG, Tokenizer(), mesh=make_mesh(**sizes))
        kept, ids = Kept(), (1,)
        for turn in range(3):
            ids += tuple(range(5 + turn, 14 + turn))
            item = GenerateItem(ids, 6, temperature=turn % 2, seed=turn)
            [result] = engine.generate([item], kept=kept)
            assert [result] == one.generate([item])
            assert kept.reused == (len(ids) - 10 if turn else 0)
            ids += result.ids
    print("dialogues equal")


def refusals():
    try:
        Engine(params(), CONFIG, Tokenizer(), mesh=make_mesh(tensor=8))
    except InputError as error:
        assert "4 key/value heads do not divide over tensor parallelism 8" in str(error)
        print("heads refused")
    try:
        Engine(params(), CONFIG, Tokenizer(), weight_dtype="int8", mesh=make_mesh(tensor=4))
    except InputError as error:
        assert "weight_dtype 'int8' with tensor parallelism 4" in str(error)
        print("eight bits refused")


if __name__ == "__main__":
    assert jax.device_count() == 8
    meshes()
    dialogue()
    refusals()

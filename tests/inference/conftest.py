"""A model of random weights, the same model in NumPy float64, and a tokenizer of letters."""

import jax
import numpy as np
import pytest
from jax import monitoring

from llama_jax.config import LlamaConfig
from llama_jax.model import decoder

CONFIG = LlamaConfig(64, 32, 2, 4, 2, 48, 128, 1e-5)
LETTERS = "abcdefghijklmnopqrstuvwxyz .,!?\n0123456789ABCDEFGHIJKLMNOPQRSTUVW"


class LetterTokenizer:
    """Ids 0 (unknown), 1 (BOS) and 2 (EOS) have no text, id 3 + i is letter i of LETTERS."""

    vocab_size = 64
    bos_id = 1
    sha256 = "letters"

    def __init__(self, eos_id: int = 2) -> None:
        self.eos_id = eos_id

    def encode(self, text):
        return [LETTERS.index(letter) + 3 for letter in text]

    def encode_with_offsets(self, text):
        return self.encode(text), [(i, i + 1) for i in range(len(text))]

    def decode(self, ids):
        return "".join(LETTERS[token - 3] for token in ids if token > 2)

    def id_to_piece(self, token):
        return self.decode([token])

    def id_to_bytes(self, token):
        return self.decode([token]).encode()

    def serialized(self):
        return LETTERS.encode()


def random_params(config: LlamaConfig, seed: int = 0):
    """Weights large enough that the next id is far from uniformly distributed."""
    rng = np.random.default_rng(seed)

    def draw(path, leaf):
        if "norm" in jax.tree_util.keystr(path):
            return rng.uniform(0.5, 1.5, leaf.shape).astype(np.float32)
        return rng.normal(0, 0.25, leaf.shape).astype(np.float32)

    return jax.tree_util.tree_map_with_path(draw, decoder.abstract_params(config))


def log_probabilities(params, config: LlamaConfig, ids) -> np.ndarray:
    """[T, V] float64: the whole model once more, without jax."""
    params = jax.tree.map(lambda array: np.asarray(array, np.float64), params)
    length, half = len(ids), config.head_size // 2
    angles = np.arange(length)[:, None] * config.rope_theta ** (-np.arange(half) / half)

    def norm(x, scale):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + config.norm_eps) * scale

    def rotate(x):
        first, second = x[..., :half], x[..., half:]
        cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
        return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)

    x = params["embedding"][list(ids)]
    for layer in range(config.layers):
        weights = jax.tree.map(lambda array, layer=layer: array[layer], params["layers"])
        h = norm(x, weights["attention_norm"]["scale"])
        q, k, v = (
            np.einsum("td,dnh->tnh", h, weights["attention"][name])
            for name in ("query", "key", "value")
        )
        k, v = (np.repeat(a, config.heads // config.kv_heads, axis=1) for a in (rotate(k), v))
        scores = np.einsum("tnh,snh->nts", rotate(q), k) / np.sqrt(config.head_size)
        scores = np.where(np.tril(np.ones((length, length), bool)), scores, -np.inf)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        attended = np.einsum("nts,snh->tnh", shares, v)
        x = x + np.einsum("tnh,nhd->td", attended, weights["attention"]["output"])
        h = norm(x, weights["feed_forward_norm"]["scale"])
        gate, up = h @ weights["feed_forward"]["gate"], h @ weights["feed_forward"]["up"]
        x = x + (gate / (1 + np.exp(-gate)) * up) @ weights["feed_forward"]["down"]
    logits = norm(x, params["final_norm"]["scale"]) @ params["output"]
    logits -= logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.fixture(scope="session")
def config():
    return CONFIG


@pytest.fixture(scope="session")
def params():
    return random_params(CONFIG)


@pytest.fixture(scope="session")
def reference(params):
    """ids -> [T, V] float64 log-probabilities of what follows each position."""
    return lambda ids: log_probabilities(params, CONFIG, ids)


@pytest.fixture
def tokenizer():
    return LetterTokenizer()


@pytest.fixture(scope="session")
def make_params():
    return random_params


@pytest.fixture(scope="session")
def make_tokenizer():
    return LetterTokenizer


@pytest.fixture
def compilations():
    """A list that grows by one with every compilation."""
    found, watching = [], [True]

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration" and watching:
            found.append(duration)

    monitoring.register_event_duration_secs_listener(listen)
    yield found
    watching.clear()

"""Small checkpoints in Meta's layout, their shards, and their logits by the reference formulas.

Everything is NumPy, on Meta's names and matrices as they are, in float64; nothing is shared with
the package or with the other references. RoPE is the complex multiplication of neighbouring
channels (meta-llama/llama, model.py: precompute_freqs_cis, apply_rotary_emb), its scaling that of
Llama 3.1 (meta-llama/llama-models, model.py: apply_scaling).
"""

import json
import zlib

import numpy as np

V, D, LAYERS, MULTIPLE = 96, 64, 2, 16
F = 176  # 2 / 3 of 4 D is 170, rounded up to 16
CASES = {  # heads and key/value heads that 8 shards can share
    "mha": {"n_heads": 8},
    "gqa": {"n_heads": 16, "n_kv_heads": 8},
    "scaled": {"n_heads": 8, "n_kv_heads": 8, "rope_theta": 500000.0, "use_scaled_rope": True},
}
TOKENS = np.random.default_rng(11).integers(0, V, (2, 40)).astype(np.int32)
ROWS, COLUMNS = 0, 1


def params_json(case, **changes):
    """The keys of params.json; a change to None removes one."""
    fields = {"dim": D, "n_layers": LAYERS, "multiple_of": MULTIPLE, "norm_eps": 1e-5}
    fields |= {"vocab_size": -1, **CASES[case], **changes}
    return {key: value for key, value in fields.items() if value is not None}


def tensors(case, dtype=np.float32, tied=False):
    """Name -> tensor, each from its own seed; norms away from one."""
    heads = CASES[case]["n_heads"]
    kv = CASES[case].get("n_kv_heads", heads) * (D // heads)
    shapes = {"tok_embeddings.weight": (V, D)}
    for i in range(LAYERS):
        shapes |= {
            f"layers.{i}.attention.wq.weight": (D, D),
            f"layers.{i}.attention.wk.weight": (kv, D),
            f"layers.{i}.attention.wv.weight": (kv, D),
            f"layers.{i}.attention.wo.weight": (D, D),
            f"layers.{i}.feed_forward.w1.weight": (F, D),
            f"layers.{i}.feed_forward.w2.weight": (D, F),
            f"layers.{i}.feed_forward.w3.weight": (F, D),
            f"layers.{i}.attention_norm.weight": (D,),
            f"layers.{i}.ffn_norm.weight": (D,),
        }
    shapes |= {"norm.weight": (D,), "output.weight": (V, D)}
    drawn = {name: _draw(f"{case}/{name}", shape) for name, shape in shapes.items()}
    drawn["output.weight"] *= 0.5  # logits near one, where float32 is well within 1e-5
    drawn = {name: tensor.astype(dtype) for name, tensor in drawn.items()}
    if tied:
        drawn["output.weight"] = drawn["tok_embeddings.weight"].copy()
    return drawn


def _draw(seed, shape):
    x = np.random.default_rng(zlib.crc32(seed.encode())).standard_normal(shape)
    return (1 + 0.2 * x if len(shape) == 1 else 1.3 * x / np.sqrt(D)).astype(np.float32)


def split(whole, shards, embedding=COLUMNS):
    """The tensors of each shard; RoPE's frequencies come with every one, as in Meta's files."""
    out = [{} for _ in range(shards)]
    for name, tensor in whole.items():
        kind = name.split(".")[-2]
        if "norm" in kind:
            parts = [tensor] * shards
        elif kind == "tok_embeddings":
            parts = np.split(tensor, shards, embedding)
        else:
            parts = np.split(tensor, shards, COLUMNS if kind in ("wo", "w2") else ROWS)
        for shard, part in zip(out, parts, strict=True):
            shard[name] = np.ascontiguousarray(part)
    for shard in out:
        shard["rope.freqs"] = np.ones(4, np.float32)
    return out


def write(folder, fields, parts, write_file):
    """A directory; `write_file(path, tensors)` writes one consolidated file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.json").write_text(json.dumps(fields))
    for i, part in enumerate(parts):
        write_file(folder / f"consolidated.{i:02}.pth", part)
    return folder


def logits(case, tokens):
    """tokens [T] -> [T, V]."""
    w = {name: a.astype(np.float64) for name, a in tensors(case).items()}
    fields = params_json(case)
    heads = fields["n_heads"]
    groups = heads // fields.get("n_kv_heads", heads)
    T, H = len(tokens), D // heads
    turns = _freqs_cis(H, T, fields)
    future = np.triu(np.full((T, T), -np.inf), 1)
    x = w["tok_embeddings.weight"][tokens]
    for i in range(LAYERS):
        at = f"layers.{i}."
        h = _norm(x, w[f"{at}attention_norm.weight"])
        q, k, v = (
            (h @ w[f"{at}attention.{name}.weight"].T).reshape(T, -1, H)
            for name in ("wq", "wk", "wv")
        )
        q, k = _rotate(q, turns), _rotate(k, turns)
        k, v = np.repeat(k, groups, axis=1), np.repeat(v, groups, axis=1)
        scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(H) + future
        weight = np.exp(scores - scores.max(-1, keepdims=True))
        weight /= weight.sum(-1, keepdims=True)
        mixed = np.einsum("hts,shd->thd", weight, v).reshape(T, D)
        x = x + mixed @ w[f"{at}attention.wo.weight"].T
        h = _norm(x, w[f"{at}ffn_norm.weight"])
        gate = h @ w[f"{at}feed_forward.w1.weight"].T
        up = h @ w[f"{at}feed_forward.w3.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * up) @ w[f"{at}feed_forward.w2.weight"].T
    return _norm(x, w["norm.weight"]) @ w["output.weight"].T


def _norm(x, scale):
    return scale * (x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5))


def _freqs_cis(H, T, fields):
    freqs = 1 / fields.get("rope_theta", 10000.0) ** (np.arange(0, H, 2)[: H // 2] / H)
    if fields.get("use_scaled_rope"):
        freqs = np.array([_scaled(freq) for freq in freqs])
    return np.exp(1j * np.outer(np.arange(T), freqs))


def _scaled(freq, factor=8, low=1, high=4, old=8192):
    wavelength = 2 * np.pi / freq
    if wavelength < old / high:
        return freq
    if wavelength > old / low:
        return freq / factor
    smooth = (old / wavelength - low) / (high - low)
    return (1 - smooth) * freq / factor + smooth * freq


def _rotate(x, turns):
    pairs = np.ascontiguousarray(x).view(np.complex128)  # [T, heads, H / 2]
    return (pairs * turns[:, None, :]).view(np.float64)

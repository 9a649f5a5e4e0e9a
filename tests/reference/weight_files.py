"""Writers of other people's weight files from our parameters, head by head and row by row.

The inverse of the readers, written from the formats and sharing no code with the package.
"""

import json
import struct

import jax
import numpy as np
from safetensors.numpy import save_file

from llama_jax.model.decoder import abstract_params


def draw(config, dtype=np.float32, seed=0):
    """Parameters of a configuration, every value different from every other."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32).astype(dtype),
        abstract_params(config),
    )


def hf_tensors(params, config):
    """Hugging Face's names and [outputs, inputs] matrices; heads stand below one another."""

    def heads_below(weight):  # [D, heads, H] -> [heads * H, D]
        return np.concatenate([weight[:, head].T for head in range(weight.shape[1])])

    layers = params["layers"]
    attention, feed_forward = layers["attention"], layers["feed_forward"]
    tensors = {"model.embed_tokens.weight": params["embedding"]}
    for i in range(config.layers):
        start = f"model.layers.{i}."
        for name in ("query", "key", "value"):
            tensors[f"{start}self_attn.{name[0]}_proj.weight"] = heads_below(attention[name][i])
        tensors[f"{start}self_attn.o_proj.weight"] = heads_below(
            np.moveaxis(attention["output"][i], -1, 0)
        ).T
        for name in ("gate", "up", "down"):
            tensors[f"{start}mlp.{name}_proj.weight"] = feed_forward[name][i].T
        tensors[f"{start}input_layernorm.weight"] = layers["attention_norm"]["scale"][i]
        tensors[f"{start}post_attention_layernorm.weight"] = layers["feed_forward_norm"]["scale"][i]
    tensors["model.norm.weight"] = params["final_norm"]["scale"]
    if not config.tied_embeddings:
        tensors["lm_head.weight"] = params["output"].T
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def hf_config(config, **changes):
    """The keys of config.json; a change to None removes one."""
    fields = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.dim,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "intermediate_size": config.ffn_size,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tied_embeddings,
        **changes,
    }
    if (scaling := config.rope_scaling) is not None:
        fields["rope_scaling"] = {
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low_freq_factor,
            "high_freq_factor": scaling.high_freq_factor,
            "original_max_position_embeddings": scaling.original_context,
        }
    return {key: value for key, value in fields.items() if value is not None}


def write_hf(folder, tensors, config_fields, shards=1):
    """A Hugging Face directory; `shards` > 1 writes that many files and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_fields))
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        return folder
    weight_map = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {key: tensors[key] for key in sorted(tensors)[shard::shards]}
        save_file(part, folder / name, {"format": "pt"})
        weight_map |= dict.fromkeys(part, name)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def interleaved(matrix, heads):
    """Rows 0 1 2 3 .. of each head to 0 H/2 1 H/2+1 ..: split halves to neighbouring pairs."""
    out, size = np.empty_like(matrix), len(matrix) // heads
    for head in range(heads):
        for row in range(size // 2):
            out[head * size + 2 * row] = matrix[head * size + row]
            out[head * size + 2 * row + 1] = matrix[head * size + size // 2 + row]
    return out


def llama2c_bytes(params, config):
    """A llama2.c file of version 0; the tables of cosines and sines are NaN: nobody reads them."""
    tensors = hf_tensors(params, config)

    def every_layer(name, heads=None):
        matrices = [tensors[f"model.layers.{i}.{name}.weight"] for i in range(config.layers)]
        return [m if heads is None else interleaved(m, heads) for m in matrices]

    vocab = config.vocab_size if config.tied_embeddings else -config.vocab_size
    header = (config.dim, config.ffn_size, config.layers, config.heads, config.kv_heads, vocab)
    arrays = [
        tensors["model.embed_tokens.weight"],
        *every_layer("input_layernorm"),
        *every_layer("self_attn.q_proj", config.heads),
        *every_layer("self_attn.k_proj", config.kv_heads),
        *every_layer("self_attn.v_proj"),
        *every_layer("self_attn.o_proj"),
        *every_layer("post_attention_layernorm"),
        *every_layer("mlp.gate_proj"),
        *every_layer("mlp.down_proj"),
        *every_layer("mlp.up_proj"),
        tensors["model.norm.weight"],
        np.full((2, config.context, config.head_size // 2), np.nan),
    ]
    if not config.tied_embeddings:
        arrays.append(tensors["lm_head.weight"])
    data = [np.asarray(array, "<f4").tobytes() for array in arrays]
    return struct.pack("<7i", *header, config.context) + b"".join(data)

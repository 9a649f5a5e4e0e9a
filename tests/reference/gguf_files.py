"""GGUF files as llama.cpp's convert_hf_to_gguf.py lays them out, by the gguf package's writer."""

import math

import gguf
import numpy as np
from reference.weight_files import hf_tensors, interleaved

NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
OUTER = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}

# For tests to change: types of single tensors, and tensors that are not written.
KINDS: dict[str, str] = {}
LEFT_OUT: tuple[str, ...] = ()


def gguf_tensors(params, config):
    """Their names and matrices; queries and keys in Meta's order."""
    tensors = {}
    for name, tensor in hf_tensors(params, config).items():
        if name in OUTER:
            tensors[OUTER[name]] = tensor
            continue
        _, _, layer, *middle, _ = name.split(".")
        middle = ".".join(middle)
        if middle == "self_attn.q_proj":
            tensor = interleaved(tensor, config.heads)
        elif middle == "self_attn.k_proj":
            tensor = interleaved(tensor, config.kv_heads)
        tensors[f"blk.{layer}.{NAMES[middle]}.weight"] = tensor
    if config.rope_scaling is not None:
        tensors["rope_freqs.weight"] = rope_factors(config)
    return tensors


def rope_factors(config):
    """A divisor per frequency, pair by pair, as the converter computes them."""
    scaling, size = config.rope_scaling, config.head_size
    factors = []
    for pair in range(0, size, 2):
        wavelength = 2 * math.pi * config.rope_theta ** (pair / size)
        turns = scaling.original_context / wavelength
        if turns > scaling.high_freq_factor:
            factors.append(1.0)
        elif turns < scaling.low_freq_factor:
            factors.append(scaling.factor)
        else:
            width = scaling.high_freq_factor - scaling.low_freq_factor
            smooth = (turns - scaling.low_freq_factor) / width
            factors.append(1 / ((1 - smooth) / scaling.factor + smooth))
    return np.array(factors, np.float32)


def write_gguf(path, params, config, kind="F32", architecture="llama", change=None, spm=None):
    """A file; matrices as `kind`, norm scales always float32.

    Args:
        change: called with the writer, after the usual fields.
        spm: pieces of a tokenizer, as `add_tokenizer` takes them.
    """
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.dim)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ffn_size)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_rope_dimension_count(config.head_size)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_vocab_size(config.vocab_size)
    if spm is not None:
        add_tokenizer(writer, spm)
    if change is not None:
        change(writer)
    for name, tensor in gguf_tensors(params, config).items():
        if name not in LEFT_OUT:
            usual = "F32" if tensor.ndim == 1 else kind
            add_tensor(writer, name, tensor, KINDS.get(name, usual))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_tensor(writer, name, tensor, kind):
    """One tensor, converted to a type."""
    chosen = gguf.GGMLQuantizationType[kind]
    values = np.ascontiguousarray(tensor, np.float32)
    writer.add_tensor(name, gguf.quants.quantize(values, chosen), raw_dtype=chosen)


def add_tokenizer(writer, pieces, model="llama"):
    """SentencePiece's (text, score, kind) as llama.cpp stores them."""
    writer.add_tokenizer_model(model)
    writer.add_token_list([text.encode() for text, _, _ in pieces])
    writer.add_token_scores([score for _, score, _ in pieces])
    writer.add_token_types([kind for _, _, kind in pieces])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)

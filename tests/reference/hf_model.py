"""Small Hugging Face Llama checkpoints that anyone can draw again: every tensor from its own seed.

The golden files hold only what transformers computed from these weights, not the weights.
"""

import json
import zlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

V, D, LAYERS, F, CONTEXT = 96, 32, 3, 48, 128
SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
CASES = {
    "mha": {"heads": 4, "kv_heads": 4},
    "gqa": {"heads": 4, "kv_heads": 2},
    "tied": {"heads": 4, "kv_heads": 1, "tied": True},
    "scaled": {"heads": 4, "kv_heads": 2, "theta": 500.0, "scaling": SCALING},
}
# A model for prompts: the vocabulary of the package's tokenizer, and room for few-shot prompts.
HARNESS = {"harness": {"heads": 4, "kv_heads": 2, "vocab": 512, "context": 2048}}
TOKENS = np.random.default_rng(7).integers(0, V, (2, 48)).astype(np.int32)


def config_json(case: str) -> dict:
    """The config.json of a case, in the keys that transformers 4 and 5 both read."""
    facts = (CASES | HARNESS)[case]
    theta = facts.get("theta", 10000.0)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": D,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": facts["heads"],
        "num_key_value_heads": facts["kv_heads"],
        "intermediate_size": F,
        "vocab_size": facts.get("vocab", V),
        "max_position_embeddings": facts.get("context", CONTEXT),
        "rms_norm_eps": 1e-5,
        "rope_theta": theta,
        "tie_word_embeddings": facts.get("tied", False),
        "attention_bias": False,
        "mlp_bias": False,
        "dtype": "float32",
    }
    if "scaling" in facts:
        config["rope_scaling"] = facts["scaling"]
    return config


def state_dict(case: str) -> dict[str, np.ndarray]:
    """Norms away from one and large matrices, so that a swap or a wrong layout shows at once."""
    config = config_json(case)
    head = D // config["num_attention_heads"]
    kv = config["num_key_value_heads"] * head
    layer = {
        "self_attn.q_proj": (D, D),
        "self_attn.k_proj": (kv, D),
        "self_attn.v_proj": (kv, D),
        "self_attn.o_proj": (D, D),
        "mlp.gate_proj": (F, D),
        "mlp.up_proj": (F, D),
        "mlp.down_proj": (D, F),
        "input_layernorm": (D,),
        "post_attention_layernorm": (D,),
    }
    vocab = config["vocab_size"]
    shapes = {"model.embed_tokens.weight": (vocab, D), "model.norm.weight": (D,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (vocab, D)
    for i in range(LAYERS):
        shapes |= {f"model.layers.{i}.{name}.weight": shape for name, shape in layer.items()}
    return {name: _draw(case, name, shape) for name, shape in shapes.items()}


def _draw(case: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    x = np.random.default_rng(zlib.crc32(f"{case}/{name}".encode())).standard_normal(shape)
    x = 1 + 0.2 * x if len(shape) == 1 else x * 1.3 / np.sqrt(shape[1])
    return x.astype(np.float32)


def write(case: str, folder: Path) -> Path:
    """The checkpoint of a case as a directory with one safetensors file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_json(case)))
    save_file(state_dict(case), folder / "model.safetensors", metadata={"format": "pt"})
    return folder

"""Writes golden/llama2c.json: digests of what llama2.c's own export.py writes.

    .venv-parity/bin/python tests/parity/make_llama2c_golden.py FOLDER_OF_LLAMA2C

From the weights of reference/hf_model.py, versions 1 and 2 (groups of 16, which divide D and F).
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from reference import hf_model

GOLDEN = Path(__file__).with_name("golden") / "llama2c.json"
CASES = ("mha", "gqa", "tied")  # llama2.c knows no scaling
NAMES = {
    "attention.wq": "self_attn.q_proj",
    "attention.wk": "self_attn.k_proj",
    "attention.wv": "self_attn.v_proj",
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w2": "mlp.down_proj",
    "feed_forward.w3": "mlp.up_proj",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def neighbours(matrix: np.ndarray, heads: int) -> np.ndarray:
    """Rows of each head from split halves to neighbouring pairs."""
    size = len(matrix) // heads
    order = [h * size + i // 2 + (i % 2) * size // 2 for h in range(heads) for i in range(size)]
    return matrix[order]


def build(case: str, transformer):
    """llama2.c's own module with the weights of a case."""
    config, tensors = hf_model.config_json(case), hf_model.state_dict(case)
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    model = transformer.Transformer(
        transformer.ModelArgs(
            dim=hf_model.D,
            n_layers=hf_model.LAYERS,
            n_heads=heads,
            n_kv_heads=kv_heads,
            vocab_size=hf_model.V,
            hidden_dim=hf_model.F,
            max_seq_len=hf_model.CONTEXT,
        )
    )
    if not config["tie_word_embeddings"]:
        model.output.weight = torch.nn.Parameter(torch.from_numpy(tensors["lm_head.weight"]))
    model.tok_embeddings.weight.data = torch.from_numpy(tensors["model.embed_tokens.weight"])
    model.norm.weight.data = torch.from_numpy(tensors["model.norm.weight"])
    for i, layer in enumerate(model.layers):
        for theirs, name in NAMES.items():
            tensor = tensors[f"model.layers.{i}.{name}.weight"]
            if theirs == "attention.wq":
                tensor = neighbours(tensor, heads)
            elif theirs == "attention.wk":
                tensor = neighbours(tensor, kv_heads)
            layer.get_submodule(theirs).weight.data = torch.from_numpy(tensor)
    return model


def main(llama2c: str) -> None:
    """All cases and both versions."""
    sys.path.insert(0, llama2c)
    import export
    import model as transformer

    found = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            one, two = Path(folder, "1.bin"), Path(folder, "2.bin")
            export.version1_export(build(case, transformer), one)
            export.version2_export(build(case, transformer), two, group_size=16)
            files = {"1": one.read_bytes(), "2": two.read_bytes()}
        found[case] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    GOLDEN.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

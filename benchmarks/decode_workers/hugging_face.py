"""Answers commands with runs of Hugging Face's `generate`, eager, float32: see ours.py.

    OMP_NUM_THREADS=N python hugging_face.py MODEL_DIR

A command with "margins": ids instead gives, for each position of these greedy ids, how far the
logit of the id lies below the largest one.
"""

import json
import os
import resource
import sys
import time

import torch
import transformers


def run(model, command: dict) -> dict:
    """One timed call of `generate`."""
    ids = torch.tensor(command["prompts"])
    greedy = command["temperature"] == 0
    options = {"do_sample": False}
    if not greedy:
        options = {
            "do_sample": True,
            "temperature": command["temperature"],
            "top_p": command["top_p"],
            "top_k": 0,
            "num_return_sequences": command["copies"],
        }
    begun = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=command["new"],
            eos_token_id=None,
            pad_token_id=0,
            **options,
        )
    seconds = time.perf_counter() - begun
    new = out[:, ids.shape[1] :]
    return {
        "seconds": seconds,
        "tokens": new.numel(),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "ids": new.tolist(),
    }


def margins(model, command: dict) -> dict:
    """Largest logit less that of the given id, at each position of one row."""
    prompt, given = command["prompts"][0], command["margins"]
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + given])).logits[0, len(prompt) - 1 : -1]
    chosen = logits.gather(1, torch.tensor(given)[:, None])[:, 0]
    return {"margins": (logits.max(1).values - chosen).tolist()}


def main(path: str) -> None:
    """Loads once, then answers."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        answer = margins if "margins" in command else run
        print(json.dumps(answer(model, command)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

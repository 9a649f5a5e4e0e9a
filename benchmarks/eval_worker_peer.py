"""The worker of eval_speed.py that asks lm-evaluation-harness, with its Hugging Face backend.

    PEER_PYTHON benchmarks/eval_worker_peer.py MODEL_DIR

Float32 on the CPU. Asks HFLM itself, without the harness's task files. eval_speed.py sets what the
libraries read from the environment: see `sides.peer_environment`.
"""

import os
import sys

import lm_eval
import torch
import transformers
from eval_worker import Rows, serve
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM


class Counted(HFLM):
    """Counts the positions that go through the model and keeps the generated ids."""

    fed = 0
    generated: dict[tuple[int, ...], list[int]] = {}

    def _model_call(self, inps, *args, **options):
        self.fed += inps.numel()
        return super()._model_call(inps, *args, **options)

    def _model_generate(self, context, max_length, stop, **options):
        out = super()._model_generate(context, max_length, stop, **options)
        self.fed += out.numel() - len(out)  # the last id is never fed
        for ids, mask, row in zip(context, options["attention_mask"], out, strict=True):
            self.generated[tuple(ids[mask.bool()].tolist())] = row[context.shape[1] :].tolist()
        return out


class Worker:
    """One model."""

    def __init__(self, path: str) -> None:
        self.model = Counted(pretrained=path, device="cpu", dtype="float32", batch_size=1)

    def __call__(self, requests: Rows, command: dict) -> tuple[Rows, dict]:
        """Answers to the requests, in order."""
        model = self.model
        model.batch_size_per_gpu = command["batch"]
        model.fed, model.generated = 0, {}
        scoring = "continuation" in requests[0]
        ask, kind = (self.score, "loglikelihood") if scoring else (self.generate, "generate_until")
        instances = [
            Instance(kind, {}, self.arguments(row), index, ("speed", index, 1))
            for index, row in enumerate(requests)
        ]
        return ask(instances), {"fed": model.fed}

    @staticmethod
    def arguments(row: dict) -> tuple:
        """What the harness would hand to the model."""
        if "continuation" in row:
            return row["context"], row["continuation"]
        how = {"until": row["until"], "max_gen_toks": row["max_gen_toks"], "do_sample": False}
        return row["context"], how

    def score(self, instances: list[Instance]) -> Rows:
        """Log-likelihoods."""
        answers = self.model.loglikelihood(instances, disable_tqdm=True)
        return [{"logprob": float(value), "greedy": bool(greedy)} for value, greedy in answers]

    def generate(self, instances: list[Instance]) -> Rows:
        """Greedy continuations; ids after the first end-of-sequence id are padding."""
        texts = self.model.generate_until(instances, disable_tqdm=True)
        answers = []
        for instance, text in zip(instances, texts, strict=True):
            ids = self.model.generated[tuple(self.model.tok_encode(instance.args[0]))]
            eos = self.model.eot_token_id
            end = ids.index(eos) if eos in ids else len(ids)
            answers.append({"ids": ids[:end], "text": text})
        return answers


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    versions = {m.__name__: m.__version__ for m in (lm_eval, torch, transformers)}
    serve(Worker(sys.argv[1]), **versions)

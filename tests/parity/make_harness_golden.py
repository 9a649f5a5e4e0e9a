"""Writes golden/harness.json: what lm-evaluation-harness asks and gets on the package's samples.

    python tests/parity/make_harness_golden.py

Needs lm_eval, torch and transformers. The model is reference/hf_model.py's case "harness", the
tokenizer the package's own, rebuilt as a tokenizer.json whose ids are compared with SentencePiece.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
from transformers import PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from reference import hf_model  # noqa: E402

from llama_jax import samples  # noqa: E402

GOLDEN = Path(__file__).with_name("golden") / "harness.json"
CHOICES = (
    "hellaswag,arc_challenge,piqa,winogrande,boolq,mmlu,"
    "siqa,arc_easy,openbookqa,commonsense_qa,sst2,mnli,wic"
)
GENERATE = "gsm8k,nq_open,triviaqa,mbpp,humaneval"


def write_tokenizer(folder: Path) -> None:
    """SentencePiece BPE as tokenizer.json: a merge for every way to halve a piece, by score."""
    pieces = sentencepiece.SentencePieceProcessor(str(samples.TOKENIZER))
    ids = {pieces.id_to_piece(i): i for i in range(pieces.vocab_size())}
    plain = [
        piece
        for piece, i in ids.items()
        if not (pieces.is_byte(i) or pieces.is_control(i) or pieces.is_unknown(i))
    ]
    merges = sorted(
        (-pieces.get_score(ids[piece]), ids[piece[:cut]], piece[:cut], piece[cut:])
        for piece in plain
        for cut in range(1, len(piece))
        if piece[:cut] in ids and piece[cut:] in ids
    )
    pairs = [(first, second) for *_, first, second in merges]
    bpe = tokenizers.models.BPE(ids, pairs, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    made = tokenizers.Tokenizer(bpe)
    parts = tokenizers.normalizers, tokenizers.decoders
    made.normalizer = parts[0].Sequence([parts[0].Prepend("▁"), parts[0].Replace(" ", "▁")])
    steps = [parts[1].Replace("▁", " "), parts[1].ByteFallback(), parts[1].Fuse()]
    made.decoder = parts[1].Sequence([*steps, parts[1].Strip(" ", 1, 0)])
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made, clean_up_tokenization_spaces=False, **names
    )
    fast.save_pretrained(folder)
    for text in [*samples.CORPUS.read_text().split("\n\n")[:200], " a  b\n c", "é 日本", ""]:
        assert fast(text).input_ids == [1, *pieces.encode(text)], text


def main() -> None:
    """Two runs, one file."""
    with tempfile.TemporaryDirectory() as scratch:
        model = hf_model.write("harness", Path(scratch) / "model")
        write_tokenizer(model)
        texts = samples.CORPUS.read_text(encoding="utf-8").split("\n\n")
        documents = [" ".join(texts[i : i + 1 + i // 2]) for i in range(20)]
        documents.append("\n".join(texts[100:200]))  # several windows
        (Path(scratch) / "documents").write_text("\n\n".join(documents), encoding="utf-8")
        found = {}
        for tasks, *more in (
            (CHOICES, "--limit", "4"),
            (GENERATE, "--limit", "6", "--documents", f"{scratch}/documents"),
        ):
            out = Path(scratch) / "out.json"
            run = [sys.executable, Path(__file__).with_name("harness_run.py"), model]
            subprocess.run([*run, "--tasks", tasks, *more, "--digests", "--out", out], check=True)
            part = json.loads(out.read_text(encoding="utf-8"))
            found.setdefault("tasks", {}).update(part["tasks"])
            found |= {key: part[key] for key in ("versions", "rolling") if key in part}
    GOLDEN.write_text(json.dumps(found, ensure_ascii=False) + "\n", encoding="utf-8")
    print(GOLDEN, GOLDEN.stat().st_size)


if __name__ == "__main__":
    main()

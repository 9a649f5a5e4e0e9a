"""The tokenizer files of a Hugging Face directory.

transformers 5, given a tokenizer.model alone, orders merges by id and not by score, adds no BOS and
no dummy prefix: so a tokenizer.json that encodes exactly as SentencePiece does is made from it.
"""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from llama_jax.tokenizer import SentencePieceTokenizer, load_tokenizer, spm_model
from llama_jax.tokenizer.spm_model import LOWER_BLOCK, NORMAL, UNUSED, SpmModel

logger = logging.getLogger(__name__)
JSON_FILE, MODEL_FILE, SETTINGS = "tokenizer.json", "tokenizer.model", "tokenizer_config.json"
# Of a Hugging Face source: taken over as they are.
COMPANIONS = (
    *(JSON_FILE, SETTINGS, "special_tokens_map.json", "added_tokens.json"),
    *("generation_config.json", "chat_template.jinja"),
)
IDS = ("bos_token_id", "eos_token_id")


def write_tokenizer(file: Path | None, directory: Path) -> dict[str, Any]:
    """Writes the tokenizer's files into `directory`; returns what config.json says of it.

    Args:
        file: any that `load_tokenizer` reads; None writes nothing.
        directory: where the model is written.

    Raises:
        InputError: the file is no tokenizer.
    """
    if file is None:
        return dict.fromkeys(IDS)
    tokenizer = load_tokenizer(file)
    known = dict(zip(IDS, (tokenizer.bos_id, tokenizer.eos_id), strict=True))
    spm = isinstance(tokenizer, SentencePieceTokenizer)
    is_json = tokenizer.serialized().lstrip()[:1] == b"{"
    (directory / (JSON_FILE if is_json else MODEL_FILE)).write_bytes(tokenizer.serialized())
    config = file.parent / "config.json"
    if config.is_file():
        for name in COMPANIONS:
            if (file.parent / name).is_file():
                shutil.copyfile(file.parent / name, directory / name)
        stated = json.loads(config.read_bytes())
        known |= {key: stated[key] for key in IDS if stated.get(key) is not None}
    if not (directory / JSON_FILE).exists():
        model = spm_model.read(tokenizer.serialized(), str(file)) if spm else None
        if model is not None and not (why := _why_not(model)):
            _write_json_tokenizer(model, directory)
        else:
            why = why if spm else "it is not SentencePiece's"
            logger.warning(
                "%s: no %s was made for transformers: %s; give its own with --tokenizer",
                *(file, JSON_FILE, why),
            )
    return known


def _why_not(model: SpmModel) -> str:
    """What a tokenizer.json could not say exactly; "" if it can."""
    kinds = {piece.kind for piece in model.pieces}
    reasons = {
        "it is a unigram model": model.algorithm == spm_model.UNIGRAM,
        "it normalizes text": bool(model.normalization or model.denormalization),
        "it removes white space": model.remove_extra_whitespace,
        "it writes spaces in another way": model.whitespace_as_suffix
        or not model.escape_whitespace,
        "it has user-defined pieces": spm_model.USER_DEFINED in kinds,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _write_json_tokenizer(model: SpmModel, directory: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, normalizers, processors

    ids = {piece.text: i for i, piece in enumerate(model.pieces)}
    tokenizer = Tokenizer(
        models.BPE(
            vocab=ids,
            merges=merges(model),
            unk_token=model.unk_piece,
            fuse_unk=True,
            byte_fallback=model.byte_fallback,
        )
    )
    prefix = [normalizers.Prepend(LOWER_BLOCK)] if model.dummy_prefix else []
    tokenizer.normalizer = normalizers.Sequence([*prefix, normalizers.Replace(" ", LOWER_BLOCK)])
    strip = [decoders.Strip(content=" ", left=1)] if model.dummy_prefix else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(LOWER_BLOCK, " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    bos = model.pieces[model.bos_id].text
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, model.bos_id)]
    )
    special = [model.pieces[i].text for i in (model.unk_id, model.bos_id, model.eos_id)]
    tokenizer.add_special_tokens(special)
    (directory / JSON_FILE).write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **dict(zip(("unk_token", "bos_token", "eos_token"), special, strict=True)),
        "add_bos_token": True,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
    }
    (directory / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def merges(model: SpmModel) -> list[tuple[str, str]]:
    """Every way to make a piece from two others, the piece with the best score first."""
    ids = {p.text: i for i, p in enumerate(model.pieces) if p.kind in (NORMAL, UNUSED)}
    found = []
    for text, index in ids.items():
        for cut in range(1, len(text)):
            left, right = text[:cut], text[cut:]
            if left in ids and right in ids:
                found.append((-model.pieces[index].score, index, ids[left], left, right))
    return [(left, right) for *_, left, right in sorted(found)]

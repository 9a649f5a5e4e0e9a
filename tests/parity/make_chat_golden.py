"""Writes golden/chat.json: dialogues and texts with a gap, and the ids that Meta's code gives them.

    LLAMA_JAX_SHARED=DIR python tests/parity/make_chat_golden.py

DIR/tokenizer/llama2_tokenizer.model is Llama 2's tokenizer; only ids are written. Nothing of the
package is imported: the formulas are stated anew from meta-llama/llama and meta-llama/codellama,
with the sentencepiece package. Infilling needs the pieces that Code Llama's tokenizer has behind
Llama 2's, so they are put there. Where transformers is installed, the dialogues are held against
the rule of the chat template that Meta's models have on the Hugging Face hub, rendered by
transformers' own Jinja environment.
"""

import hashlib
import importlib.util
import json
import os
import struct
from pathlib import Path

import sentencepiece

GOLDEN = Path(__file__).with_name("golden") / "chat.json"
SHARED = Path(os.environ.get("LLAMA_JAX_SHARED", Path(__file__).resolve().parents[3] / "shared"))

# Ids 32000 to 32010 of Code Llama 7B and 13B.
INFILLING = ["<SU", "<SUF", "<PRE", "<M", "<MID", "<E", "<EOT", "<PRE>", "<SUF>", "<MID>", "<EOT>"]

DIALOGUES = {
    "single turn": [("user", "What is the capital of France?")],
    "white space around": [("user", "  \n What is it?\t\n")],
    "empty": [("user", "")],
    "two spaces, digits, other scripts": [
        ("user", "1234  5 plus 6: \u00e9t\u00e9 \u4f60\u597d \U0001f600")
    ],
    "line breaks inside": [("user", "a\n\n b\r\nc")],
    "tokens spelt in text": [("user", "<s> and </s> are text here")],
    "multi-turn": [
        ("user", "I am going to Paris, what should I see?"),
        ("assistant", " Paris offers:\n\n1. The Eiffel Tower\n2. The Louvre \n"),
        ("user", "What is so great about #1?"),
    ],
    "three turns": [
        ("user", "a"),
        ("assistant", "b"),
        ("user", " c "),
        ("assistant", ""),
        ("user", "d"),
    ],
    "system": [("system", "Always answer with Haiku"), ("user", "I am going to Paris")],
    "system, white space around": [
        ("system", "  Always answer with emojis \n"),
        ("user", " \n How to go from Beijing to NY? "),
    ],
    "empty system": [("system", ""), ("user", "Hello")],
    "system, multi-turn": [
        ("system", "You are a helpful assistant.\nBe brief."),
        ("user", "Hello"),
        ("assistant", "Hi!"),
        ("user", "Who are you?"),
        ("assistant", "A model.\n"),
        ("user", "Thank you"),
    ],
}

GAPS = {
    "function": ('def remove_non_ascii(s: str) -> str:\n    """ ', "\n    return result\n"),
    "suffix that begins with spaces": ("def f(x):\n", "    return y\n"),
    "suffix that begins with a word": ("int ma", "n(void) { return 0; }"),
    "nothing before": ("", "x = 1\n"),
    "nothing behind": ("x = ", ""),
    "nothing": ("", ""),
    "tabs and other scripts": ("\tif \u4f60:\n\t\t", "\n\U0001f600\u00e9"),
}


def chat_completion_ids(pieces, dialogue: list[tuple[str, str]]) -> list[int]:
    """As `chat_completion` of meta-llama/llama encodes one dialogue."""

    def encode(text: str, eos: bool) -> list[int]:
        return [pieces.bos_id(), *pieces.encode(text), *([pieces.eos_id()] if eos else [])]

    dialogue = [{"role": role, "content": content} for role, content in dialogue]
    if dialogue[0]["role"] == "system":
        first = "<<SYS>>\n" + dialogue[0]["content"] + "\n<</SYS>>\n\n" + dialogue[1]["content"]
        dialogue = [{"role": dialogue[1]["role"], "content": first}, *dialogue[2:]]
    tokens = []
    for index in range(0, len(dialogue) - 1, 2):
        prompt, answer = (dialogue[index + i]["content"].strip() for i in (0, 1))
        tokens += encode("[INST] " + prompt + " [/INST] " + answer + " ", eos=True)
    return tokens + encode("[INST] " + dialogue[-1]["content"].strip() + " [/INST]", eos=False)


def infilling_prompt_ids(pieces, prefix: str, suffix: str, suffix_first: bool) -> list[int]:
    """As `infilling_prompt_tokens` of meta-llama/codellama encodes one gap."""
    pre, suf, mid = (pieces.piece_to_id(f"\u2581<{name}>") for name in ("PRE", "SUF", "MID"))
    before, behind = pieces.encode(prefix), pieces.encode("\u263a" + suffix)[2:]
    if suffix_first:
        return [pieces.bos_id(), pre, suf, *behind, mid, *before]
    return [pieces.bos_id(), pre, *before, suf, *behind, mid]


def with_infilling_pieces(model: bytes) -> bytes:
    """The model with Code Llama's pieces behind its own, each a merge of lower rank than before.

    In a protocol buffer a further element of a repeated field may stand at the end.
    """
    for token, text in enumerate(INFILLING, start=32000):
        piece = ("\u2581" + text).encode()
        score = struct.pack("<f", 259 - token)  # as Llama 2's scores go on
        message = b"\x0a" + bytes([len(piece)]) + piece + b"\x15" + score
        model += b"\x0a" + bytes([len(message)]) + message
    return model


# `tokenizer_config.json` of meta-llama/Llama-2-7b-chat-hf, as the rule that it states.
HUB_TEMPLATE = (
    "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}"
    "{% set system = messages[0]['content'] %}"
    "{% else %}{% set rest = messages %}{% set system = false %}{% endif %}"
    "{% for message in rest %}"
    "{% if loop.index0 == 0 and system != false %}"
    "{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)


def template_ids(pieces, dialogue: list[tuple[str, str]]) -> list[int]:
    """What transformers' rendering of the hub's template encodes to, mark by mark."""
    from transformers.utils.chat_template_utils import render_jinja_template

    messages = [{"role": role, "content": content} for role, content in dialogue]
    marks = {"bos_token": "\0B", "eos_token": "\0E"}  # no text of ours holds a NUL
    [text], _ = render_jinja_template([messages], chat_template=HUB_TEMPLATE, **marks)
    ids = []
    for exchange in text.split("\0B")[1:]:
        said, ended, rest = exchange.partition("\0E")
        assert not rest, exchange
        ids += [pieces.bos_id(), *pieces.encode(said), *([pieces.eos_id()] if ended else [])]
    return ids


def main() -> None:
    """One file; prints what was compared with what."""
    model = (SHARED / "tokenizer" / "llama2_tokenizer.model").read_bytes()
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    infilling = sentencepiece.SentencePieceProcessor(model_proto=with_infilling_pieces(model))
    chat = [
        {"name": name, "messages": dialogue, "ids": chat_completion_ids(pieces, dialogue)}
        for name, dialogue in DIALOGUES.items()
    ]
    gaps = [
        {
            "name": name,
            "prefix": prefix,
            "suffix": suffix,
            "ids": infilling_prompt_ids(infilling, prefix, suffix, False),
            "ids_suffix_first": infilling_prompt_ids(infilling, prefix, suffix, True),
        }
        for name, (prefix, suffix) in GAPS.items()
    ]
    if importlib.util.find_spec("transformers"):
        for case in chat:
            assert template_ids(pieces, case["messages"]) == case["ids"], case["name"]
        print(f"{len(chat)} dialogues: transformers renders the same ids")
    sha256 = hashlib.sha256(model).hexdigest()
    extra = ["\u2581" + text for text in INFILLING]
    found = {"tokenizer_sha256": sha256, "infilling_pieces": extra, "chat": chat, "infilling": gaps}
    GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    version = sentencepiece.__version__
    print(f"{GOLDEN}: {len(chat)} dialogues, {len(gaps)} gaps, sentencepiece {version}")


if __name__ == "__main__":
    main()

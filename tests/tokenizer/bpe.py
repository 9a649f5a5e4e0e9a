"""A byte-level BPE made here: trained and applied naively, written as the two files of Llama 3."""

import base64
import json
from collections import Counter

import regex

from llama_jax.tokenizer import tiktoken_bpe

TEXT = (
    "the cat sat on the mat and then ran home; it's seven small green birds, über café, 12345 "
    "ქართული 你好 \U0001f600 \n\n\t  indented   text\r\nThe END. don't WE'LL he'd "
    "nineteen ninety-four was a good year for counting catalogues of countries and continents "
) * 3
# Written out once more, from the paper's description of GPT-4's pattern with Llama 3's changes.
SPLIT = regex.compile(
    r"(?i:'(?:s|t|re|ve|m|ll|d))"  # contractions
    r"|[^\r\n\p{L}\p{N}]?\p{L}+"  # a word, and one character before it
    r"|\p{N}{1,3}"  # up to three digits
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*"  # punctuation
    r"|\s*[\r\n]+"  # line ends
    r"|\s+(?!\S)"  # white space but its last character
    r"|\s+"
)


def merged(parts: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    """The parts, each adjacent occurrence of the pair joined, from the left."""
    out = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] = pair[0] + pair[1]
        else:
            out.append(part)
    return out


def train(text: str, merges: int) -> list[bytes]:
    """Tokens by rank: 256 bytes in an order of our own, then the commonest pairs."""
    tokens = [bytes([(7 * byte + 3) % 256]) for byte in range(256)]
    words = [[bytes([byte]) for byte in word.encode()] for word in SPLIT.findall(text)]
    while len(tokens) < 256 + merges:
        pairs = Counter(pair for word in words for pair in zip(word, word[1:], strict=False))
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if best[0] + best[1] not in tokens:
            tokens.append(best[0] + best[1])
        words = [merged(word, best) for word in words]
    return tokens


def encode(tokens: list[bytes], text: str) -> list[int]:
    """Naive BPE: in each word, again and again, the leftmost pair whose union has least rank."""
    rank = {token: i for i, token in enumerate(tokens)}
    ids = []
    for word in SPLIT.findall(text):
        parts = [bytes([byte]) for byte in word.encode()]
        while True:
            found = [
                (rank[a + b], at)
                for at, (a, b) in enumerate(zip(parts, parts[1:], strict=False))
                if a + b in rank
            ]
            if not found:
                break
            _, at = min(found)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        ids += [rank[part] for part in parts]
    return ids


def tiktoken_file(tokens: list[bytes]) -> bytes:
    """The lines "base64 rank"."""
    return b"".join(base64.b64encode(token) + b" %d\n" % i for i, token in enumerate(tokens))


def tokenizer_json(tokens: list[bytes]) -> bytes:
    """The same tokenizer as Hugging Face's converter writes Llama 3's."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    letters = {byte: chr(byte) for byte in shown} | {
        byte: chr(256 + i) for i, byte in enumerate(hidden)
    }
    written = ["".join(letters[byte] for byte in token) for token in tokens]
    rank = {token: i for i, token in enumerate(tokens)}
    merges = []
    for token in tokens[256:]:
        halves = [(token[:k], token[k:]) for k in range(1, len(token))]
        known = [(rank[a], rank[b]) for a, b in halves if a in rank and b in rank]
        merges += [[written[a], written[b]] for a, b in sorted(known)]
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    special = [
        {"id": len(tokens) + i, "content": name, **flags, "special": True}
        for i, name in enumerate(tiktoken_bpe.special_names())
    ]
    level = {"add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": SPLIT.pattern}, "behavior": "Isolated"}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [split | {"invert": False}, {"type": "ByteLevel", **level}],
        },
        "post_processor": {"type": "ByteLevel", **level, "add_prefix_space": True},
        "decoder": {"type": "ByteLevel", **level, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": {name: i for i, name in enumerate(written)},
            "merges": merges,
        },
    }
    return json.dumps(content, ensure_ascii=False).encode()

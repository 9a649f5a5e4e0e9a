"""Text to token ids and back.

`load_tokenizer` reads a SentencePiece model (Llama 1, Llama 2, Code Llama) or llama2.c's tokenizer
file; what comes back is a `Tokenizer`. `encode_pair` encodes a context together with the
continuation to be scored; `TextStream` turns generated ids into text, token by token; `check_fits`
compares a tokenizer with a model.

From the bottom: protobuf (the wire format), spm_model (a SentencePiece model as a value), llama2c
(llama2.c's files), sentencepiece (the tokenizer itself), load; pair and stream know only interface.
"""

from llama_jax.tokenizer.interface import Tokenizer, check_fits
from llama_jax.tokenizer.load import load_tokenizer
from llama_jax.tokenizer.pair import EncodedPair, encode_pair
from llama_jax.tokenizer.sentencepiece import SentencePieceTokenizer
from llama_jax.tokenizer.stream import TextStream

__all__ = [
    "EncodedPair",
    "SentencePieceTokenizer",
    "TextStream",
    "Tokenizer",
    "check_fits",
    "encode_pair",
    "load_tokenizer",
]

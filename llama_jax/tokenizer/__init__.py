"""Text to token ids and back.

`load_tokenizer` reads a SentencePiece model (Llama 1, Llama 2, Code Llama), llama2.c's tokenizer
file, a tiktoken file (Llama 3) or Hugging Face's tokenizer.json; what comes back is a `Tokenizer`.
`encode_pair` encodes a context together with the continuation to be scored; `TextStream` turns
generated ids into text, token by token; `check_fits` compares a tokenizer with a model; `stop_ids`
says which ids end a generation. `train` makes SentencePiece models from text.

From the bottom: protobuf (the wire format), spm_model (a SentencePiece model as a value), llama2c
(llama2.c's files), sentencepiece (Llama 2's tokenizer itself); byte_text, tiktoken_bpe (Llama 3's);
hf_file and hf_json (tokenizer.json); load. pair and stream know only interface.
"""

from llama_jax.tokenizer.hf_json import HuggingFaceTokenizer
from llama_jax.tokenizer.interface import HasSpecialTokens, Tokenizer, check_fits, stop_ids
from llama_jax.tokenizer.load import load_tokenizer
from llama_jax.tokenizer.pair import EncodedPair, encode_pair
from llama_jax.tokenizer.sentencepiece import SentencePieceTokenizer
from llama_jax.tokenizer.stream import TextStream
from llama_jax.tokenizer.tiktoken_bpe import TiktokenTokenizer

__all__ = [
    "EncodedPair",
    "HasSpecialTokens",
    "HuggingFaceTokenizer",
    "SentencePieceTokenizer",
    "TextStream",
    "TiktokenTokenizer",
    "Tokenizer",
    "check_fits",
    "encode_pair",
    "load_tokenizer",
    "stop_ids",
]

"""What a tuned model was trained to see: dialogues, and texts with a gap, as token ids.

`llama2_chat_ids` and `llama3_chat_ids` encode a list of `Message`s up to where the model's reply
begins; `chat_format` picks one of them by the tokenizer. `infilling_ids` encodes the two sides of a
gap for Code Llama. All are pure functions of a tokenizer and texts.
"""

from llama_jax.prompts.chat_format import FORMATS, ChatFormat, chat_format
from llama_jax.prompts.infilling import (
    InfillingTokens,
    decode_infilling,
    infilling_ids,
    infilling_tokens,
)
from llama_jax.prompts.llama2 import llama2_chat_ids
from llama_jax.prompts.llama3 import SpecialTokens, llama3_chat_ids
from llama_jax.prompts.messages import Message

__all__ = [
    "FORMATS",
    "ChatFormat",
    "InfillingTokens",
    "Message",
    "SpecialTokens",
    "chat_format",
    "decode_infilling",
    "infilling_ids",
    "infilling_tokens",
    "llama2_chat_ids",
    "llama3_chat_ids",
]

"""Dialogues with a model: one reply as a library call, and the session behind `llama-jax chat`.

    model = lj.load("path/to/Llama-2-7b-chat")
    reply(model, [Message("user", "What is the capital of France?")]).text

`Session` is the loop with its commands; what it reads, writes and asks the model with is handed to
it. `Transcript` is the file that it may keep.
"""

from llama_jax.chat.reply import Reply, Sampling, reply
from llama_jax.chat.session import Session
from llama_jax.chat.transcript import Transcript
from llama_jax.prompts import Message

__all__ = ["Message", "Reply", "Sampling", "Session", "Transcript", "reply"]

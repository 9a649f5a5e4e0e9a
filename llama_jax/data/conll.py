"""CoNLL files: one token a line with its tag in the last column, a blank line behind a sentence.

    -DOCSTART- -X- -X- O

    Ada NNP B-NP B-PER
    spoke VBD B-VP O
    . . O O

Columns are separated by spaces or tabs; those between the first and the last are not read, nor are
the lines -DOCSTART- that begin a document.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llama_jax.data.rows import text_lines
from llama_jax.errors import InputError

DOCUMENT = "-DOCSTART-"


def conll_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (line of its first token, {"tokens", "tags"}) of every sentence.

    Raises:
        InputError: a line has one column, or not as many as the one before.
    """
    begin, width = 0, 0
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in text_lines(path):
        columns = line.split()
        if not columns or columns[0] == DOCUMENT:
            if tokens:
                yield begin, {"tokens": tokens, "tags": tags}
            tokens, tags = [], []
            continue
        if len(columns) < 2 or len(columns) != (width or len(columns)):
            expected = f"{width}, as before" if width else "a token and, last, its tag"
            raise InputError(f"{path}:{number}: {len(columns)} columns; expected {expected}")
        begin, width = begin if tokens else number, len(columns)
        tokens.append(columns[0])
        tags.append(columns[-1])
    if tokens:
        yield begin, {"tokens": tokens, "tags": tags}

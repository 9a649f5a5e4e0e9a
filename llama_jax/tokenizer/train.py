"""Training a tokenizer on text: SentencePiece models with Llama's settings, or of characters.

Both are deterministic: the same texts in the same order give the same bytes.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from llama_jax.errors import InputError
from llama_jax.tokenizer import spm_model
from llama_jax.tokenizer.spm_model import BYTE, CONTROL, LOWER_BLOCK, NORMAL, UNKNOWN, Piece

LLAMA_COVERAGE = 0.99995
_SPECIAL = (Piece("<unk>", 0.0, UNKNOWN), Piece("<s>", 0.0, CONTROL), Piece("</s>", 0.0, CONTROL))
_BYTES = tuple(Piece(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256))
# The trainer skips sentences of more bytes than 4,192, and those with its mark for the unknown.
_LONGEST = 1_000
_UNWANTED = str.maketrans({"\0": " ", "\u2585": " "})
_TOO_LARGE = re.compile(r"Vocabulary size too high \(\d+\)\. Please set it to a value <= (\d+)")
_TOO_SMALL = re.compile(r"Vocabulary size is smaller than required_chars\. \d+ vs (\d+)")


def train_bpe(
    texts: Iterable[str], vocab_size: int, *, character_coverage: float = LLAMA_COVERAGE
) -> bytes:
    """A SentencePiece model, trained as Llama's: the bytes of its .model file.

    BPE with byte fallback, digits split, no normalisation, white space kept, a space put before
    each text; ids 0, 1, 2 are <unk>, <s>, </s>. Line ends are no pieces: byte fallback has them.

    Args:
        texts: the corpus, in lines or in documents.
        vocab_size: pieces in all, the 3 special ones and 256 bytes included.
        character_coverage: share of the characters that get a piece; rare ones are bytes.

    Raises:
        InputError: no text, or a vocabulary too small or too large for it (said what would do).
    """
    import sentencepiece

    _check_coverage(character_coverage)
    corpus = _Sentences(texts)
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus),
            model_writer=model,
            model_type="bpe",
            vocab_size=vocab_size,
            character_coverage=character_coverage,
            byte_fallback=True,
            split_digits=True,
            allow_whitespace_only_pieces=True,
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            add_dummy_prefix=True,
            unk_id=0,
            bos_id=1,
            eos_id=2,
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        if corpus.error is None:
            raise _explained(str(error), vocab_size, corpus) from error
    if corpus.error is not None:
        raise corpus.error
    return model.getvalue()


def train_char(
    texts: Iterable[str],
    vocab_size: int | None = None,
    *,
    character_coverage: float = 1.0,
    byte_fallback: bool = True,
) -> bytes:
    """A SentencePiece model with a piece for each character: the bytes of its .model file.

    Line ends are pieces as well, nothing is put before a text, and decoding gives the text back
    exactly. Pieces: <unk>, <s>, </s>, the 256 bytes, the characters in the order of their code
    points. U+2581 and U+0000 are left to the bytes, since SentencePiece cannot have them as pieces.

    Args:
        texts: the corpus; concatenated they are the characters that count.
        vocab_size: keep only as many pieces, the most frequent characters; None for all.
        character_coverage: keep characters, the most frequent first, until they make up this share.
        byte_fallback: have the bytes; without, a character that is no piece is <unk>.

    Raises:
        InputError: no text, or a vocabulary without room or with too much (said what would do).
    """
    _check_coverage(character_coverage)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    for never in (LOWER_BLOCK, "\0"):
        counts.pop(never, None)
    if not counts:
        raise InputError("the corpus has no text: a tokenizer cannot be trained on it")
    fixed = _SPECIAL + (_BYTES if byte_fallback else ())
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    kept = _covering(ranked, counts, character_coverage)
    if vocab_size is not None:
        if not len(fixed) < vocab_size <= len(fixed) + len(kept):
            raise InputError(
                f"vocab_size {vocab_size}: the corpus has {len(kept)} different characters, with "
                f"{len(fixed)} special and byte pieces; choose {len(fixed) + 1} to "
                f"{len(fixed) + len(kept)}"
            )
        kept = kept[: vocab_size - len(fixed)]
    learnt = [Piece(character, 0.0, NORMAL) for character in sorted(kept)]
    model = spm_model.SpmModel(
        (*fixed, *learnt),
        algorithm=spm_model.CHAR,
        byte_fallback=byte_fallback,
        dummy_prefix=False,
        remove_extra_whitespace=False,
        escape_whitespace=False,
    )
    return spm_model.write(model)


class _Sentences:
    """The lines of texts as the trainer takes them, with a count, and an error that ended them.

    The trainer turns an exception of its iterator into one of its own, without the message.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self.bytes = 0
        self.error: InputError | None = None

    def __iter__(self) -> Iterator[str]:
        try:
            for text in self._texts:
                for line in text.translate(_UNWANTED).split("\n"):
                    for part in _parts(line):
                        self.bytes += len(part.encode())
                        yield part
        except InputError as error:
            self.error = error


def _parts(line: str) -> Iterator[str]:
    """A line in parts that the trainer does not find too long, cut at spaces where there are any.

    A part begins with the space that is put before each sentence: its own is left out.
    """
    start = 0
    while len(line) - start > _LONGEST:
        cut = line.rfind(" ", start + 1, start + _LONGEST)
        if cut < 0:
            yield line[start : start + _LONGEST]
            start += _LONGEST
        else:
            yield line[start:cut]
            start = cut + 1
    if start < len(line):
        yield line[start:]


def _check_coverage(character_coverage: float) -> None:
    if not 0 < character_coverage <= 1:
        raise InputError(f"character_coverage {character_coverage}: must be above 0, at most 1")


def _covering(ranked: list[str], counts: Counter[str], coverage: float) -> list[str]:
    needed, covered = coverage * sum(counts.values()), 0
    for kept, character in enumerate(ranked):
        if covered >= needed:
            return ranked[:kept]
        covered += counts[character]
    return ranked


def _explained(message: str, vocab_size: int, corpus: _Sentences) -> InputError:
    if not corpus.bytes:
        return InputError("the corpus has no text: a tokenizer cannot be trained on it")
    if found := _TOO_LARGE.search(message):
        return InputError(
            f"vocab_size {vocab_size}: the corpus of {corpus.bytes} bytes gives {found[1]} pieces "
            f"at most; choose {found[1]} or fewer, or add text"
        )
    if found := _TOO_SMALL.search(message):
        return InputError(
            f"vocab_size {vocab_size}: the special pieces, the 256 bytes and the characters of the "
            f"corpus are {found[1]} already; choose more, or lower character_coverage"
        )
    return InputError(f"SentencePiece cannot train on this corpus: {' '.join(message.split())}")

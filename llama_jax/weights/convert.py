"""Weights of any kind that is read to any kind that is written, whole or not at all."""

import contextlib
import dataclasses
import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from llama_jax.errors import InputError
from llama_jax.tokenizer import check_fits, load_tokenizer
from llama_jax.weights.checks import float_dtype
from llama_jax.weights.manifest import check_manifest, write_manifest
from llama_jax.weights.stored import chosen_dtype, open_weights, read_converted
from llama_jax.weights.tree import unflatten
from llama_jax.weights.types import StoredParam, StoredWeights


@dataclasses.dataclass(frozen=True)
class Options:
    """What a kind may be told: the number of files, and the version of llama2.c's format."""

    shards: int | None = None
    version: int | None = None


def _to_hf(weights: StoredWeights, path: Path, options: Options) -> None:
    from llama_jax.weights import hf_write

    hf_write.write(weights, path, shards=options.shards)


def _to_meta(weights: StoredWeights, path: Path, options: Options) -> None:
    from llama_jax.weights import meta_write

    meta_write.write(weights, path, options.shards or 1)


def _to_llama2c(weights: StoredWeights, path: Path, options: Options) -> None:
    from llama_jax.weights import llama2c_write

    llama2c_write.write(weights, path, options.version or 0)


def _to_orbax(weights: StoredWeights, path: Path, options: Options) -> None:
    # Orbax takes over a second to import.
    from llama_jax import checkpoint

    file = {}
    if weights.tokenizer is not None:
        file["tokenizer_bytes"] = weights.tokenizer.read_bytes()
        file["tokenizer_name"] = weights.tokenizer.name
    params = unflatten(converted(weights, chosen_dtype(weights), exact=True).params)
    try:
        checkpoint.save(path, 0, params, weights.config, **file)
    except InputError:
        raise
    except checkpoint.SaveError as error:
        if isinstance(error.__cause__, InputError):  # of the source, which is read meanwhile
            raise error.__cause__ from error
        raise
    except ValueError as error:  # how TensorStore says that a disk is full
        reason = " ".join(str(error).split(" [")[0].split())
        raise OSError(errno.EIO, f"the checkpoint could not be written: {reason}") from error


WRITERS: dict[str, Callable[[StoredWeights, Path, Options], None]] = {
    "hf": _to_hf,
    "meta": _to_meta,
    "llama2c": _to_llama2c,
    "orbax": _to_orbax,
}
TOKENIZER_NAMES = ("tokenizer.model", "tokenizer.json")
TAKES_SHARDS, TAKES_VERSION = ("hf", "meta"), ("llama2c",)


def convert(
    source: str | Path,
    target: str | Path,
    to: str,
    *,
    dtype=None,
    tokenizer: str | Path | None = None,
    shards: int | None = None,
    version: int | None = None,
) -> StoredWeights:
    """Writes the model at `source` to `target` in another format; returns what was written.

    Args:
        source: any weights that are read.
        target: a directory that is absent or empty; for llama2c a .bin file that is absent.
        to: "hf", "meta", "llama2c" or "orbax" (a run directory with step 0).
        dtype: float32, bfloat16 or float16 to convert to; by default what is stored. llama2c's
            files have dtypes of their own.
        tokenizer: its file, where the weights bring none or another is wanted.
        shards: how many files hold the weights, for hf and meta.
        version: of llama2c's format: 0, 1 or 2; by default 0.

    Raises:
        InputError: anything of this does not fit, or the source is not readable.
        OSError: it could not be written, for instance on a full disk; nothing is left of it.
    """
    target, options = Path(target), Options(shards, version)
    _check_options(to, options, dtype)
    _check_target(target, to)
    weights = open_weights(source)
    if tokenizer is not None:
        weights = dataclasses.replace(weights, tokenizer=Path(tokenizer))
    if weights.tokenizer is not None:
        check_fits(load_tokenizer(weights.tokenizer), weights.config)
    if dtype is not None:
        weights = converted(weights, float_dtype(dtype))
    with whole_or_nothing(target) as unfinished, tempfile.TemporaryDirectory() as folder:
        WRITERS[to](_with_named_tokenizer(weights, Path(folder)), unfinished, options)
        if to != "llama2c":  # its version 2 does not hold the values that were read
            _add_manifest(
                unfinished / "checkpoints" / "0" if to == "orbax" else unfinished, weights
            )
    return weights


def _add_manifest(written: Path, weights: StoredWeights) -> None:
    """What was meant to be written, by its source; what was written is held against it at once."""
    write_manifest(written, weights)
    check_manifest(written, open_weights(written))


def converted(weights: StoredWeights, dtype: np.dtype, *, exact: bool = False) -> StoredWeights:
    """The same weights in another dtype; each layer is converted when it is read.

    Args:
        weights: what is read.
        dtype: to convert to.
        exact: refuse a layer of another dtype.
    """

    def convert_param(name: str, param: StoredParam) -> StoredParam:
        def read(layer: int | None) -> np.ndarray:
            return read_converted(weights, name, dtype, layer, exact=exact)

        return StoredParam(param.shape, dtype, read)

    params = {name: convert_param(name, param) for name, param in weights.params.items()}
    return dataclasses.replace(weights, params=params)


def _with_named_tokenizer(weights: StoredWeights, folder: Path) -> StoredWeights:
    """A tokenizer that lies in a GGUF or llama2.c file is written out, for writers that copy it."""
    if weights.tokenizer is None or weights.tokenizer.name in TOKENIZER_NAMES:
        return weights
    data = load_tokenizer(weights.tokenizer).serialized()
    file = folder / TOKENIZER_NAMES[data.lstrip()[:1] == b"{"]
    file.write_bytes(data)
    return dataclasses.replace(weights, tokenizer=file)


@contextlib.contextmanager
def whole_or_nothing(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to; it takes its name in the end, or is removed.

    Raises:
        OSError: of what is done inside, with the target's name where it has none.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        yield folder / target.name
        if target.is_dir():
            target.rmdir()  # it was empty
        (folder / target.name).rename(target)
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(target)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_options(to: str, options: Options, dtype) -> None:
    if to not in WRITERS:
        raise InputError(f"to {to!r}: what is written is one of {', '.join(WRITERS)}")
    for name, kinds in (("shards", TAKES_SHARDS), ("version", TAKES_VERSION)):
        value = getattr(options, name)
        if value is not None and to not in kinds:
            who = " and ".join(kinds) + (" take it" if len(kinds) > 1 else " takes it")
            raise InputError(f"{name} {value} has no meaning for {to}; {who}")
    if to == "llama2c" and dtype is not None and float_dtype(dtype) != np.float32:
        raise InputError(
            f"dtype {float_dtype(dtype)} for llama2c, whose files hold float32 (versions 0 and 1) "
            "or int8 (version 2); leave it out"
        )


def _check_target(target: Path, to: str) -> None:
    if to == "llama2c":
        if target.suffix != ".bin":
            raise InputError(f"{target}: a llama2.c file is named .bin; name it so")
        if target.exists():
            raise InputError(f"{target}: exists; name another file")
    elif target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: exists and is not an empty directory; name another")

"""Checks that every reader of weights makes: names, shapes, dtypes."""

from collections.abc import Collection, Iterable, Mapping

import ml_dtypes
import numpy as np

from llama_jax.errors import InputError

DTYPES = {
    name: np.dtype(kind)
    for name, kind in (
        ("float32", np.float32),
        ("bfloat16", ml_dtypes.bfloat16),
        ("float16", np.float16),
    )
}


def float_dtype(dtype) -> np.dtype:
    """The NumPy dtype of a name or dtype; InputError unless float32, bfloat16 or float16."""
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in DTYPES:
        raise InputError(f"dtype {name} is not one of {', '.join(DTYPES)}")
    return DTYPES[name]


def listed(names: Iterable[str], limit: int = 6) -> str:
    """Names joined by commas; past `limit` of them, how many more there are."""
    names = list(names)
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


def check_names(where: str, expected: Collection[str], found: Collection[str]) -> None:
    """Raises InputError that lists the names missing from `found` and those it has too many."""
    missing = [name for name in expected if name not in found]
    unknown = sorted(name for name in found if name not in expected)
    problems = [
        f"{len(names)} {what}: {listed(names)}"
        for what, names in (("missing", missing), ("unknown", unknown))
        if names
    ]
    if problems:
        raise InputError(f"{where}: tensors {'; '.join(problems)}")


def check_shapes(
    where: str, expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> None:
    """Raises InputError that lists the tensors whose shape is not the expected one, with both."""
    wrong = [
        f"{name} is {list(found[name])} and should be {list(shape)}"
        for name, shape in expected.items()
        if tuple(found[name]) != tuple(shape)
    ]
    if wrong:
        raise InputError(f"{where}: {listed(wrong)}; the weights do not fit the configuration")


def common_dtype(where: str, found: Mapping[str, np.dtype], dtype=None) -> np.dtype:
    """The dtype to read into: `dtype` where given, else the one that all tensors share."""
    if dtype is not None:
        return float_dtype(dtype)
    by_dtype: dict[str, list[str]] = {}
    for name, kind in found.items():
        by_dtype.setdefault(kind.name, []).append(name)
    if len(by_dtype) > 1:
        parts = [f"{kind} ({listed(names, 2)})" for kind, names in sorted(by_dtype.items())]
        raise InputError(f"{where}: mixes {' with '.join(parts)}; say which dtype to read as")
    return float_dtype(next(iter(by_dtype)))


def copy_checked(where: str, name: str, target: np.ndarray, source: np.ndarray) -> None:
    """Copies one tensor, converting its dtype; InputError where float16 cannot hold a value.

    The other conversions only round. (Overflow has no floating-point flag from bfloat16, so the
    result is looked at.)
    """
    with np.errstate(over="ignore"):
        np.copyto(target, source, casting="unsafe")
    narrowed = target.dtype == np.float16 and source.dtype != np.float16
    if narrowed and not np.isfinite(target).all():
        largest = float(np.abs(source.astype(np.float32)).max())
        raise InputError(
            f"{where}: {name} holds {largest:g}, more than float16's 65504; read it as bfloat16 "
            "or float32"
        )

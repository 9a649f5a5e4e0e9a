"""Writes golden/torch_save.pth: what torch.save makes of every dtype and of views.

    .venv-parity/bin/python tests/parity/make_torch_file.py

The values follow from the names, so that a test without torch knows them (`expected`).
"""

from pathlib import Path

import ml_dtypes
import numpy as np

GOLDEN = Path(__file__).with_name("golden") / "torch_save.pth"
DTYPES = {
    **{name: np.dtype(name) for name in ("float32", "float16", "float64", "complex64")},
    **{name: np.dtype(name) for name in ("int64", "int32", "int16", "int8", "uint8", "bool")},
    "complex128": np.dtype("complex128"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}


def expected() -> dict[str, np.ndarray]:
    """Name -> value of every tensor of the file."""
    base = np.arange(60, dtype=np.float32).reshape(5, 12)
    return {
        **{name: np.arange(24).reshape(4, 6).astype(dtype) for name, dtype in DTYPES.items()},
        "base": base,
        "transposed": base.T,
        "window": base[1:4:2, 2:9],
        "reversed_axes": base.reshape(3, 4, 5).transpose(2, 0, 1),
        "scalar": np.array(3.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
    }


def tensors() -> dict:
    """The same in torch; the views share one storage."""
    import torch

    base = torch.arange(60, dtype=torch.float32).reshape(5, 12)
    return {
        **{n: torch.arange(24).reshape(4, 6).to(getattr(torch, n)) for n in DTYPES},
        "base": base,
        "transposed": base.T,
        "window": base[1:4:2, 2:9],
        "reversed_axes": base.view(3, 4, 5).permute(2, 0, 1),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 3),
    }


if __name__ == "__main__":
    import torch

    torch.save(tensors(), GOLDEN)
    print(GOLDEN, GOLDEN.stat().st_size, "bytes, torch", torch.__version__)

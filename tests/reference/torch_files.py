"""Torch files for tests: good ones by the package's writer, bad ones byte by byte.

The writer is held against torch itself in parity/test_torch_files.py.
"""

import zipfile

from llama_jax.weights.torch_write import TorchWriter


def write_torch(path, tensors):
    """A torch file of these tensors, in their order."""
    with TorchWriter(path, {name: (a.dtype, a.shape) for name, a in tensors.items()}) as writer:
        for array in tensors.values():
            writer.add(array)
    return path


def write_archive(path, members, compression=zipfile.ZIP_STORED):
    """A zip archive of these members, NAME -> bytes."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return path

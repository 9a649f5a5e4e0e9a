"""Peak memory of the host when a large synthetic checkpoint is read, placed, converted or resumed.

    python benchmarks/load_memory.py --megabytes 2048 --out benchmarks/results/load_memory.json

Each action runs in a process of its own, which this one watches through /proc. Two figures, both as
a multiple of the model's bytes and without what the process held before it began (Python, JAX):

- `anonymous`: the highest RssAnon + RssShmem seen, sampled every few milliseconds: memory that only
  this process can give back.
- `resident`: VmHWM, the kernel's own high-water mark, pages of mapped files included, which the
  kernel may drop at any time.

The kind `state` is a training state of as many MiB: float32 parameters with AdamW's two moments.

On a CPU the devices' memory is the host's: for `place` and `resume` what the devices hold in the
end is taken off ("beyond devices"), which leaves what a host with an accelerator needs.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import tyro

KINDS = ("hf", "meta", "llama_jax", "state")
ACTIONS = ("read", "place", "place on 4 devices", "convert to llama_jax")
STATE_RATIO = 6  # a parameter and two moments in float32 to a parameter in bfloat16
SAMPLE_SECONDS = 0.003
MIB = 2**20


def config_of(megabytes: int):
    """A Llama of about this many MiB in bfloat16, its width that of a model of 1 to 2 billion."""
    from llama_jax.config import LlamaConfig

    dim = 2048 if megabytes >= 1024 else 512
    ffn, vocab = dim * 11 // 4, 32000 if dim == 2048 else 4096
    heads = dim // 64
    layer = 2 * dim * dim + 2 * dim * dim // 4 + 3 * dim * ffn + 2 * dim
    layers = max(2, round((megabytes * MIB / 2 - 2 * vocab * dim) / layer))
    return LlamaConfig(vocab, dim, layers, heads, heads // 4, ffn, 2048, 1e-5)


def write(folder: Path, megabytes: int) -> Path:
    """Writes a Hugging Face directory of random values, a few MiB at a time."""
    import ml_dtypes
    import numpy as np

    from llama_jax.model.decoder import abstract_params
    from llama_jax.weights.hf import NAMES
    from llama_jax.weights.hf_config import to_fields
    from llama_jax.weights.layout import stored_shape
    from llama_jax.weights.tree import flatten

    config = config_of(megabytes)
    shapes = {path: leaf.shape for path, leaf in flatten(abstract_params(config)).items()}
    header, offset = {}, 0
    for path, shape in shapes.items():
        stacked = path.startswith("layers/")
        stored = list(stored_shape(path, shape[1:] if stacked else shape))
        for layer in range(shape[0]) if stacked else [None]:
            size = 2 * int(np.prod(stored))
            span = [offset, offset + size]
            name = NAMES[path].format(layer=layer)
            header[name] = {"dtype": "BF16", "shape": stored, "data_offsets": span}
            offset += size
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(to_fields(config)))
    rng = np.random.default_rng(0)
    # Values that no compressor shrinks: pages of zeros would cost nothing.
    block = rng.standard_normal(8 * MIB // 4).astype(ml_dtypes.bfloat16).tobytes()
    with (folder / "model.safetensors").open("wb") as file:
        encoded = json.dumps(header).encode()
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        while offset > 0:
            file.write(block[: min(offset, len(block))])
            offset -= len(block)
    return folder


def _written(kind: str, root: Path, megabytes: int) -> Path:
    """The checkpoint of this kind below root, made if it is not there."""
    from llama_jax.weights.convert import convert

    if kind == "state":
        return _trained(write(root / "small", megabytes // STATE_RATIO), root / kind)
    hf = root / "hf" if (root / "hf").exists() else write(root / "hf", megabytes)
    if kind != "hf":
        convert(hf, root / kind, "orbax" if kind == "llama_jax" else kind)
    return root / kind


def _trained(source: Path, target: Path) -> Path:
    """A checkpoint of a training state whose parameters and moments are the source's values."""
    import jax
    import numpy as np
    import optax

    from llama_jax import checkpoint, weights

    stored = weights.open_weights(source)
    params = jax.tree.map(lambda leaf: leaf.astype(np.float32), weights.read_all(stored))
    # Moments of zeros would cost nothing on a disk that compresses.
    opt_state = optax.ScaleByAdamState(np.zeros((), np.int32), params, params)
    checkpoint.save(target, 1, params, stored.config, opt_state=opt_state)
    return target


def act(action: str, path: Path) -> None:
    """What a child does: says how much it holds before, acts, says what its devices hold."""
    import jax

    jax.block_until_ready(jax.numpy.zeros(8) + 1)
    run = _resume(path) if action == "resume" else _use_weights(action, path)
    size = next(run)
    print(json.dumps(status(os.getpid())), flush=True)
    sys.stdin.readline()
    kept = next(run)
    shards = (s for leaf in jax.tree.leaves(kept) for s in getattr(leaf, "addressable_shards", ()))
    held = sum(shard.data.nbytes for shard in shards)
    print(json.dumps({"size": size, "held": held, **status(os.getpid())}), flush=True)


def _use_weights(action: str, path: Path) -> Iterator:
    """Yields the bytes of the parameters, then does it and yields what is kept."""
    from llama_jax import weights
    from llama_jax.inference.placement import Placement
    from llama_jax.sharding import mesh_of
    from llama_jax.weights.convert import convert

    stored = weights.open_weights(path)
    yield sum(math.prod(p.shape) * p.dtype.itemsize for p in stored.params.values())
    if action == "read":
        yield weights.read_all(stored)
    elif action.startswith("place"):
        place = Placement(mesh_of(4, 4) if "4" in action else None)
        sharding, params = place.parameter_sharding, stored.params.items()
        yield weights.place(stored, {name: sharding(name, param.shape) for name, param in params})
    else:
        with tempfile.TemporaryDirectory(dir=path.parent) as target:
            convert(path, Path(target) / "run", "orbax")
        yield ()


def _resume(path: Path) -> Iterator:
    """Yields the bytes of the training state, then the state on its device."""
    import jax
    import optax

    from llama_jax import checkpoint
    from llama_jax.model.decoder import abstract_params

    config = checkpoint.open_params(path / "checkpoints" / "1").metadata.config
    params = abstract_params(config)
    opt_state = jax.eval_shape(optax.scale_by_adam().init, params)
    yield sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves((params, opt_state)))
    restored = checkpoint.restore_state(path, config, params, opt_state)
    yield jax.block_until_ready((restored.params, restored.opt_state))


def status(pid: int) -> dict[str, int]:
    """Bytes of a process: anonymous (with shared) memory now, and its high-water mark."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}
    return {
        "anonymous": 1024 * (kib["RssAnon"] + kib["RssShmem"]),
        "resident": 1024 * kib["VmRSS"],
        "high_water": 1024 * kib["VmHWM"],
    }


def measure(action: str, path: Path) -> dict[str, float]:
    """Runs one action in a child and watches it."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    if "4" in action:
        environment["JAX_NUM_CPU_DEVICES"] = "4"
    child = subprocess.Popen(
        [sys.executable, __file__, "--act", action, "--path", str(path)],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    before = json.loads(child.stdout.readline())
    started, peak = time.perf_counter(), before["anonymous"]
    child.stdin.write("go\n")
    child.stdin.flush()
    while child.poll() is None:
        try:
            peak = max(peak, status(child.pid)["anonymous"])
        except (OSError, KeyError):  # it has ended
            break
        time.sleep(SAMPLE_SECONDS)
    after = json.loads(child.stdout.readline())
    if child.wait():
        raise SystemExit(f"{action} of {path} failed")
    size = after["size"]
    anonymous = (peak - before["anonymous"]) / size
    resident = (after["high_water"] - before["resident"]) / size
    beyond = after["held"] / size
    return {
        "model_bytes": size,
        "anonymous": round(anonymous, 3),
        "resident": round(resident, 3),
        "anonymous_beyond_devices": round(anonymous - beyond, 3),
        "resident_beyond_devices": round(resident - beyond, 3),
        "before_bytes": before["anonymous"],
        "seconds": round(time.perf_counter() - started, 1),
    }


def main(
    *,
    megabytes: int = 2048,
    kinds: tuple[str, ...] = KINDS,
    out: Path | None = None,
    folder: Path | None = None,
) -> None:
    """Writes the checkpoints, runs every action on each, prints a table and writes JSON.

    Args:
        megabytes: size of the model in bfloat16, or of the training state in float32.
        kinds: hf, meta, llama_jax, state.
        out: JSON file of the results.
        folder: for the checkpoints, which are removed in the end; default: a temporary one.
    """
    root = Path(tempfile.mkdtemp(dir=folder))
    found = []
    try:
        for kind in kinds:
            path = _written(kind, root, megabytes)
            for action in ("resume",) if kind == "state" else ACTIONS:
                line = {"kind": kind, "action": action, **measure(action, path)}
                found.append(line)
                print(" ".join(f"{key}={value}" for key, value in line.items()), flush=True)
    finally:
        shutil.rmtree(root)
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    if "--act" in sys.argv:
        act(sys.argv[2], Path(sys.argv[4]))
    else:
        tyro.cli(main)

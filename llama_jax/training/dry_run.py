"""What a run on a mesh would take, from shapes alone: the real step compiled, nothing allocated.

`dry_run` starts a process of its own that pretends to have as many CPU devices as the mesh, lowers
`train_step` for them, compiles it ahead of time and reads the compiler's analysis. The memory is
the CPU compiler's figure for one device: an indication, since another compiler fuses otherwise.
"""

import dataclasses
import functools
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

from llama_jax import config_json
from llama_jax.config import LlamaConfig
from llama_jax.errors import InputError


@dataclass(frozen=True)
class DryRun:
    """What the compiler says about one step.

    Attributes:
        devices: of the mesh.
        parameters: of the model.
        tokens_per_step: positions of one update.
        microbatch_rows: rows that are computed at a time, over all devices.
        flops_per_step: counted, see `training_flops`.
        state_bytes: parameters and optimizer state of one device.
        batch_bytes: of one device.
        temporary_bytes: everything else that a device holds at the peak.
        total_bytes: the sum of the three.
        collectives: operations in the compiled program by kind; those inside loops count once.
        seconds: to lower and compile.
    """

    devices: int
    parameters: int
    tokens_per_step: int
    microbatch_rows: int
    flops_per_step: int
    state_bytes: int
    batch_bytes: int
    temporary_bytes: int
    total_bytes: int
    collectives: dict[str, int]
    seconds: float

    def days(self, steps: int, peak_flops: float, mfu: float) -> float:
        """Days of `steps` updates where each device reaches `mfu` of `peak_flops`."""
        return steps * self.flops_per_step / (self.devices * peak_flops * mfu) / 86400

    def lines(self) -> list[str]:
        """For people."""
        kinds = ", ".join(f"{count} {name}" for name, count in self.collectives.items())
        rows = [
            ("devices", f"{self.devices}"),
            ("parameters", f"{self.parameters:,}"),
            ("tokens per step", f"{self.tokens_per_step:,}"),
            ("rows at a time", f"{self.microbatch_rows:,}"),
            ("FLOPs per step", f"{self.flops_per_step:.4g}"),
            ("state per device", _gigabytes(self.state_bytes)),
            ("batch per device", _gigabytes(self.batch_bytes)),
            ("temporaries per device", _gigabytes(self.temporary_bytes)),
            ("memory per device", _gigabytes(self.total_bytes)),
            ("collectives", kinds or "none"),
            ("compiled in", f"{self.seconds:.1f} s"),
        ]
        return [f"{name:<24}{value}" for name, value in rows]


def dry_run(
    model: LlamaConfig,
    optimizer,
    options,
    *,
    batch_size: int,
    length: int,
    mesh: tuple[int, int, int],
    timeout: float = 900.0,
) -> DryRun:
    """Compiles one step for a mesh that need not exist, in a process of its own.

    Args:
        model: the model.
        optimizer: an `OptimizerConfig`.
        options: `StepOptions`; their `accumulation` cuts the batch into microbatches.
        batch_size: rows per update, over all devices.
        length: T, tokens per row.
        mesh: sizes of the axes data, fsdp and tensor.
        timeout: seconds.

    Raises:
        InputError: the step does not fit the mesh, or did not compile.
    """
    job = {
        "model": config_json.to_json(model),
        "optimizer": dataclasses.asdict(optimizer),
        "options": dataclasses.asdict(options),
        "batch_size": batch_size,
        "length": length,
        "mesh": list(mesh),
    }
    devices = mesh[0] * mesh[1] * mesh[2]
    # The number of simulated devices is fixed when JAX starts; that is why this is a process. The
    # program is never run: the compiler need not optimise its code, only plan its memory.
    flags = [
        *(f for f in os.environ.get("XLA_FLAGS", "").split() if "host_platform" not in f),
        f"--xla_force_host_platform_device_count={devices}",
        "--xla_backend_optimization_level=0",
    ]
    environment = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"}
    environment |= {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": " ".join(flags)}
    done = subprocess.run(
        [sys.executable, "-m", "llama_jax.training.dry_run"],
        input=json.dumps(job),
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise InputError(f"dry run: {last[0].removeprefix('llama_jax.errors.InputError: ')}")
    return DryRun(**json.loads(done.stdout.splitlines()[-1]))


def compile_shapes(
    model: LlamaConfig, optimizer, options, batch_size: int, length: int, mesh: tuple[int, int, int]
) -> DryRun:
    """What `dry_run` does inside its process, whose JAX has the devices."""
    import jax

    from llama_jax.data.packing import Rows
    from llama_jax.sharding import batch_sharding, check_batch, make_mesh, state_shardings
    from llama_jax.training.flops import training_flops
    from llama_jax.training.optimizer import make_optimizer
    from llama_jax.training.step import compile_train_step, init_state

    grid = make_mesh(*mesh)
    check_batch(batch_size, options.accumulation, grid)
    chain = make_optimizer(optimizer)
    make = functools.partial(init_state, config=model, optimizer=chain)
    shapes = jax.eval_shape(make, jax.random.key(0))
    state = jax.tree.map(_placed, shapes, state_shardings(shapes, grid))
    row = jax.ShapeDtypeStruct((batch_size, length), "int32", sharding=batch_sharding(grid))
    begun = time.perf_counter()
    step = compile_train_step(model, chain, options, mesh=grid)
    compiled = step.lower(state, Rows(*[row] * len(Rows._fields))).compile()
    seconds = time.perf_counter() - begun
    analysis = compiled.memory_analysis()
    tokens = batch_size * length
    batch_bytes = 4 * len(Rows._fields) * tokens // (mesh[0] * mesh[1])
    return DryRun(
        devices=grid.size,
        parameters=sum(leaf.size for leaf in jax.tree.leaves(shapes.params)),
        tokens_per_step=tokens,
        microbatch_rows=batch_size // options.accumulation,
        flops_per_step=training_flops(model, tokens, length),
        state_bytes=analysis.argument_size_in_bytes - batch_bytes,
        batch_bytes=batch_bytes,
        temporary_bytes=analysis.temp_size_in_bytes
        + max(0, analysis.output_size_in_bytes - analysis.alias_size_in_bytes),
        total_bytes=analysis.argument_size_in_bytes
        + analysis.temp_size_in_bytes
        + max(0, analysis.output_size_in_bytes - analysis.alias_size_in_bytes),
        collectives=count_collectives(compiled.as_text()),
        seconds=round(seconds, 1),
    )


KINDS = ("all-gather", "all-reduce", "reduce-scatter", "all-to-all", "collective-permute")


def count_collectives(text: str) -> dict[str, int]:
    """How often each kind of collective stands in a compiled program; loops are not unrolled."""
    counts = {kind: text.count(f" {kind}(") + text.count(f" {kind}-start(") for kind in KINDS}
    return {kind: count for kind, count in counts.items() if count}


def _placed(shape, sharding):
    import jax

    return jax.ShapeDtypeStruct(shape.shape, shape.dtype, sharding=sharding)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def _main() -> None:
    from llama_jax.training.optimizer import OptimizerConfig
    from llama_jax.training.options import StepOptions

    job: dict[str, Any] = json.load(sys.stdin)
    result = compile_shapes(
        config_json.from_json(job["model"]),
        OptimizerConfig(**job["optimizer"]),
        StepOptions(**job["options"]),
        job["batch_size"],
        job["length"],
        tuple(job["mesh"]),
    )
    print(json.dumps(dataclasses.asdict(result)))


if __name__ == "__main__":
    _main()

"""What a training run would take on a mesh that need not exist: nothing is allocated.

    python experiments/train_dry_run.py llama2-70b --fsdp 32 --tensor 8

Prints parameters, FLOPs, memory per device as the compiler plans it, collectives, and days.
"""

import argparse
import dataclasses
import json
import sys

from llama_jax.errors import InputError
from llama_jax.training.dry_run import dry_run
from llama_jax.training.presets import PRESETS, train_preset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("preset", choices=PRESETS, metavar="PRESET", help=", ".join(PRESETS))
    for axis in ("data", "fsdp", "tensor"):
        parser.add_argument(f"--{axis}", type=int, default=1, help=f"devices along axis {axis}")
    parser.add_argument("--batch-size", type=int, help="rows per step; default the preset's")
    parser.add_argument("--accumulation", type=int, help="microbatches; default the preset's")
    parser.add_argument("--remat", help="policy; default the preset's")
    parser.add_argument("--peak-flops", type=float, default=989e12, help="of a device (H100)")
    parser.add_argument("--mfu", type=float, default=0.4, help="share of the peak that is reached")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        report(args)
    except InputError as error:
        print(f"train_dry_run: {error}", file=sys.stderr)
        sys.exit(2)


def report(args: argparse.Namespace) -> None:
    preset = train_preset(args.preset)
    changes = {"accumulation": args.accumulation, "remat": args.remat}
    options = dataclasses.replace(
        preset.options, **{name: value for name, value in changes.items() if value is not None}
    )
    found = dry_run(
        preset.model,
        preset.optimizer,
        options,
        batch_size=args.batch_size or preset.batch_size,
        length=preset.length,
        mesh=(args.data, args.fsdp, args.tensor),
    )
    days = found.days(preset.steps, args.peak_flops, args.mfu)
    if args.json:
        print(json.dumps({**dataclasses.asdict(found), "steps": preset.steps, "days": days}))
        return
    print("\n".join(found.lines()))
    print(
        f"{'days':<24}{days:,.1f} for {preset.steps:,} steps at {args.mfu:.0%} of "
        f"{args.peak_flops:.3g} FLOP/s"
    )


if __name__ == "__main__":
    main()

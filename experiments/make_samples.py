"""Writes the files of llama_jax/samples again: corpus, benchmark samples, tokenizer, manifest.

    python experiments/make_samples.py [--out DIR] [--seed N]

With the default seed the files are the ones that the package holds, byte for byte.
"""

import argparse
import hashlib
from pathlib import Path

from llama_jax.samples import FOLDER
from llama_jax.samples.generator.build import SEED, write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    parser.add_argument("--seed", type=int, default=SEED, help="another world of the same kind")
    arguments = parser.parse_args()
    for path in write(arguments.out, arguments.seed):
        data = path.read_bytes()
        print(f"{hashlib.sha256(data).hexdigest()}  {len(data):>9}  {path}")


if __name__ == "__main__":
    main()
